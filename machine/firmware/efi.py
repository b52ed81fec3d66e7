"""As much of EFI as leads a kernel to ACPI: system table, configuration table, memory map.

UEFI 2.10 §4.3, §4.6, §7.2. There are no services: the kernel is entered as after
ExitBootServices, and runs with `efi=noruntime`.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

SIGNATURE = 0x5453_5953_2049_4249
REVISION = 2 << 16 | 70
SYSTEM_TABLE_SIZE = 120
ACPI_20_TABLE_GUID = bytes.fromhex("71e86888f1e4d311bc220080c73c8881")
VENDOR = "armvirtd"

CONVENTIONAL_MEMORY, ACPI_RECLAIM_MEMORY = 7, 9
WRITE_BACK_AND_LESS = 0xF
DESCRIPTOR_SIZE, DESCRIPTOR_VERSION = 48, 1
PAGE = 4096

_SYSTEM_TABLE = struct.Struct("<QIIIIQI4x6QQQQQ")
_DESCRIPTOR = struct.Struct("<I4xQQQQ8x")


class MemoryRegion(NamedTuple):
    """A stretch of the memory map; `base` and `size` are multiples of 4 KiB."""

    kind: int
    base: int
    size: int

    def descriptor(self) -> bytes:
        """EFI_MEMORY_DESCRIPTOR, 48 bytes; the virtual address is zero, as before SetVirtual."""
        return _DESCRIPTOR.pack(self.kind, self.base, 0, self.size // PAGE, WRITE_BACK_AND_LESS)


def vendor_string() -> bytes:
    """What the system table's FirmwareVendor points to: UTF-16, ended by zero."""
    return (VENDOR + "\0").encode("utf-16-le")


def configuration_table(rsdp: int) -> bytes:
    """One entry: ACPI 2.0's root pointer."""
    return ACPI_20_TABLE_GUID + rsdp.to_bytes(8, "little")


def system_table(*, vendor: int, configuration: int) -> bytes:
    """EFI_SYSTEM_TABLE with one configuration table; the CRC is left at zero."""
    consoles = (0,) * 6
    services = (0, 0)
    table = _SYSTEM_TABLE.pack(
        SIGNATURE, REVISION, SYSTEM_TABLE_SIZE, 0, 0, vendor, 1,
        *consoles, *services, 1, configuration,
    )  # fmt: skip
    if len(table) != SYSTEM_TABLE_SIZE:
        raise AssertionError(len(table))
    return table
