"""What the boot protocol hands over: x0 points to a device tree, that to EFI's system table.

The kernel's own entry, not EFI's (Documentation/arch/arm64/booting.rst; arch/arm64/uefi-stub
properties in Documentation/arch/arm/uefi.rst): /chosen names the EFI system table, whose
configuration table has ACPI's root pointer (UEFI 2.10 §4.6). Nothing else of the device tree is
used once ACPI is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.guest.platform import Platform

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


def find_rsdp(platform: Platform, chosen: Mapping[str, bytes]) -> int:
    """Follow the hand-over, from the properties of /chosen, to the address of ACPI's root pointer.

    Raises:
        FirmwareError: where a link of the chain is missing.
    """
    if SYSTEM_TABLE_PROPERTY not in chosen:
        raise FirmwareError("no EFI system table in /chosen")
    return _find_configuration_table(
        platform,
        int.from_bytes(chosen[SYSTEM_TABLE_PROPERTY], "big"),
        ACPI_20_TABLE_GUID,
    )


def find_dram(platform: Platform, chosen: Mapping[str, bytes]) -> tuple[int, int]:
    """Where RAM begins, and the address behind its end, by EFI's memory map (UEFI 2.10 §7.2.3).

    Raises:
        FirmwareError: where there is no map, or no RAM in it.
    """
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
