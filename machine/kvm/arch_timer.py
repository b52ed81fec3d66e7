"""The generic timer of one vCPU: a counter that is virtual time, and two comparators.

DDI 0487 chapter D12. Of each timer: CVAL (the instant), CTL (enable, mask, and ISTATUS read-only),
TVAL (a signed 32-bit view of CVAL relative to the counter). The output line is high while the
condition is met and not masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.irq import IrqLine

if TYPE_CHECKING:
    from machine.clock import Timer, VirtualClock

FREQUENCY = 62_500_000
"""CNTFRQ_EL0 in Hz, as QEMU's: one tick is 16 ns."""
TICK = 1_000_000_000 // FREQUENCY

ENABLE, IMASK, ISTATUS = 1, 2, 4
MASK64 = (1 << 64) - 1


class ArchTimer:
    """One comparator; `line` leads to its PPI."""

    __slots__ = ("_clock", "_ctl", "_due", "cval", "line")

    def __init__(self, clock: VirtualClock, name: str) -> None:
        self._clock = clock
        self._due: Timer | None = None
        self._ctl = 0
        self.cval = 0
        self.line = IrqLine(name)

    @property
    def count(self) -> int:
        """The counter, in ticks of 16 ns."""
        return self._clock.now // TICK

    @property
    def ctl(self) -> int:
        """CTL with ISTATUS as it is now."""
        return self._ctl | (ISTATUS if self._fired() else 0)

    def write_ctl(self, value: int) -> None:
        """Enable or mask; ISTATUS is read-only."""
        self._ctl = value & (ENABLE | IMASK)
        self._update()

    def write_cval(self, value: int) -> None:
        """Set the instant, in ticks."""
        self.cval = value & MASK64
        self._update()

    @property
    def tval(self) -> int:
        """Ticks left, as 32 bits in two's complement."""
        return (self.cval - self.count) & 0xFFFF_FFFF

    def write_tval(self, value: int) -> None:
        """Set the instant relative to now; bit 31 is a sign."""
        value &= 0xFFFF_FFFF
        self.write_cval(self.count + value - ((value >> 31) << 32))

    def reset(self) -> None:
        """As a vCPU that has just been reset: off."""
        if self._ctl or self.cval:  # the many that were never used have nothing to do
            self.cval = 0
            self.write_ctl(0)

    def _fired(self) -> bool:
        return bool(self._ctl & ENABLE) and self.count >= self.cval

    def _update(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        fired = self._fired()
        self.line.set(fired and not self._ctl & IMASK)
        if self._ctl & ENABLE and not fired:
            self._due = self._clock.call_at(self.cval * TICK, self._update)
