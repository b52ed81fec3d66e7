"""Lay firmware's data out in RAM, and say where the guest is to begin.

There is no firmware code: what a real one leaves behind is written straight into guest memory.

    RAM base + 2M            kernel image
    RAM base + 48M           device tree: /chosen points to the EFI system table
    end of RAM - n MiB       ACPI tables, EFI tables: AcpiReclaimMemory, up to the end

With ACPI the device tree holds only /chosen, so that the kernel takes everything else from ACPI;
without, it is the whole board's. Debian's kernels ignore all EFI data without
`linux,uefi-secure-boot`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machine.acpi.fadt import fadt
from machine.acpi.rsdp import rsdp
from machine.acpi.xsdt import xsdt
from machine.firmware import efi
from machine.firmware.fdt import cells, fdt, wide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.firmware.fdt import Tree
    from machine.memory import Ram

MIB = 1 << 20
IMAGE_OFFSET = 2 * MIB
FDT_OFFSET = 48 * MIB
SECURE_BOOT_DISABLED = 2
ALIGNMENT = 64


class BootState(NamedTuple):
    """Where the boot CPU begins: its program counter and x0, guest-physical."""

    pc: int
    x0: int


class Layout:
    """Places pieces one behind the other from an address on, and remembers them."""

    def __init__(self, base: int) -> None:
        self.base = base
        self._pieces = bytearray()

    @property
    def next(self) -> int:
        """Where the next piece will lie."""
        return self.base + len(self._pieces)

    def place(self, data: bytes) -> int:
        """Put a piece down; gives its address."""
        at = self.next
        self._pieces += data + bytes(-len(data) % ALIGNMENT)
        return at

    def write(self, ram: Ram) -> None:
        """Copy all of it into RAM."""
        ram.write_bytes(self.base, bytes(self._pieces))


class AcpiRegion(NamedTuple):
    """What lies at the end of RAM.

    Attributes:
        layout: the pieces, still to be written.
        system_table: guest-physical address of EFI's system table, which leads to all of it.
        tables: every ACPI table, the root pointer (RSDP), XSDT and FADT (FACP) among them.
    """

    layout: Layout
    system_table: int
    tables: Mapping[str, bytes]


def acpi_region(end: int, tables: Mapping[str, bytes]) -> AcpiRegion:
    """Give ACPI's tables their places, and make those that hold addresses of others.

    Args:
        end: guest-physical address behind the RAM.
        tables: by signature; "DSDT" among them, RSDP, XSDT and FADT are made here.
    """
    reserved = sum(len(table) + ALIGNMENT for table in tables.values()) + efi.PAGE
    layout = Layout(end - (reserved + MIB - 1 & -MIB))
    others = dict(tables)
    made = {"FACP": fadt(layout.place(others.pop("DSDT")))}
    listed = [layout.place(made["FACP"]), *map(layout.place, others.values())]
    made["XSDT"] = xsdt(listed)
    made["RSDP"] = rsdp(layout.place(made["XSDT"]))
    configuration = layout.place(efi.configuration_table(layout.place(made["RSDP"])))
    vendor = layout.place(efi.vendor_string())
    system_table = layout.place(efi.system_table(vendor=vendor, configuration=configuration))
    return AcpiRegion(layout, system_table, made | dict(tables))


def load(ram: Ram, tables: Mapping[str, bytes], board: Callable[[], Tree]) -> BootState:
    """Write what a kernel is handed over into RAM.

    Args:
        ram: the machine's memory.
        tables: as for `acpi_region`.
        board: makes the device tree for where there are none.
    """
    tree = _acpi_tree(_publish(ram, acpi_region(ram.end, tables))) if tables else board()
    ram.write_bytes(ram.base + FDT_OFFSET, fdt(tree))
    return BootState(pc=ram.base + IMAGE_OFFSET, x0=ram.base + FDT_OFFSET)


def _acpi_tree(chosen: Tree) -> Tree:
    return {"#address-cells": cells(2), "#size-cells": cells(2), "chosen": chosen}


def _publish(ram: Ram, region: AcpiRegion) -> Tree:
    """Write the region into RAM; gives the properties of /chosen that lead there."""
    layout = region.layout
    regions = [
        efi.MemoryRegion(efi.CONVENTIONAL_MEMORY, ram.base, layout.base - ram.base),
        efi.MemoryRegion(efi.ACPI_RECLAIM_MEMORY, layout.base, ram.end - layout.base),
    ]
    memory_map = b"".join(each.descriptor() for each in regions)
    start = layout.place(memory_map)
    layout.write(ram)
    return {
        "linux,uefi-system-table": wide(region.system_table),
        "linux,uefi-mmap-start": wide(start),
        "linux,uefi-mmap-size": cells(len(memory_map)),
        "linux,uefi-mmap-desc-size": cells(efi.DESCRIPTOR_SIZE),
        "linux,uefi-mmap-desc-ver": cells(efi.DESCRIPTOR_VERSION),
        "linux,uefi-secure-boot": cells(SECURE_BOOT_DISABLED),
    }
