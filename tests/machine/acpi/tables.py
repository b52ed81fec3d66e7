"""A reader of what firmware leaves in RAM, written from the standards and from nothing of ours.

Devicetree Specification 0.4 §5, UEFI 2.10 §4.3 and §4.6, ACPI 6.5 §5.2.5 to §5.2.8.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]

EFI_SYSTEM_TABLE_SIGNATURE = b"IBI SYST"
ACPI_20_TABLE_GUID = struct.pack("<IHH", 0x8868E871, 0xE4F1, 0x11D3) + bytes.fromhex(
    "bc220080c73c8881",
)
FACP_X_DSDT = 140


def chosen(read: Read, fdt: int) -> dict[str, bytes]:
    """The properties of /chosen."""
    magic, total, structure, strings = struct.unpack(">4I", read(fdt, 16))
    assert magic == 0xD00DFEED
    blob, found = read(fdt, total), {}
    for path, name_at, value in _properties(blob, structure):
        if path == ["", "chosen"]:
            name = blob[strings + name_at :].split(b"\0", 1)[0].decode()
            found[name] = value
    return found


def _properties(blob: bytes, at: int) -> Iterator[tuple[list[str], int, bytes]]:
    path: list[str] = []
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 9:
            return
        if token == 1:
            name = blob[at:].split(b"\0", 1)[0]
            path.append(name.decode())
            at += (len(name) + 4) & ~3
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name_at = struct.unpack_from(">II", blob, at)
            yield path, name_at, blob[at + 8 : at + 8 + size]
            at += 8 + ((size + 3) & ~3)


def find_rsdp(read: Read, system_table: int) -> int:
    """Follow EFI's system table to its configuration table, and that to the root pointer."""
    assert read(system_table, 8) == EFI_SYSTEM_TABLE_SIGNATURE
    count, tables = struct.unpack("<QQ", read(system_table + 104, 16))
    entries = {read(tables + 24 * n, 16): read(tables + 24 * n + 16, 8) for n in range(count)}
    return int.from_bytes(entries[ACPI_20_TABLE_GUID], "little")


def find_tables(read: Read, rsdp: int) -> dict[str, bytes]:
    """Every table by signature; the checksums of all are right."""
    root = read(rsdp, 36)
    assert root[:8] == b"RSD PTR "
    assert sum(root[:20]) % 256 == sum(root) % 256 == 0
    xsdt = _table(read, int.from_bytes(root[24:32], "little"))
    assert xsdt[:4] == b"XSDT"
    found = [_table(read, at) for (at,) in struct.iter_unpack("<Q", xsdt[36:])]
    assert found[0][:4] == b"FACP"
    found.append(_table(read, int.from_bytes(found[0][FACP_X_DSDT : FACP_X_DSDT + 8], "little")))
    return {"XSDT": xsdt} | {table[:4].decode(): table for table in found}


def _table(read: Read, at: int) -> bytes:
    table = read(at, int.from_bytes(read(at + 4, 4), "little"))
    assert sum(table) % 256 == 0, table[:4]
    return table


def walk(read: Read, x0: int) -> dict[str, bytes]:
    """From what the boot CPU finds in x0 to every table."""
    address = int.from_bytes(chosen(read, x0)["linux,uefi-system-table"], "big")
    return find_tables(read, find_rsdp(read, address))


def structures(madt: bytes) -> Iterator[bytes]:
    """The interrupt controller structures of a MADT (§5.2.12)."""
    at = 44
    while at < len(madt):
        yield madt[at : at + madt[at + 1]]
        at += madt[at + 1]
