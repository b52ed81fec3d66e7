"""The PL011 as the kernel's console (Linux: drivers/tty/serial/amba-pl011.c; DDI 0183).

It is the one that the SPCR names, or the device tree. Output is polled: where the transmit FIFO is
empty, it takes 16 characters without being asked again. Input comes by interrupt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.guest.platform import Platform

UARTDR, UARTFR, UARTLCR_H, UARTIMSC = 0x00, 0x18, 0x2C, 0x38
FR_RXFE, FR_TXFE = 1 << 4, 1 << 7
INT_RX, INT_RECEIVE_TIMEOUT = 1 << 4, 1 << 6
LCR_8_BITS, LCR_FIFO_ENABLE = 3 << 5, 1 << 4
FIFO_DEPTH = 16
MAX_INPUT = 256
"""Characters that are read in one interrupt; there will be another one for the rest."""
TRIES = 1000
"""After which it is written all the same: what is there is no UART that works."""


class Pl011:
    """One UART.

    Args:
        base: the address of its registers.
        interrupt: its INTID; None where nobody knows.
    """

    def __init__(self, base: int, interrupt: int | None) -> None:
        self._base = base
        self.interrupt = interrupt

    def startup(self, platform: Platform) -> None:
        """Set the line up: eight bits, no parity, one stop bit, FIFOs."""
        platform.store(self._base + UARTLCR_H, 4, LCR_8_BITS | LCR_FIFO_ENABLE)

    def write(self, platform: Platform, text: bytes) -> None:
        """Send a text; a line ends with a carriage return, too."""
        data = text.replace(b"\n", b"\r\n")
        store, register = platform.store, self._base + UARTDR
        for at in range(0, len(data), FIFO_DEPTH):
            self._wait_until_sent(platform)
            for character in data[at : at + FIFO_DEPTH]:
                store(register, 4, character)

    def _wait_until_sent(self, platform: Platform) -> None:
        for _ in range(TRIES):
            if platform.load(self._base + UARTFR, 4) & FR_TXFE:
                return

    def enable_input(self, platform: Platform) -> None:
        """Have an interrupt come with each character."""
        platform.store(self._base + UARTIMSC, 4, INT_RX | INT_RECEIVE_TIMEOUT)

    def receive(self, platform: Platform) -> bytes:
        """Take what has come; reading all of it lowers the interrupt."""
        data = bytearray()
        while len(data) < MAX_INPUT and not platform.load(self._base + UARTFR, 4) & FR_RXFE:
            data.append(platform.load(self._base + UARTDR, 4) & 0xFF)
        return bytes(data)
