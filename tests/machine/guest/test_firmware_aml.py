"""What other firmware's AML does to the guest: _INI, tables found by name, time that passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.acpi import aml
from machine.acpi.dsdt import dsdt
from machine.config import MachineConfig
from machine.events import AcpiDeviceOst
from machine.memmap import RAM_BASE, SPI_BASE
from machine.topology import Topology
from machine.virt import VirtMachine

if TYPE_CHECKING:
    from machine.events import MachineEvent

ELSEWHERE = RAM_BASE + (64 << 20)
MS = 1_000_000
CORE2: dict[str, object] = {"driver": "cortex-a72-arm-cpu", "id": "core2", "core-id": 2}
RULES = (aml.AccessType.DWordAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)


def machine_with(*terms: bytes, instead: tuple[bytes, bytes] = (b"", b"")) -> VirtMachine:
    """A machine whose DSDT has more in it, or something else, put where there is room for it."""
    machine = VirtMachine(MachineConfig(topology=Topology(2, 1, 1, 6, 1)))
    body = dsdt(6)[36:].replace(*instead) if instead[0] else dsdt(6)[36:]
    machine.ram.write_bytes(ELSEWHERE, aml.table("DSDT", 2, body + b"".join(terms)))
    start = machine.ram.end - (1 << 20)
    tail = machine.ram.read_bytes(start, 1 << 20)
    at = tail.index(b"FACP")
    fadt = bytearray(tail[at : at + int.from_bytes(tail[at + 4 : at + 8], "little")])
    fadt[140:148] = ELSEWHERE.to_bytes(8, "little")
    fadt[9] = (fadt[9] - sum(fadt)) & 0xFF
    machine.ram.write_bytes(start + at, bytes(fadt))
    return machine


def booted(*terms: bytes, instead: tuple[bytes, bytes] = (b"", b"")) -> VirtMachine:
    machine = machine_with(*terms, instead=instead)
    machine.clock.run_until_idle()
    assert machine.power.kernel is not None
    return machine


def value(machine: VirtMachine, path: str) -> object:
    kernel = machine.power.kernel
    assert kernel is not None
    return kernel.acpi.evaluate(path)


# Initialization


def device(name: str, status: int | None, *terms: bytes) -> bytes:
    """A device whose _INI adds its name to the list \\DONE, as far as that is long."""
    states = [] if status is None else [aml.method("_STA", 0, aml.return_(status))]
    return aml.device(name, *states, ini(name), *terms)


def ini(name: str) -> bytes:
    done = aml.name_string("\\DONE")
    return aml.method("_INI", 0, aml.store(aml.concat(done, f"{name} "), "\\DONE"))


def initialized(*terms: bytes) -> str:
    machine = booted(aml.name("\\DONE", ""), *terms)
    found = value(machine, "\\DONE")
    assert isinstance(found, str)
    return found


def test_ini_runs_once_for_each_device_parents_first() -> None:
    devices = aml.scope("\\_SB", device("AAAA", None, device("BBBB", 0xF)), device("CCCC", 0x1))
    assert initialized(devices, aml.scope("\\_SB", ini("_SB"))) == "_SB AAAA BBBB CCCC "


def test_ini_of_the_root_runs_first() -> None:
    assert initialized(aml.scope("\\_SB", device("AAAA", None)), ini("ROOT")) == "ROOT AAAA "


def test_ini_of_a_device_that_is_absent_is_not_run_nor_that_of_what_is_below() -> None:
    absent = device("AAAA", 0, device("BBBB", 0xF))
    assert initialized(aml.scope("\\_SB", absent, device("CCCC", 0xF))) == "CCCC "


def test_below_a_device_that_is_only_functioning_ini_is_run() -> None:
    functioning = device("AAAA", 8, device("BBBB", 0xF))
    assert initialized(aml.scope("\\_SB", functioning)) == "BBBB "


def test_an_ini_that_fails_is_logged_and_the_others_are_run() -> None:
    wrong = aml.device("WRNG", aml.method("_INI", 0, aml.return_(aml.divide(1, 0))))
    assert initialized(aml.scope("\\_SB", wrong, device("CCCC", 0xF))) == "CCCC "


def test_sta_is_asked_for_once_before_all_ini_below() -> None:
    count = aml.increment("\\ASKD")
    parent = aml.device(
        "PRNT",
        aml.method("_STA", 0, count, aml.return_(0xF)),
        ini("PRNT"),
        device("AAAA", None),
        device("BBBB", None),
    )
    machine = booted(aml.name("\\DONE", ""), aml.name("\\ASKD", 0), aml.scope("\\_SB", parent))
    assert value(machine, "\\DONE") == "PRNT AAAA BBBB "
    assert value(machine, "\\ASKD") == 1


def test_reg_is_not_run_for_memory_is_always_there() -> None:
    region = aml.operation_region("MEMR", aml.RegionSpace.SystemMemory, ELSEWHERE, 4)
    reg = aml.method("_REG", 2, aml.store(1, "\\REGD"))
    machine = booted(aml.name("\\REGD", 0), aml.scope("\\_SB", aml.device("DEVR", region, reg)))
    assert value(machine, "\\REGD") == 0


# Resources


def test_the_interrupt_of_an_event_device_is_found_behind_descriptors_of_all_lengths() -> None:
    small = [bytes([0x70 | size]) + bytes(size) for size in range(8)]  # vendor-defined
    large = b"\x84\x05\x00" + bytes(5)
    interrupt = aml.interrupt(SPI_BASE + 40, edge=True)
    event = aml.device(
        "\\_SB.GED2",
        aml.name("_HID", "ACPI0013"),
        aml.name("_CRS", aml.resource_template(*small, large, interrupt)),
        aml.method("_EVT", 1, aml.store(aml.arg0, "\\DONE")),
    )
    machine = booted(aml.name("\\DONE", 0), event)
    machine.gic.set_spi(SPI_BASE + 40, level=True)
    machine.clock.run_until_idle()
    assert value(machine, "\\DONE") == SPI_BASE + 40


@pytest.mark.parametrize("size", range(13))
def test_resources_that_end_too_early_name_no_interrupt(size: int) -> None:
    """Or only the one that is whole; the guest boots in any case."""
    cut = aml.interrupt(SPI_BASE + 40, SPI_BASE + 41, edge=True)[:size]
    event = aml.device(
        "\\_SB.GED2", aml.name("_HID", "ACPI0013"), aml.name("_CRS", aml.buffer(cut))
    )
    assert reported(booted(event)) > 0


# Tables


def test_a_data_region_finds_its_table_by_the_xsdt() -> None:
    names = aml.string("APIC") + aml.string("BOCHS") + aml.string("BXPC")
    region = b"\x5b\x88MADT" + names
    machine = booted(region, aml.field("MADT", *RULES, aml.named_field("SIGN", 32)))
    assert value(machine, "\\SIGN") == int.from_bytes(b"APIC", "little")


@pytest.mark.parametrize("names", [("APIC", "NOBODY", ""), ("DSDT", "", ""), ("APIC", "", "BX")])
def test_a_table_that_is_not_in_the_xsdt_is_not_found(names: tuple[str, str, str]) -> None:
    wanted = b"".join(aml.string(name) for name in names)
    load_table = b"\x5b\x1f" + wanted + b"\x0d\0" * 2 + b"\0"
    machine = booted(aml.method("\\FIND", 0, aml.return_(load_table)))
    assert value(machine, "\\FIND") == 0


# Time


def settle(machine: VirtMachine) -> int:
    """Nanoseconds until nothing more comes."""
    began = machine.clock.now
    machine.clock.run_until_idle()
    return machine.clock.now - began


def reported(machine: VirtMachine) -> int:
    """Nanoseconds from a plug to its _OST."""
    began, seen = machine.clock.now, []

    def listen(event: MachineEvent) -> None:
        if isinstance(event, AcpiDeviceOst):
            seen.append(machine.clock.now - began)

    machine.events.listen(listen)
    machine.device_add(CORE2)
    machine.clock.run_until_idle()
    assert len(seen) == 1
    return seen[0]


def test_what_an_ini_sleeps_and_stalls_makes_the_boot_longer() -> None:
    slow = aml.device("\\_SB.SLOW", aml.method("_INI", 0, aml.sleep(30), aml.stall(200)))
    longer = settle(machine_with(slow)) - settle(machine_with())
    assert 30_200_000 <= longer < 30_300_000


def test_what_an_event_method_sleeps_passes_before_its_notifications_are_handled() -> None:
    scan = aml.call("\\_SB.GED.CSCN")
    slow = aml.method("\\_SB.GED.SLOW", 0, aml.sleep(30), scan)
    taken = aml.integer(8)  # the end of the predicate under which _EVT scans
    instead = taken + scan, taken + aml.call("\\_SB.GED.SLOW")
    later = reported(booted(slow, instead=instead)) - reported(booted())
    assert 30 * MS <= later < 31 * MS


def test_the_timer_counts_the_time_of_the_machine_and_what_is_slept() -> None:
    timer = b"\x5b\x33"
    machine = booted(
        aml.method("\\TICK", 0, aml.return_(timer)),
        aml.method("\\SLPT", 0, aml.sleep(3), aml.return_(timer)),
    )
    now = machine.clock.now // 100
    before, after = value(machine, "\\TICK"), value(machine, "\\SLPT")
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert now <= before < now + 20
    assert 30_000 <= after - before < 30_020
