"""SRAT (ACPI 6.5 §5.2.16): the NUMA node of each possible CPU and of each stretch of RAM.

Nodes are proximity domains of the same number. As in the MADT, all possible CPUs are listed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from machine.acpi import aml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REVISION = 3
ENABLED = 1

_HEADER = struct.Struct("<I8x")
_MEMORY = struct.Struct("<BBI2xQQ4xI8x")
_GICC = struct.Struct("<BBIIII")


def srat(cpus: Iterable[int], ram_base: int, memory: Iterable[int]) -> bytes:
    """Build it.

    Args:
        cpus: the node of each possible CPU, by its ACPI UID.
        ram_base: guest-physical address of RAM.
        memory: bytes of RAM of each node, which lie one behind the other.
    """
    clock = 0
    giccs = (
        _GICC.pack(0x03, _GICC.size, node, uid, ENABLED, clock) for uid, node in enumerate(cpus)
    )
    structures = b"".join(giccs) + b"".join(_memory(ram_base, memory))
    return aml.table("SRAT", REVISION, _HEADER.pack(1) + structures)  # 1: reserved, as in ACPI 1.0


def _memory(base: int, sizes: Iterable[int]) -> Iterator[bytes]:
    """Memory Affinity Structures (§5.2.16.2); a node without RAM has none."""
    for node, size in enumerate(sizes):
        if size:
            yield _MEMORY.pack(0x01, _MEMORY.size, node, base, size, ENABLED)
        base += size
