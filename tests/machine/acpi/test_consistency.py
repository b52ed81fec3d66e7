"""What firmware test suites look for: sums, lengths, reserved bytes, and tables that agree.

Written from ACPI 6.5 §5.2, Microsoft's SPCR and DBG2, and the memory map; not from our builders.
"""

from __future__ import annotations

import struct

import pytest

from machine import memmap
from machine.numa import Numa
from tests.machine.acpi.shapes import FAR, NUMA_SHAPES, SHAPES, Shape
from tests.machine.acpi.tables import structures
from tests.machine.acpi.test_pptt import paths_of

GICC, GICD, GICR = 0x0B, 0x0C, 0x0E
PPIS = range(16, 32)
ORDER = ["FACP", "APIC", "PPTT", "GTDT", "SPCR", "DBG2", "SRAT", "SLIT"]
"""As QEMU's XSDT has them, which a guest's log shows."""
RESERVED = {
    "FACP": [(44, 1), (111, 1)],
    "GTDT": [(44, 4)],
    "SPCR": [(37, 3), (63, 1), (76, 4)],
    "DBG2": [(60, 2)],
    "SRAT": [(40, 8)],
}
"""By signature: offset and size of what must be zero (44 of the FADT was once INT_MODEL)."""
LEVEL, EXTENDED_INTERRUPT, MEMORY_32 = 0, 0x89, 0x86

every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
every_numa_shape = pytest.mark.parametrize("shape", NUMA_SHAPES.values(), ids=NUMA_SHAPES)


def u32(table: bytes, at: int) -> int:
    return int.from_bytes(table[at : at + 4], "little")


def u64(table: bytes, at: int) -> int:
    return int.from_bytes(table[at : at + 8], "little")


def giccs(shape: Shape) -> list[bytes]:
    return [each for each in structures(shape.tables()["APIC"]) if each[0] == GICC]


def affinities(table: bytes, kind: int) -> list[bytes]:
    """The structures of a kind of a SRAT (§5.2.16)."""
    at, found = 48, []
    while at < len(table):
        if table[at] == kind:
            found.append(table[at : at + table[at + 1]])
        at += table[at + 1]
    assert at == len(table)
    return found


@every_shape
def test_lengths_and_sums_are_right(shape: Shape) -> None:
    for signature, table in shape.tables().items():
        assert sum(table) % 256 == 0, signature
        if signature != "RSDP":
            assert table[:4].decode() == signature
            assert u32(table, 4) == len(table), signature


@every_shape
def test_the_root_pointer_is_whole(shape: Shape) -> None:
    root = shape.tables()["RSDP"]
    assert root[:8] == b"RSD PTR "
    assert (root[15], u32(root, 16), u32(root, 20), root[33:]) == (2, 0, 36, bytes(3))
    assert sum(root[:20]) % 256 == 0


@every_shape
def test_every_table_is_of_one_maker(shape: Shape) -> None:
    tables = shape.tables()
    headers = {table[10:36] for signature, table in tables.items() if signature != "RSDP"}
    assert headers == {b"BOCHS BXPC    \x01\0\0\0BXPC\x01\0\0\0"}
    assert tables["RSDP"][9:15] == b"BOCHS "


@every_shape
def test_what_is_reserved_is_zero(shape: Shape) -> None:
    tables = shape.tables()
    for signature, places in RESERVED.items():
        for at, size in places:
            table = tables.get(signature, bytes(at + size))
            assert table[at : at + size] == bytes(size), (signature, at)


@every_shape
def test_the_tables_lie_in_the_order_of_the_xsdt_and_aligned(shape: Shape) -> None:
    tables = shape.tables()
    listed = [signature for signature in ORDER if signature in tables]
    addresses = [at for (at,) in struct.iter_unpack("<Q", tables["XSDT"][36:])]
    assert len(addresses) == len(listed)
    assert all(at % 64 == 0 for at in addresses)
    sizes = [len(tables[signature]) for signature in listed]
    for at, after, size in zip(addresses, addresses[1:], sizes, strict=False):
        assert 0 <= after - at - size < 64
    assert u64(tables["FACP"], 140) < addresses[0]
    assert next(iter(tables)) == "FACP"


@every_shape
def test_there_are_numa_tables_where_there_are_nodes(shape: Shape) -> None:
    assert ("SRAT" in shape.tables()) == (shape.numa is not None)
    assert ("SLIT" in shape.tables()) == (shape.numa is FAR)


@every_shape
def test_the_madt_has_each_uid_and_mpidr_once(shape: Shape) -> None:
    found = giccs(shape)
    assert {len(each) for each in found} == {80}
    assert [u32(each, 8) for each in found] == list(range(shape.cpus))
    assert [u32(each, 4) for each in found] == list(range(shape.cpus))
    assert len({u64(each, 68) for each in found}) == shape.cpus
    assert all(u64(each, 68) & ~0xFF_00FF_FFFF == 0 for each in found)
    assert {u32(each, 20) for each in found} == {23}


