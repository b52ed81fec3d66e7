"""SLIT (ACPI 6.5 §5.2.17): how far it is from each node to each other; 10 is next door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi import aml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REVISION = 1


def slit(distances: Sequence[Iterable[int]]) -> bytes:
    """Build it from a row for each node, each distance a byte."""
    matrix = b"".join(map(bytes, distances))
    return aml.table("SLIT", REVISION, len(distances).to_bytes(8, "little") + matrix)
