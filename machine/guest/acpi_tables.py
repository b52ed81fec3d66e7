"""ACPI's static tables: root pointer, XSDT, FADT, MADT.

ACPI 6.5 §5.2. Linux: drivers/acpi/tables.c, arch/arm64/kernel/acpi.c and smp.c.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from machine.guest.aml.host import TableAt
from machine.guest.firmware import load_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.platform import Platform

HEADER_SIZE = 36
PSCI_COMPLIANT, PSCI_USE_HVC = 1, 2
GICC_ENABLED, GICC_ONLINE_CAPABLE = 1, 8
GICC, GICD, GICR = 0x0B, 0x0C, 0x0E


class AcpiTableError(Exception):
    """A table whose checksum or signature is wrong, or that is missing."""


class Gicc(NamedTuple):
    """GIC CPU interface structure (§5.2.12.14)."""

    uid: int
    flags: int
    mpidr: int

    @property
    def enabled(self) -> bool:
        """Whether the CPU is there from the start."""
        return bool(self.flags & GICC_ENABLED)

    @property
    def usable(self) -> bool:
        """Whether the CPU may ever be brought up: enabled, or online-capable."""
        return bool(self.flags & (GICC_ENABLED | GICC_ONLINE_CAPABLE))


@dataclass(slots=True)
class Madt:
    """What the MADT says of the interrupt controller (§5.2.12)."""

    distributor: int = 0
    cpus: list[Gicc] = field(default_factory=list)
    redistributors: list[tuple[int, int]] = field(default_factory=list)
    """Regions: address and length in bytes (§5.2.12.17)."""


def read_tables(platform: Platform, rsdp: int) -> dict[str, bytes]:
    """Collect all tables that the XSDT lists, and the DSDT, by signature.

    Raises:
        AcpiTableError: where the root pointer, the XSDT or the FADT is broken; another table
            that is broken is left out, as Linux drops what it cannot use.
    """
    tables = {}
    for address in _listed(platform, rsdp):
        table = _load_table(platform, address)
        if sum(table) & 0xFF == 0:
            tables[table[:4].decode("ascii", "replace")] = table
    for signature in ("FACP", "APIC", "GTDT"):
        if signature not in tables:
            raise AcpiTableError(f"no {signature}")
    tables["DSDT"] = _load_table(platform, int.from_bytes(tables["FACP"][140:148], "little"))
    return tables


def _listed(platform: Platform, rsdp: int) -> list[int]:
    """The addresses that the XSDT lists (§5.2.8)."""
    root = load_bytes(platform, rsdp, 36)
    if root[:8] != b"RSD PTR " or sum(root[:20]) & 0xFF or sum(root) & 0xFF:
        raise AcpiTableError("RSDP")
    xsdt = read_table(platform, int.from_bytes(root[24:32], "little"), "XSDT")
    return [int.from_bytes(xsdt[at : at + 8], "little") for at in range(HEADER_SIZE, len(xsdt), 8)]


def find(platform: Platform, rsdp: int, wanted: tuple[str, str, str]) -> TableAt | None:
    """Find a table by signature, OEM id and OEM table id (§5.2.6); an empty one matches any.

    Raises:
        AcpiTableError: where the root pointer or the XSDT is broken.
    """
    for address in _listed(platform, rsdp):
        header = load_bytes(platform, address, HEADER_SIZE)
        found = header[:4], header[10:16], header[16:24]
        if all(_matches(text, field) for text, field in zip(wanted, found, strict=True)):
            return TableAt(address, int.from_bytes(header[4:8], "little"))
    return None


def _matches(text: str, found: bytes) -> bool:
    return not text or text.encode("latin-1", "replace").rstrip(b"\0 ") == found.rstrip(b"\0 ")


def read_table(platform: Platform, address: int, signature: str) -> bytes:
    """Load one table, and check its signature and checksum.

    Raises:
        AcpiTableError: where either is wrong.
    """
    table = _load_table(platform, address)
    if table[:4] != signature.encode() or sum(table) & 0xFF:
        raise AcpiTableError(signature)
    return table


def _load_table(platform: Platform, address: int) -> bytes:
    length = platform.load(address + 4, 4)
    return load_bytes(platform, address, max(length, HEADER_SIZE))


def psci_by_hvc(fadt: bytes) -> bool:
    """Whether the FADT says that PSCI is there, and called by HVC (§5.2.9, ARM boot flags)."""
    flags = int.from_bytes(fadt[129:131], "little")
    return flags & (PSCI_COMPLIANT | PSCI_USE_HVC) == PSCI_COMPLIANT | PSCI_USE_HVC


def parse_madt(table: bytes) -> Madt:
    """Take the interrupt controller structures apart."""
    madt = Madt()
    for _, kind, body in subtables(table, HEADER_SIZE + 8):
        if kind == GICC:
            madt.cpus.append(_gicc(body))
        elif kind == GICD:
            madt.distributor = int.from_bytes(body[8:16], "little")
        elif kind == GICR:
            region = int.from_bytes(body[4:12], "little"), int.from_bytes(body[12:16], "little")
            madt.redistributors.append(region)
    return madt


def subtables(table: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """Walk structures that begin with a type and a length, a byte each; from offset `at` on.

    Gives offset, type and bytes of each. The walk ends at one that claims to have no length, or to
    reach beyond the table, as Linux's does.
    """
    while at + 2 <= len(table):
        length = table[at + 1]
        if length < 2 or at + length > len(table):
            return
        yield at, table[at], table[at : at + length]
        at += length


def _gicc(body: bytes) -> Gicc:
    return Gicc(
        uid=int.from_bytes(body[8:12], "little"),
        flags=int.from_bytes(body[12:16], "little"),
        mpidr=int.from_bytes(body[68:76], "little"),
    )