@every_shape
def test_all_cpus_are_enabled_where_none_can_come_and_else_the_first_only(shape: Shape) -> None:
    flags = [u32(each, 12) for each in giccs(shape)]
    assert flags == ([1, *[8] * (shape.cpus - 1)] if shape.hotplug else [1] * shape.cpus)


@every_shape
def test_there_is_one_distributor_and_a_frame_for_each_cpu(shape: Shape) -> None:
    found = list(structures(shape.tables()["APIC"]))
    (distributor,) = (each for each in found if each[0] == GICD)
    assert (u64(distributor, 8), distributor[20]) == (memmap.GICD.base, 3)
    regions = [struct.unpack_from("<QI", each, 4) for each in found if each[0] == GICR]
    room = sum(size for _, size in regions) // memmap.REDISTRIBUTOR_SIZE
    assert all(size % memmap.REDISTRIBUTOR_SIZE == 0 for _, size in regions)
    assert room >= min(shape.cpus, 512)


@every_shape
def test_madt_pptt_srat_and_dsdt_tell_of_the_same_cpus(shape: Shape) -> None:
    tables = shape.tables()
    uids = [u32(each, 8) for each in giccs(shape)]
    assert sorted(paths_of(tables["PPTT"])) == uids
    if shape.numa is not None:
        srat = affinities(tables["SRAT"], 3)
        assert [u32(each, 6) for each in srat] == uids
        assert [u32(each, 10) for each in srat] == [1] * len(uids)
        assert [u32(each, 2) for each in srat] == list(shape.numa.cpus)
    names = [f"C{uid:03X}\x08_HID\rACPI0007\0".encode() for uid in uids]
    assert all(tables["DSDT"].count(name) == 1 for name in names)
    assert tables["DSDT"].count(b"\rACPI0007\0") == len(uids)


@every_numa_shape
def test_the_memory_of_all_nodes_is_the_ram(shape: Shape) -> None:
    assert shape.numa is not None
    ends = memmap.RAM_BASE
    for each, size in zip(affinities(shape.tables()["SRAT"], 1), shape.numa.memory, strict=True):
        assert (len(each), u64(each, 8), u64(each, 16), u32(each, 28)) == (40, ends, size, 1)
        ends += size
    assert ends == memmap.RAM_BASE + (1 << 30)


@every_shape
def test_proximity_in_the_dsdt_is_that_of_the_srat(shape: Shape) -> None:
    dsdt = shape.tables()["DSDT"]
    told = [dsdt[at + 4] for at in range(len(dsdt)) if dsdt.startswith(b"_PXM", at)]
    assert told == (list(shape.numa.cpus) if shape.numa is not None else [])


@every_shape
def test_the_timers_interrupts_are_private_and_apart(shape: Shape) -> None:
    gtdt = shape.tables()["GTDT"]
    interrupts = [u32(gtdt, at) for at in (48, 56, 64, 72)]
    assert all(each in PPIS for each in interrupts)
    assert len({*interrupts, 23}) == 5
    assert [u32(gtdt, at) for at in (52, 60, 68, 76)] == [0, 4, 0, 0]


@every_shape
def test_spcr_dbg2_and_com0_are_one_port(shape: Shape) -> None:
    tables = shape.tables()
    spcr, dbg2, dsdt = tables["SPCR"], tables["DBG2"], tables["DSDT"]
    at = dsdt.index(b"COM0")
    resources = dsdt[at : dsdt.index(b"\x79\0", at)]
    memory = resources.index(bytes([MEMORY_32]) + b"\x09\0")
    interrupt = resources.index(bytes([EXTENDED_INTERRUPT]) + b"\x06\0", memory)
    base, size = u32(resources, memory + 4), u32(resources, memory + 8)
    assert (base, size) == memmap.UART0
    assert (u64(spcr, 44), u64(dbg2, 70), u32(dbg2, 78)) == (base, base, size)
    assert u32(spcr, 54) == u32(resources, interrupt + 5) == memmap.SPI_BASE + memmap.UART0_SPI
    assert resources[interrupt + 3] >> 1 & 1 == LEVEL
    assert (spcr[36], dbg2[56:60]) == (3, b"\x00\x80\x03\x00")
    assert dbg2[82:] == b"COM0\0"


def test_a_node_without_ram_has_cpus_only() -> None:
    half = 1 << 29
    numa = Numa((half, 0, half), (0, 1, 2, 0, 1, 2))
    srat = Shape(SHAPES["flat"].topology, numa).tables()["SRAT"]
    memory = [(u32(each, 2), u64(each, 8), u64(each, 16)) for each in affinities(srat, 1)]
    assert memory == [(0, memmap.RAM_BASE, half), (2, memmap.RAM_BASE + half, half)]
