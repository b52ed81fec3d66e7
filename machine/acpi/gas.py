"""Generic Address Structure (ACPI 6.5 §5.2.3.2): 12 bytes that say where a register is."""

from __future__ import annotations

import struct

SYSTEM_MEMORY = 0
DWORD_ACCESS = 3

_GAS = struct.Struct("<BBBBQ")
SIZE = _GAS.size


def memory_dword(address: int) -> bytes:
    """A register of 32 bits at a guest-physical address, accessed as such."""
    return _GAS.pack(SYSTEM_MEMORY, 32, 0, DWORD_ACCESS, address)
