"""XSDT (ACPI 6.5 §5.2.8): the addresses of the tables, the FADT first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi import aml

if TYPE_CHECKING:
    from collections.abc import Sequence


def xsdt(addresses: Sequence[int]) -> bytes:
    """Build it from guest-physical addresses."""
    return aml.table("XSDT", 1, b"".join(at.to_bytes(8, "little") for at in addresses))
