"""What Arm's PrimeCells have in common: how they identify themselves, and the bus that they are on.

The APB (IHI 0024) has no byte lanes: whatever part of a register is addressed, all of it is read,
and all of it is written.
"""

from __future__ import annotations

from typing import ClassVar

from machine.register import MmioDevice, Reg

ALL = 0xFFFF_FFFF
CELL_ID = (0x0D, 0xF0, 0x05, 0xB1)


def peripheral_id() -> Reg:
    """Declare PeriphID0 to 3: part number, designer, revision, a byte each."""
    register = Reg(0xFE0, count=4, ro=ALL)
    register.on_read = "read_peripheral_id"
    return register


def cell_id() -> Reg:
    """Declare PCellID0 to 3, the same for all of them."""
    register = Reg(0xFF0, count=4, ro=ALL)
    register.on_read = "read_cell_id"
    return register


class PrimeCell(MmioDevice):
    """4 KiB of 32-bit registers."""

    __slots__ = ()
    PERIPHERAL_ID: ClassVar[tuple[int, int, int, int]]

    def read(self, offset: int, size: int) -> int:
        """Answer a load; one of a part of a register gets its low bits."""
        if size < 4:
            return super().read(offset & ~3, 4) & (1 << 8 * size) - 1
        return super().read(offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store; one to a part of a register writes zeros to the rest."""
        if size < 4:
            offset, size = offset & ~3, 4
        super().write(offset, size, value)

    def read_peripheral_id(self, n: int) -> int:
        """One byte of the identification."""
        return self.PERIPHERAL_ID[n]

    def read_cell_id(self, n: int) -> int:
        """Likewise."""
        return CELL_ID[n]
