"""RSDP, the root pointer (ACPI 6.5 §5.2.5.3): 36 bytes that name the XSDT."""

from __future__ import annotations

from machine.acpi.aml import BOCHS

SIZE = 36
REVISION = 2


def rsdp(xsdt: int) -> bytes:
    """Build it; one checksum covers the 20 bytes of ACPI 1.0, the other all."""
    whole = bytearray(b"RSD PTR \0" + BOCHS.oem_id + bytes([REVISION]) + bytes(4))
    whole += SIZE.to_bytes(4, "little") + xsdt.to_bytes(8, "little") + bytes(4)
    whole[8] = -sum(whole[:20]) & 0xFF
    whole[32] = -sum(whole) & 0xFF
    return bytes(whole)
