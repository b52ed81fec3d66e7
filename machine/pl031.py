"""The real time clock of the board: Arm's PL031 (DDI 0224, QEMU: hw/rtc/pl031).

It counts seconds, and interrupts when they reach a match. It counts the machine's virtual time from
the second that it is given, so that two runs see the same times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.irq import IrqLine
from machine.primecell import ALL, PrimeCell, cell_id, peripheral_id
from machine.register import Reg

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.clock import Timer, VirtualClock

NS = 1_000_000_000


class Pl031(PrimeCell):
    """A counter of seconds; `irq` is RTCINTR, level-sensitive.

    Args:
        clock: the machine's time.
        base: seconds since 1970 at the clock's beginning.
        on_set: told by how many seconds the clock is off `base` once the guest has set it.
    """

    PERIPHERAL_ID = (0x31, 0x10, 0x14, 0x00)

    __slots__ = ("_alarm", "_clock", "_on_set", "base", "irq", "matched", "offset")

    RTCDR = Reg(0x000, ro=ALL)
    RTCMR = Reg(0x004)
    RTCLR = Reg(0x008)
    RTCCR = Reg(0x00C, reset=1, ro=ALL)
    RTCIMSC = Reg(0x010)
    RTCRIS = Reg(0x014, ro=ALL)
    RTCMIS = Reg(0x018, ro=ALL)
    RTCICR = Reg(0x01C, "w")
    RTCPeriphID = peripheral_id()
    RTCPCellID = cell_id()

    def __init__(self, clock: VirtualClock, base: int, on_set: Callable[[int], None]) -> None:
        super().__init__()
        self.irq = IrqLine("rtc")
        self.base = base
        self.offset = 0
        self.matched = False
        self._clock = clock
        self._on_set = on_set
        self._alarm: Timer | None = None

    def reset(self) -> None:
        """Registers to their reset values; the counter goes on, as its reset is another."""
        super().reset()
        self._cancel_alarm()
        self._match(matched=False)

    @property
    def count(self) -> int:
        """What RTCDR shows: seconds, 32 bits of them."""
        return self.base + self.offset + self._clock.now // NS & ALL

    # The registers

    @RTCDR.read
    def _read_dr(self, _n: int) -> int:
        return self.count

    @RTCMR.write
    def _write_mr(self, _n: int, value: int) -> None:
        self.stored["RTCMR", 0] = value & ALL
        self._set_alarm()

    @RTCLR.write
    def _write_lr(self, _n: int, value: int) -> None:
        self.stored["RTCLR", 0] = value & ALL
        self.offset += (value & ALL) - self.count
        self._set_alarm()
        self._on_set(self.offset)

    @RTCIMSC.write
    def _write_imsc(self, _n: int, value: int) -> None:
        self.stored["RTCIMSC", 0] = value & 1
        self._update()

    @RTCRIS.read
    def _read_ris(self, _n: int) -> int:
        return int(self.matched)

    @RTCMIS.read
    def _read_mis(self, _n: int) -> int:
        return int(self.matched and self._enabled)

    @RTCICR.write
    def _write_icr(self, _n: int, value: int) -> None:
        if value & 1:
            self._match(matched=False)

    # The inside

    @property
    def _enabled(self) -> bool:
        return bool(self.stored.get(("RTCIMSC", 0)))

    def _set_alarm(self) -> None:
        """See to it that the counter's next meeting with RTCMR is noticed."""
        self._cancel_alarm()
        seconds = self.stored.get(("RTCMR", 0), 0) - self.count & ALL
        if not seconds:
            self._match(matched=True)
            return
        tick = self._clock.now // NS + seconds
        self._alarm = self._clock.call_at(tick * NS, self._alarmed)

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _alarmed(self) -> None:
        self._alarm = None
        self._match(matched=True)

    def _match(self, *, matched: bool) -> None:
        self.matched = matched
        self._update()

    def _update(self) -> None:
        self.irq.set(self.matched and self._enabled)
