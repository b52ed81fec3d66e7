"""ACPI's tables as a machine publishes them: what they say, and the way to them from RAM."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.topology import Topology
from tests.machine.acpi.shapes import GIB, SHAPES
from tests.machine.acpi.tables import chosen, structures, walk
from tests.machine.board import CPU, SMALL, Board

if TYPE_CHECKING:
    from tests.machine.board import Make

COUNTS = (1, 6, 64, 512)
GICC, GICR = 0x0B, 0x0E


def tables_of(board: Board) -> dict[str, bytes]:
    """Every table, found as a guest finds it."""
    return walk(board.machine.ram.read_bytes, board.vcpu().x0)


# What a machine publishes


@pytest.mark.parametrize("name", ["flat", "topo", "numa", "fixed", "panic device", "most"])
def test_the_tables_in_ram_are_those_of_the_boards_shape(boards: Make, name: str) -> None:
    topology, numa, hotplug, pvpanic = shape = SHAPES[name]
    board = boards(topology, numa=numa, hotplug=hotplug, pvpanic=pvpanic, ram_size=GIB, boot=False)
    found = tables_of(board)
    assert found == {key: table for key, table in shape.tables().items() if key != "RSDP"}
    assert board.machine.acpi_tables() == shape.tables()


@pytest.mark.parametrize(
    "topology", [Topology(2, 1, 1, 6, 1), Topology(2, 1, 1, 6, 1, clusters_named=True)]
)
def test_two_machines_of_one_shape_have_the_same_tables(boards: Make, topology: Topology) -> None:
    one, other = (boards(topology, boot=False) for _ in range(2))
    assert tables_of(one) == tables_of(other)


# What the tables say


def test_the_boot_cpu_is_enabled_and_every_other_online_capable(boards: Make) -> None:
    madt = tables_of(boards(boot=False))["APIC"]
    giccs = [each for each in structures(madt) if each[0] == GICC]
    assert [struct.unpack_from("<I", each, 12)[0] for each in giccs] == [1, 8, 8, 8, 8, 8]
    assert {len(each) for each in giccs} == {80}
    assert [struct.unpack_from("<I", each, 8)[0] for each in giccs] == list(range(6))


def test_without_hotplug_every_cpu_is_enabled_and_no_other_is_listed(boards: Make) -> None:
    madt = tables_of(boards(gic_version=2, boot=False))["APIC"]
    giccs = [each for each in structures(madt) if each[0] == GICC]
    assert [struct.unpack_from("<I", each, 12)[0] for each in giccs] == [1, 1]


def test_the_madt_lists_every_possible_cpu_by_its_mpidr(boards: Make) -> None:
    board = boards(Topology(1, 4, 1, 128, 1), boot=False)
    madt = tables_of(board)["APIC"]
    giccs = [each for each in structures(madt) if each[0] == GICC]
    mpidrs = [struct.unpack_from("<Q", each, 68)[0] for each in giccs]
    assert mpidrs == [slot.arch_id for slot in board.machine.slots]


@pytest.mark.parametrize(("count", "regions"), [(6, 1), (123, 1), (124, 2), (512, 2)])
def test_the_madt_lists_the_regions_of_redistributors(
    boards: Make,
    count: int,
    regions: int,
) -> None:
    madt = tables_of(boards(Topology(1, 1, 1, count, 1), boot=False))["APIC"]
    found = [struct.unpack_from("<QI", each, 4) for each in structures(madt) if each[0] == GICR]
    high = memmap.high_redistributors(SMALL)
    assert found == [(0x080A_0000, 0xF6_0000), (high.base, high.size)][:regions]


def test_the_tables_are_the_same_for_every_plug_state(boards: Make) -> None:
    plain = tables_of(boards(boot=False))
    cold = tables_of(boards(boot=False, devices=({"driver": CPU, "core-id": 3},)))
    assert cold == plain
    board = boards()
    x0 = memmap.RAM_BASE + (48 << 20)
    board.plug(2, "core2")
    assert walk(board.machine.ram.read_bytes, x0) == plain
    board.machine.system_reset()
    assert tables_of(board) == plain


def test_a_reset_restores_tables_that_the_guest_has_overwritten(boards: Make) -> None:
    board = boards()
    x0 = memmap.RAM_BASE + (48 << 20)
    plain = walk(board.machine.ram.read_bytes, x0)
    board.machine.ram.write_bytes(board.machine.ram.end - (1 << 20), bytes(1 << 20))
    board.machine.system_reset()
    assert walk(board.machine.ram.read_bytes, x0) == plain
    board.settle()
    assert board.online() == [0, 1]


# The way to them


@pytest.mark.parametrize("count", COUNTS)
def test_the_chain_from_x0_to_every_table_can_be_walked(boards: Make, count: int) -> None:
    board = boards(Topology(1, 1, 1, count, 1), boot=False)
    found = tables_of(board)
    assert set(found) == {"XSDT", "FACP", "APIC", "PPTT", "GTDT", "SPCR", "DBG2", "DSDT"}


def test_the_tables_lie_in_memory_that_the_map_reserves(boards: Make) -> None:
    board = boards(Topology(1, 1, 1, 512, 1), boot=False)
    ram = board.machine.ram
    properties = chosen(ram.read_bytes, board.vcpu().x0)
    number = {name: int.from_bytes(value, "big") for name, value in properties.items()}
    size, step = number["linux,uefi-mmap-size"], number["linux,uefi-mmap-desc-size"]
    start = number["linux,uefi-mmap-start"]
    assert (number["linux,uefi-mmap-desc-ver"], step, size % step) == (1, 48, 0)
    free, reserved = (
        struct.unpack("<I4xQQQQ8x", ram.read_bytes(start + at, step)) for at in range(0, size, step)
    )
    assert (free[0], reserved[0]) == (7, 9)
    assert free[1] == ram.base
    assert free[1] + free[3] * 4096 == reserved[1]
    assert reserved[1] + reserved[3] * 4096 == ram.end
    assert reserved[1] <= start < ram.end
    assert reserved[1] <= number["linux,uefi-system-table"] < ram.end
    assert reserved[1] % 4096 == 0


def test_a_machine_without_acpi_tells_of_no_firmware(boards: Make) -> None:
    board = boards(acpi=False, boot=False)
    found = chosen(board.machine.ram.read_bytes, board.vcpu().x0)
    assert found == {"stdout-path": b"/pl011@9000000\0"}
    assert board.machine.acpi_tables() == {}
