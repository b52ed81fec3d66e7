"""The board's device tree, as the device tree compiler and a reader of the standard see it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.firmware.fdt import FLAG, cells, fdt, strings, wide
from machine.numa import Numa
from machine.topology import Topology
from machine.virt_fdt import board_tree
from tests.machine.acpi.tables import chosen
from tests.machine.firmware.dtc import Nodes, decompile, needs_dtc

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

pytestmark = [pytest.mark.dtc, needs_dtc]

EXTRA = {"driver": "cortex-a72-arm-cpu", "id": "extra", "core-id": "4"}
PSCI_CALL = {"cpu_suspend": 1, "cpu_off": 2, "cpu_on": 3, "migrate": 5}


def nodes_of(board: Board) -> Nodes:
    return decompile(fdt(board_tree(board.machine)))


def numbers(value: str) -> list[int]:
    """Cells, as dtc writes them."""
    return [int(word, 16) for word in value.strip("<>").split()]


def test_a_tree_comes_back_as_it_was_said() -> None:
    tree = {
        "text": strings("a", "bc"),
        "cells": cells(1, 0xFFFF_FFFF),
        "wide": wide(1 << 40),
        "flag": FLAG,
        "node@1": {"text": strings("again"), "below": {"cells": cells(7)}},
    }
    assert decompile(fdt(tree)) == {
        "/": {
            "text": '"a\\0bc"',
            "cells": "<0x01 0xffffffff>",
            "wide": "<0x100 0x00>",
            "flag": "",
        },
        "/node@1": {"text": '"again"'},
        "/node@1/below": {"cells": "<0x07>"},
    }


def test_a_name_is_once_in_the_blob_however_often_it_is_used() -> None:
    blob = fdt({"twice": FLAG, "node": {"twice": FLAG, "once": FLAG}})
    assert blob.count(b"twice\0") == blob.count(b"once\0") == 1


def test_the_header_counts_what_is_there() -> None:
    blob = fdt({"name": strings("value")})
    _, total, structure, names, reserved, version, compatible, _, names_size, size = struct.unpack(
        ">10I", blob[:40]
    )
    assert (total, version, compatible) == (len(blob), 17, 16)
    assert blob[reserved:structure] == bytes(16)
    assert structure + size == names
    assert names + names_size == total


def test_a_phandle_is_somebodys_and_his_only(boards: Make) -> None:
    nodes = nodes_of(boards(Topology(4, 2, 1, 2, 1), boot=False))
    phandles = [found["phandle"] for found in nodes.values() if "phandle" in found]
    assert len(set(phandles)) == len(phandles) == 4 + 2
    assert nodes["/"]["interrupt-parent"] == nodes["/intc@8000000"]["phandle"]
    mapped = [found["cpu"] for found in nodes.values() if "cpu" in found]
    assert mapped == [nodes[f"/cpus/cpu@{n}"]["phandle"] for n in range(4)]


def test_only_cpus_that_are_there_are_in_the_tree(boards: Make) -> None:
    nodes = nodes_of(boards(acpi=False, boot=False, devices=(EXTRA,)))
    listed = [path for path in nodes if path.startswith("/cpus/cpu@")]
    assert listed == ["/cpus/cpu@0", "/cpus/cpu@1", "/cpus/cpu@4"]
    assert nodes["/cpus/cpu@4"]["reg"] == "<0x04>"
    core = nodes["/cpus/cpu-map/socket0/cluster0/core2"]  # the third one that is there
    assert core["cpu"] == nodes["/cpus/cpu@4"]["phandle"]
    assert "/cpus/cpu-map/socket0/cluster0/core3" not in nodes


def test_a_hot_plugged_cpu_is_in_the_tree_of_that_moment(boards: Make) -> None:
    board = boards()
    board.plug(3, "late")
    assert "/cpus/cpu@3" in nodes_of(board)


def test_threads_are_below_their_core_and_only_if_there_are_any(boards: Make) -> None:
    nodes = nodes_of(boards(Topology(4, 1, 1, 2, 2), boot=False))
    assert "cpu" in nodes["/cpus/cpu-map/socket0/cluster0/core1/thread1"]
    assert "cpu" not in nodes["/cpus/cpu-map/socket0/cluster0/core1"]
    assert "cpu" in nodes_of(boards(boot=False))["/cpus/cpu-map/socket0/cluster0/core1"]


def test_one_cpu_needs_nobody_to_bring_it_up(boards: Make) -> None:
    nodes = nodes_of(boards(Topology(1, 1, 1, 1, 1), boot=False))
    assert "enable-method" not in nodes["/cpus/cpu@0"]


def test_psci_is_called_by_hvc_with_its_own_numbers(boards: Make) -> None:
    psci = nodes_of(boards(boot=False))["/psci"]
    assert psci["method"] == '"hvc"'
    assert {name: numbers(psci[name])[0] & 0xFF for name in PSCI_CALL} == PSCI_CALL
    assert numbers(psci["cpu_on"])[0] >> 30 & 1


def test_interrupts_are_those_of_the_board(boards: Make) -> None:
    nodes = nodes_of(boards(boot=False))
    timers = numbers(nodes["/timer"]["interrupts"])
    assert [16 + number for number in timers[1::3]] == [29, 30, 27, 26]
    assert set(timers[0::3]) == {1}
    assert set(timers[2::3]) == {4}
    assert numbers(nodes["/pmu"]["interrupts"]) == [1, memmap.PPI_PMU - 16, 4]
    assert numbers(nodes["/pl011@9000000"]["interrupts"]) == [0, memmap.UART0_SPI, 4]
    assert numbers(nodes["/pl031@9010000"]["interrupts"]) == [0, memmap.RTC_SPI, 4]


def test_a_large_machine_has_both_redistributor_regions(boards: Make) -> None:
    board = boards(Topology(200, 1, 1, 200, 1), boot=False)
    gic = nodes_of(board)["/intc@8000000"]
    assert gic["#redistributor-regions"] == "<0x02>"
    pairs = numbers(gic["reg"])
    assert [(pairs[n] << 32) + pairs[n + 1] for n in range(0, len(pairs), 4)] == [
        memmap.GICD.base,
        memmap.GICR_LOW.base,
        memmap.high_redistributors(board.machine.config.ram_size).base,
    ]


def test_numa_nodes_share_the_ram_and_the_cpus_and_say_how_far_they_are(boards: Make) -> None:
    mib = 1 << 20
    numa = Numa(
        (96 * mib, 0, 160 * mib), (0, 0, 0, 2, 2, 2), ((10, 20, 21), (20, 10, 30), (21, 30, 10))
    )
    nodes = nodes_of(boards(Topology(6, 1, 1, 6, 1), boot=False, numa=numa))
    assert [path for path in nodes if path.startswith("/memory")] == [
        "/memory@40000000",
        "/memory@46000000",
    ]
    assert nodes["/memory@46000000"]["numa-node-id"] == "<0x02>"
    assert nodes["/memory@46000000"]["reg"] == "<0x00 0x46000000 0x00 0xa000000>"
    assert [nodes[f"/cpus/cpu@{n}"]["numa-node-id"] for n in (0, 2, 3, 5)] == [
        "<0x00>", "<0x00>", "<0x02>", "<0x02>",
    ]  # fmt: skip
    matrix = numbers(nodes["/distance-map"]["distance-matrix"])
    assert [tuple(matrix[n : n + 3]) for n in range(0, 27, 3)] == [
        (0, 0, 10), (0, 1, 20), (0, 2, 21),
        (1, 0, 20), (1, 1, 10), (1, 2, 30),
        (2, 0, 21), (2, 1, 30), (2, 2, 10),
    ]  # fmt: skip


def test_without_numa_nothing_speaks_of_nodes(boards: Make) -> None:
    blob = fdt(board_tree(boards(boot=False).machine))
    assert b"numa" not in blob


def test_with_acpi_the_tree_in_ram_leads_to_it_and_says_nothing_else(boards: Make) -> None:
    board = boards(boot=False)
    at = board.vcpu().x0
    size = int.from_bytes(board.machine.ram.read_bytes(at + 4, 4), "big")
    nodes = decompile(board.machine.ram.read_bytes(at, size))
    assert set(nodes) == {"/", "/chosen"}
    assert "linux,uefi-system-table" in nodes["/chosen"]


def test_without_acpi_the_tree_in_ram_is_the_boards(boards: Make) -> None:
    board = boards(acpi=False, boot=False)
    at, whole = board.vcpu().x0, fdt(board_tree(board.machine))
    assert board.machine.ram.read_bytes(at, len(whole)) == whole
    assert chosen(board.machine.ram.read_bytes, at) == {"stdout-path": b"/pl011@9000000\0"}


def test_two_machines_of_one_configuration_have_the_same_tree(boards: Make) -> None:
    one, other = (fdt(board_tree(boards(boot=False).machine)) for _ in range(2))
    assert one == other
