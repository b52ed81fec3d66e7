"""What the boot protocol hands over: x0 points to a device tree, that to EFI's system table.

The kernel's own entry, not EFI's (Documentation/arch/arm64/booting.rst; arch/arm64/uefi-stub
properties in Documentation/arch/arm/uefi.rst): /chosen names the EFI system table, whose
configuration table has ACPI's root pointer (UEFI 2.10 §4.6). Nothing else of the device tree is
used once ACPI is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.platform import Platform

FDT_MAGIC = 0xD00D_FEED
FDT_BEGIN_NODE, FDT_END_NODE, FDT_PROP, FDT_NOP, FDT_END = 1, 2, 3, 4, 9

EFI_SYSTEM_TABLE_SIGNATURE = 0x5453_5953_2049_4249
ACPI_20_TABLE_GUID = bytes.fromhex("71e86888f1e4d311bc220080c73c8881")
SYSTEM_TABLE_PROPERTY = "linux,uefi-system-table"
MEMORY_MAP_PROPERTIES = (
    "linux,uefi-mmap-start",
    "linux,uefi-mmap-size",
    "linux,uefi-mmap-desc-size",
)
DESCRIPTOR_SIZE = 40
"""Of a memory descriptor, at least (UEFI 2.10 §7.2.3)."""
CACHEABLE = 0xF
"""Attributes of a memory descriptor, one of which RAM has (UEFI 2.10 §7.2.3)."""


class FirmwareError(Exception):
    """What was handed over is not what the boot protocol says."""


def load_bytes(platform: Platform, address: int, size: int) -> bytes:
    """Copy `size` bytes of RAM."""
    return platform.load(address, size).to_bytes(size, "little")


def find_rsdp(platform: Platform, fdt: int) -> int:
    """Follow the hand-over to the address of ACPI's root pointer.

    Raises:
        FirmwareError: where a link of the chain is missing.
    """
    chosen = dict(_properties(_load_fdt(platform, fdt), "chosen"))
    if SYSTEM_TABLE_PROPERTY not in chosen:
        raise FirmwareError("no EFI system table in /chosen")
    return _find_configuration_table(
        platform,
        int.from_bytes(chosen[SYSTEM_TABLE_PROPERTY], "big"),
        ACPI_20_TABLE_GUID,
    )


def find_dram(platform: Platform, fdt: int) -> tuple[int, int]:
    """Where RAM begins, and the address behind its end, by EFI's memory map (UEFI 2.10 §7.2.3).

    Raises:
        FirmwareError: where there is no map, or no RAM in it.
    """
    chosen = dict(_properties(_load_fdt(platform, fdt), "chosen"))
    if not chosen.keys() >= set(MEMORY_MAP_PROPERTIES):
        raise FirmwareError("no EFI memory map in /chosen")
    start, size, step = (int.from_bytes(chosen[name], "big") for name in MEMORY_MAP_PROPERTIES)
    if step < DESCRIPTOR_SIZE:
        raise FirmwareError("EFI memory map with descriptors that are too short")
    ranges = [
        (base, base + pages * 4096)
        for at in range(start, start + size, step)
        for base, pages, attributes in [[platform.load(at + n, 8) for n in (8, 24, 32)]]
        if attributes & CACHEABLE
    ]
    if not ranges:
        raise FirmwareError("no RAM in EFI's memory map")
    return min(base for base, _ in ranges), max(end for _, end in ranges)


def _load_fdt(platform: Platform, address: int) -> bytes:
    header = load_bytes(platform, address, 8)
    if int.from_bytes(header[:4], "big") != FDT_MAGIC:
        raise FirmwareError("no device tree")
    return load_bytes(platform, address, int.from_bytes(header[4:], "big"))


def _properties(fdt: bytes, node: str) -> Iterator[tuple[str, bytes]]:
    """The properties of one child of the root node (Devicetree Specification 0.4 §5)."""
    path: list[str] = []
    structure, strings = _be32(fdt, 8), _be32(fdt, 12)
    at = structure
    while (token := _be32(fdt, at)) != FDT_END:
        at += 4
        if token == FDT_BEGIN_NODE:
            name = _c_string(fdt, at)
            path.append(name)
            at = _align4(at + len(name) + 1)
        elif token == FDT_END_NODE:
            path.pop()
        elif token == FDT_PROP:
            length, offset = _be32(fdt, at), _be32(fdt, at + 4)
            if path == ["", node]:
                yield _c_string(fdt, strings + offset), fdt[at + 8 : at + 8 + length]
            at = _align4(at + 8 + length)


def _be32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _c_string(data: bytes, at: int) -> str:
    return data[at : data.index(0, at)].decode("ascii")


def _align4(at: int) -> int:
    return at + 3 & -4


def _find_configuration_table(platform: Platform, system_table: int, guid: bytes) -> int:
    """Look a GUID up in EFI's configuration table."""
    if platform.load(system_table, 8) != EFI_SYSTEM_TABLE_SIGNATURE:
        raise FirmwareError("no EFI system table")
    count = platform.load(system_table + 104, 8)
    tables = platform.load(system_table + 112, 8)
    for entry in range(tables, tables + 24 * count, 24):
        if load_bytes(platform, entry, 16) == guid:
            return platform.load(entry + 16, 8)
    raise FirmwareError("no ACPI 2.0 table in EFI's configuration table")
