"""SPCR (Serial Port Console Redirection Table, revision 2): the console until drivers are there.

Microsoft's specification of that name, which ACPI 6.5 §5.2.4 points to.
"""

from __future__ import annotations

import struct

from machine.acpi import aml, gas

REVISION = 2
PL011 = 3
"""Interface type: ARM PL011."""
ARM_GIC_INTERRUPT = 1 << 3
BAUD_9600 = 3
ONE_STOP_BIT = 1
HARDWARE_FLOW_CONTROL = 1 << 1
VT100 = 0
NO_PCI_DEVICE = 0xFFFF

_INTERFACE = struct.Struct("<B3x")
_SETTINGS = struct.Struct("<BBIBBBBBxHHBBBIB4x")


def spcr(uart: int, gsi: int) -> bytes:
    """Build it for a PL011.

    Args:
        uart: guest-physical address of its registers.
        gsi: its interrupt.
    """
    pc_irq = parity = bus = device = function = flags = segment = 0
    settings = _SETTINGS.pack(
        ARM_GIC_INTERRUPT, pc_irq, gsi, BAUD_9600, parity, ONE_STOP_BIT, HARDWARE_FLOW_CONTROL,
        VT100, NO_PCI_DEVICE, NO_PCI_DEVICE, bus, device, function, flags, segment,
    )  # fmt: skip
    return aml.table("SPCR", REVISION, _INTERFACE.pack(PL011) + gas.memory_dword(uart) + settings)
