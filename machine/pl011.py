"""The UART of the board: Arm's PL011, one serial port (DDI 0183, QEMU: hw/char/pl011).

Both ends are simple. The guest's is a block of registers and one interrupt line, all sources
combined. The other one is `sink`, which is handed each character as it is sent, and `receive`,
which takes as much as there is room for; `on_room` tells that there is room again.

As in QEMU, sending takes no time, enable bits are not asked for, and the receive interrupt comes
with the first character, whatever UARTIFLS says. Unlike there, the receive timeout is modelled.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from machine.irq import IrqLine
from machine.primecell import ALL, PrimeCell, cell_id, peripheral_id
from machine.register import Reg

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.clock import Timer, VirtualClock

UARTCLK = 24_000_000
"""Hz: QEMU's `virt` has a fixed clock of this rate."""
FIFO_DEPTH = 16
NS = 1_000_000_000
DEFAULT_BAUD = 38_400
"""Where nobody has set a divisor: the rate that Linux falls back to."""
TIMEOUT_BITS = 32
"""Bit periods without a character until the receive timeout (DDI 0183 §2.8.3)."""

DR_BREAK_ERROR = 1 << 10
RSR_OVERRUN = 1 << 3

FR_CTS, FR_DSR, FR_DCD, FR_RI = 1 << 0, 1 << 1, 1 << 2, 1 << 8
FR_RXFE, FR_RXFF, FR_TXFE = 1 << 4, 1 << 6, 1 << 7

LCR_BREAK, LCR_FIFO_ENABLE = 1 << 0, 1 << 4
CR_LOOPBACK = 1 << 7

INT_RI, INT_CTS, INT_DCD, INT_DSR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
INT_RX, INT_TX, INT_RECEIVE_TIMEOUT, INT_OVERRUN = 1 << 4, 1 << 5, 1 << 6, 1 << 10
INT_MODEM = INT_RI | INT_CTS | INT_DCD | INT_DSR

LOOPED_BACK = (
    (1 << 10, FR_DSR, INT_DSR),
    (1 << 11, FR_CTS, INT_CTS),
    (1 << 12, FR_DCD, INT_DCD),
    (1 << 13, FR_RI, INT_RI),
)
"""Modem outputs of UARTCR (DTR, RTS, Out1, Out2), and the inputs that they lead to in loopback."""


