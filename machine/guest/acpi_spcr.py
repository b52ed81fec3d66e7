"""The Serial Port Console Redirection table (Linux: drivers/acpi/spcr.c; Microsoft's SPCR 1.07)."""

from __future__ import annotations

from dataclasses import dataclass

PL011 = frozenset({0x03, 0x0D, 0x0E})
"""Interface types (DBG2 §3): PL011, and the SBSA UARTs, which are a part of one."""
SYSTEM_MEMORY = 0
GIC_INTERRUPT = 1 << 3
BAUD_RATES = {3: 9600, 4: 19200, 6: 57600, 7: 115200}


@dataclass(frozen=True, slots=True)
class Spcr:
    """A console.

    Attributes:
        address: where its registers are, in guest-physical memory.
        interrupt: its GSIV; None where it has none by way of the GIC.
        baud: 0 where it is as firmware has left it.
    """

    address: int
    interrupt: int | None
    baud: int

    def __str__(self) -> str:
        rate = f",{self.baud}" if self.baud else ""
        return f"pl011,mmio32,{self.address:#x}{rate}"


def parse_spcr(table: bytes) -> Spcr | None:
    """Take the table apart; None where there is no PL011 in memory, which is all we can drive."""
    address = int.from_bytes(table[44:52], "little")
    if table[36] not in PL011 or table[40] != SYSTEM_MEMORY or not address:
        return None
    gic = table[52] & GIC_INTERRUPT
    interrupt = int.from_bytes(table[54:58], "little") if gic else None
    return Spcr(address, interrupt, BAUD_RATES.get(table[58], 0))
