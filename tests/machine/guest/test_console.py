"""The guest's console: the log on the serial port, by polite and few accesses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from machine.config import MachineConfig
from machine.firmware.fdt import cells, fdt, strings
from machine.guest.acpi_spcr import Spcr, parse_spcr
from machine.memmap import UART0
from machine.virt_fdt import board_tree
from tests.machine.board import SIX, SMALL
from tests.machine.guest.recording import record
from tests.machine.guest.serial import SPCR, SerialBoard, with_checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Change = Callable[[dict[str, Any]], object]

CONFIG = MachineConfig(SIX, ram_size=SMALL)
WITHOUT_ACPI = replace(CONFIG, acpi=False)
DR, FR = UART0.base, UART0.base + 0x18


@pytest.fixture
def serial() -> Iterator[SerialBoard]:
    board = SerialBoard(CONFIG)
    yield board
    board.machine.close()


@pytest.fixture
def booted(serial: SerialBoard) -> SerialBoard:
    serial.settle()
    serial.lines()
    return serial


def test_the_boot_is_on_the_serial_port_with_its_times(serial: SerialBoard) -> None:
    serial.settle()
    first, *_ = serial.printed.split(b"\r\n")
    assert first == b"[    0.000000] ACPI: SPCR: console: pl011,mmio32,0x9000000,9600"
    lines = serial.lines()
    gic = lines.index("GICv3: 256 SPIs implemented")
    assert lines[gic + 1] == "GICv3: CPU0: found redistributor 0 region 0:0x00000000080a0000"
    assert lines.index("psci: PSCIv1.1 detected in firmware.") < gic


def test_a_plug_and_an_unplug_are_on_the_serial_port(booted: SerialBoard) -> None:
    booted.plug(2, "c")
    assert booted.lines() == [
        "ACPI: CPU2 has been hot-added",
        "Detected PIPT I-cache on CPU2",
        "GICv3: CPU2: found redistributor 2 region 0:0x00000000080e0000",
        "CPU2: Booted secondary processor 0x0000000002 [0x410fd083]",
    ]
    booted.unplug("c")
    assert booted.lines() == ["psci: CPU2 killed (polled 0 ms)"]


def test_the_last_words_are_on_the_serial_port(booted: SerialBoard) -> None:
    booted.machine.system_powerdown()
    booted.settle()
    assert booted.lines()[-1] == "reboot: Power down"


def test_a_reset_begins_the_log_anew(booted: SerialBoard) -> None:
    booted.machine.system_reset()
    booted.settle()
    assert booted.lines()[0].startswith("ACPI: SPCR: console: ")


def test_printing_waits_until_everything_else_is_done(serial: SerialBoard) -> None:
    log = record(serial.machine)
    serial.settle()
    log.clear()
    serial.plug(2)
    stores = [step.args[0] for step in log if step.verb == "store"]
    calls = [n for n, step in enumerate(log) if step.verb == "smccc"]
    first = next(n for n, step in enumerate(log) if step.verb == "store" and step.args[0] == DR)
    assert stores.count(DR) > 100
    assert first > calls[0]


def test_it_asks_for_room_before_each_sixteen_characters(serial: SerialBoard) -> None:
    log = record(serial.machine)
    serial.settle()
    without = 0
    for step in log:
        if step.verb == "load" and step.args[0] == FR:
            without = 0
        elif step.verb == "store" and step.args[0] == DR:
            without += 1
            assert without <= 16
    assert without


@pytest.mark.parametrize(
    ("at", "value"),
    [(36, 0x00), (40, 0x01), (44, 0x00)],
    ids=["a 16550", "an I/O port", "no address"],
)
def test_what_cannot_be_driven_is_left_alone(at: int, value: int) -> None:
    table = bytearray(SPCR.read_bytes())
    table[at : at + (8 if at == 44 else 1)] = value.to_bytes(8 if at == 44 else 1, "little")
    board = SerialBoard(CONFIG, with_checksum(bytes(table)))
    log = record(board.machine)
    board.settle()
    assert board.online() == [0, 1]
    assert not [step for step in log if step.verb in {"load", "store"} and step.args[0] in {DR, FR}]
    board.machine.close()


def test_a_table_that_names_an_empty_place_does_not_stop_the_kernel() -> None:
    table = SPCR.read_bytes()
    table = table[:44] + (0x0900_1000).to_bytes(8, "little") + table[52:]
    board = SerialBoard(CONFIG, with_checksum(table))
    board.settle()
    assert board.online() == [0, 1]
    assert board.printed == b""
    assert board.machine.bus.unassigned > 0
    board.machine.close()


def test_the_references_table_is_understood() -> None:
    assert parse_spcr(SPCR.read_bytes()) == Spcr(UART0.base, interrupt=33, baud=9600)


def test_an_interrupt_that_is_not_the_gics_is_none() -> None:
    table = SPCR.read_bytes()
    spcr = parse_spcr(table[:52] + b"\0" + table[53:58] + b"\0" + table[59:])
    assert spcr == Spcr(UART0.base, interrupt=None, baud=0)
    assert str(spcr) == "pl011,mmio32,0x9000000"


# Without ACPI

DEVICES = "/sys/bus/acpi/devices"
UART = "pl011@9000000"


def without_acpi(change: Change) -> SerialBoard:
    """A machine that has come up by its device tree as changed."""
    board = SerialBoard(WITHOUT_ACPI)
    tree = deepcopy(dict(board_tree(board.machine)))
    change(tree)
    board.machine.ram.write_bytes(board.vcpu().x0, fdt(tree))
    board.settle()
    return board


def test_without_acpi_the_device_tree_names_the_console() -> None:
    board = SerialBoard(WITHOUT_ACPI)
    board.settle()
    lines = board.lines()
    assert lines[:2] == [
        "Machine model: linux,dummy-virt",
        "earlycon: pl11 at MMIO 0x0000000009000000 (options '')",
    ]
    assert lines[-1] == "smp: Brought up 1 node, 2 CPUs"
    assert board.type("nproc\r") == ["nproc", "2"]
    board.machine.close()


@pytest.mark.parametrize(
    ("chosen", "options"),
    [
        ({"stdout-path": strings("serial0:115200n8")}, "115200n8"),
        ({"linux,stdout-path": strings(f"/{UART}")}, ""),
    ],
)
def test_the_device_tree_may_name_the_console_otherwise(
    chosen: dict[str, bytes], options: str
) -> None:
    board = without_acpi(lambda tree: tree.update(chosen=chosen))
    said = f"earlycon: pl11 at MMIO 0x0000000009000000 (options '{options}')"
    assert board.lines()[1] == said
    board.machine.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree.pop("chosen"),
        lambda tree: tree["chosen"].clear(),
        lambda tree: tree["chosen"].update({"stdout-path": strings("/serial@1")}),
        lambda tree: tree[UART].update(compatible=strings("ns16550a")),
        lambda tree: tree[UART].pop("reg"),
    ],
    ids=["no /chosen", "none named", "what is not there", "a 16550", "no address"],
)
def test_without_acpi_and_without_a_console_it_comes_up_silently(change: Change) -> None:
    board = without_acpi(change)
    assert board.online() == [0, 1]
    assert board.printed == b""
    board.machine.close()


def test_a_console_without_an_interrupt_prints_only() -> None:
    board = without_acpi(lambda tree: tree[UART].pop("interrupts"))
    assert board.lines()
    board.send(b"nproc\r")
    assert board.lines() == []
    board.machine.close()


def test_what_hinders_a_boot_without_acpi_is_on_the_console() -> None:
    board = without_acpi(lambda tree: tree.update(cpus={"#size-cells": cells(0)}))
    said = "Kernel panic - not syncing: no CPUs in the device tree"
    assert board.lines()[-2:] == [said, f"---[ end {said} ]---"]
    board.machine.close()


def test_acpis_files_are_not_there_without_acpi() -> None:
    board = without_acpi(lambda _tree: None)
    for path in ("/sys/firmware/acpi/hotplug/processor/enabled", f"{DEVICES}/ACPI0007:01/eject"):
        answer = f"sh: can't create {path}: nonexistent directory"
        assert board.type(f"echo 1 > {path}\r")[-1] == answer
        board.lines()
    board.machine.close()