class Pl011(PrimeCell):
    """One serial port.

    Args:
        clock: for the receive timeout.

    Attributes:
        irq: UARTINTR, all sources combined; level-sensitive.
        sink: is handed each character that is sent (0 to 255); None where nobody listens.
        on_room: called when there is room again; None where nothing waits for it.
        chardev: what the other end is called outside; nothing where there is none.
    """

    PERIPHERAL_ID = (0x11, 0x10, 0x14, 0x00)

    __slots__ = (
        "_clock",
        "_loopback",
        "_timeout",
        "chardev",
        "irq",
        "level",
        "on_room",
        "received",
        "sink",
    )

    UARTDR = Reg(0x000)
    UARTRSR = Reg(0x004)
    UARTFR = Reg(0x018, ro=ALL)
    UARTILPR = Reg(0x020, ro=ALL & ~0xFF)
    UARTIBRD = Reg(0x024, ro=ALL & ~0xFFFF)
    UARTFBRD = Reg(0x028, ro=ALL & ~0x3F)
    UARTLCR_H = Reg(0x02C)
    UARTCR = Reg(0x030, reset=0x300)
    UARTIFLS = Reg(0x034, reset=0x12, ro=ALL & ~0x3F)
    UARTIMSC = Reg(0x038)
    UARTRIS = Reg(0x03C, ro=ALL)
    UARTMIS = Reg(0x040, ro=ALL)
    UARTICR = Reg(0x044, "w")
    UARTDMACR = Reg(0x048, ro=ALL & ~0x7)
    UARTPeriphID = peripheral_id()
    UARTPCellID = cell_id()

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.irq = IrqLine("uart")
        self.sink: Callable[[int], None] | None = None
        self.on_room: Callable[[], None] | None = None
        self.chardev = ""
        self.received: deque[int] = deque()
        self.level = 0
        self._clock = clock
        self._timeout: Timer | None = None
        self._loopback = False

    def reset(self) -> None:
        """Registers to their reset values; what was received is lost."""
        super().reset()
        self._loopback = False
        self.level = 0
        self._flush()
        self._update()

    # The other end

    @property
    def room(self) -> int:
        """Characters that `receive` would take."""
        return max(self._depth - len(self.received), 0)

    def receive(self, data: bytes) -> int:
        """Take characters from outside; gives how many, from the first on.

        In loopback the receiver is cut off, and what comes from outside is lost.
        """
        if self._loopback:
            return len(data)
        taken = data[: self.room]
        for character in taken:
            self._put(character)
        return len(taken)

    def _put(self, character: int) -> None:
        if not self.room:
            self._keep("UARTRSR", self._kept("UARTRSR") | RSR_OVERRUN)
            self.level |= INT_OVERRUN
        else:
            if not self.received:
                self.level |= INT_RX
            self.received.append(character)
            self._await_timeout()
        self._update()

    # The registers

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store; a console's are all to the data register, so that has a short cut."""
        if offset == 0:
            self._write_dr(0, value)
        else:
            super().write(offset, size, value)

    @UARTDR.read
    def _read_dr(self, _n: int) -> int:
        """The oldest character with its error bits, which UARTRSR shows from then on."""
        character = self.received.popleft() if self.received else 0
        self._keep("UARTRSR", character >> 8)
        if self.received:
            self._await_timeout()
        else:
            self._cancel_timeout()
            self.level &= ~(INT_RX | INT_RECEIVE_TIMEOUT)
        self._update()
        if self.on_room is not None:
            self.on_room()
        return character

    @UARTDR.write
    def _write_dr(self, _n: int, value: int) -> None:
        if self.sink is not None:
            self.sink(value & 0xFF)
        if not self.level & INT_TX:
            self.level |= INT_TX
            self._update()
        if self._loopback:
            self._put(value & 0xFF)

    @UARTRSR.write
    def _write_rsr(self, _n: int, _value: int) -> None:
        """UARTECR: any value clears the errors."""
        self._keep("UARTRSR", 0)

    @UARTFR.read
    def _read_fr(self, _n: int) -> int:
        """Never busy, nothing waits to be sent."""
        flags = FR_TXFE
        if not self.received:
            flags |= FR_RXFE
        elif not self.room:
            flags |= FR_RXFF
        return flags | self._modem_inputs()[0]

    @UARTLCR_H.write
    def _write_lcr_h(self, _n: int, value: int) -> None:
        """Enabling and disabling the FIFOs empties them; a break goes round in loopback."""
        changed = self._kept("UARTLCR_H") ^ value
        self._keep("UARTLCR_H", value & 0xFF)
        if changed & LCR_FIFO_ENABLE:
            self._flush()
        if changed & value & LCR_BREAK and self._loopback:
            self._put(DR_BREAK_ERROR)

    @UARTCR.write
    def _write_cr(self, _n: int, value: int) -> None:
        self._keep("UARTCR", value & 0xFF87)
        self._loopback = bool(value & CR_LOOPBACK)
        if self._loopback:
            self.level = self.level & ~INT_MODEM | self._modem_inputs()[1]
            self._update()

    @UARTIMSC.write
    def _write_imsc(self, _n: int, value: int) -> None:
        self._keep("UARTIMSC", value & 0x7FF)
        self._update()

    @UARTRIS.read
    def _read_ris(self, _n: int) -> int:
        return self.level

    @UARTMIS.read
    def _read_mis(self, _n: int) -> int:
        return self.level & self._kept("UARTIMSC")

    @UARTICR.write
    def _write_icr(self, _n: int, value: int) -> None:
        self.level &= ~value
        self._update()

    # The inside

    def _kept(self, name: str) -> int:
        register: Reg = getattr(type(self), name)
        return self.stored.get((name, 0), register.reset)

    def _keep(self, name: str, value: int) -> None:
        self.stored[name, 0] = value

    @property
    def _depth(self) -> int:
        return FIFO_DEPTH if self._kept("UARTLCR_H") & LCR_FIFO_ENABLE else 1

    def _modem_inputs(self) -> tuple[int, int]:
        """Flags and interrupts of the modem inputs; nothing is connected to the port's own."""
        if not self._loopback:
            return 0, 0
        outputs = self._kept("UARTCR")
        looped = [(flag, interrupt) for bit, flag, interrupt in LOOPED_BACK if outputs & bit]
        return sum(flag for flag, _ in looped), sum(interrupt for _, interrupt in looped)

    def _update(self) -> None:
        self.irq.set(bool(self.level & self._kept("UARTIMSC")))

    def _flush(self) -> None:
        self.received.clear()
        self._cancel_timeout()
        if self.on_room is not None:
            self.on_room()

    # The receive timeout: a character lies there, and no other comes, for 32 bit periods

    @property
    def _bit_period(self) -> int:
        """In ns, by the divisor (DDI 0183 §3.3.6): 16 * (IBRD + FBRD / 64) periods of UARTCLK."""
        divisor = self._kept("UARTIBRD") << 6 | self._kept("UARTFBRD")
        return divisor * 16 * NS // (64 * UARTCLK) if divisor else NS // DEFAULT_BAUD

    def _await_timeout(self) -> None:
        self._cancel_timeout()
        self._timeout = self._clock.call_after(TIMEOUT_BITS * self._bit_period, self._timed_out)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _timed_out(self) -> None:
        self._timeout = None
        self.level |= INT_RECEIVE_TIMEOUT
        self._update()
