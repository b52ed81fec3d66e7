"""DBG2 (Debug Port Table 2, revision 0): the serial port that a kernel's debugger may use.

Microsoft's specification of that name, which ACPI 6.5 §5.2.4 points to.
"""

from __future__ import annotations

import struct

from machine.acpi import aml, gas

REVISION = 0
SERIAL, PL011 = 0x8000, 3
"""Port type and subtype."""

_HEADER = struct.Struct("<II")
_DEVICE = struct.Struct("<BHBHHHHHH2xHH")
_SIZE = struct.Struct("<I")


def dbg2(uart: int, size: int, path: str) -> bytes:
    """Build it for a PL011.

    Args:
        uart: guest-physical address of its registers.
        size: how many bytes of them there are.
        path: the device's name in the namespace.
    """
    name = path.encode() + b"\0"
    at_address = _DEVICE.size
    at_size = at_address + gas.SIZE
    at_name = at_size + _SIZE.size
    no_oem_data = 0
    device = _DEVICE.pack(
        REVISION, at_name + len(name), 1, len(name), at_name, no_oem_data, no_oem_data,
        SERIAL, PL011, at_address, at_size,
    )  # fmt: skip
    header = _HEADER.pack(36 + _HEADER.size, 1)
    return aml.table(
        "DBG2", REVISION, header + device + gas.memory_dword(uart) + _SIZE.pack(size) + name
    )
