"""The performance monitors of one vCPU: PMUv3 with its cycle counter, and no event counters.

DDI 0487 chapter D13. Cycles are virtual time at a declared frequency, whether the vCPU executes or
waits. An overflow sets PMOVSSET_EL0 and, where it is enabled, raises the line to the PPI. Nothing
counts by itself: what has passed is worked out when somebody looks, and the one timer that there
is waits for an overflow that would raise the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.irq import IrqLine

if TYPE_CHECKING:
    from machine.clock import Timer, VirtualClock

CYCLES_PER_NS = 1
"""The CPU's frequency: 1 GHz."""
DIVIDED = 64
"""Cycles to one count with PMCR_EL0.D."""

PMCR_E, PMCR_C, PMCR_D, PMCR_LC = 1 << 0, 1 << 2, 1 << 3, 1 << 6
PMCR_WRITABLE = PMCR_E | PMCR_D | 1 << 4 | 1 << 5 | PMCR_LC
"""E, D, X, DP, LC. IMP 0 leads software to MIDR_EL1, and N 0 says that there are no counters."""

CYCLE_COUNTER = 1 << 31
"""The cycle counter's bit in the enable, interrupt and overflow registers."""
FILTER_EL1 = 1 << 31
FILTER_WRITABLE = FILTER_EL1 | 1 << 30
"""PMCCFILTR_EL0.P and .U; there is no EL2, EL3 or Secure state to be filtered."""

CPU_CYCLES = 0x11
"""The one event of PMCEID0_EL0: the cycle counter counts it."""
SELECT_CYCLES = 31
"""PMSELR_EL0.SEL for the cycle counter's filter."""
MASK64 = (1 << 64) - 1


class Pmu:
    """The registers, in the architecture's names; `line` leads to the PPI."""

    __slots__ = (
        "_clock",
        "_count",
        "_due",
        "_since",
        "enabled",
        "filter",
        "interrupts",
        "line",
        "overflows",
        "pmcr",
        "selected",
        "user",
    )

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._due: Timer | None = None
        self.line = IrqLine("pmu")
        self._clear()

    def _clear(self) -> None:
        self.pmcr = self.enabled = self.interrupts = self.overflows = 0
        self.filter = self.selected = self.user = 0
        self._count, self._since = 0, self._clock.now

    def reset(self) -> None:
        """As a vCPU that has just been reset: nothing counts."""
        self._clear()
        self._update()

    # What counts

    @property
    def cycles(self) -> int:
        """PMCCNTR_EL0."""
        self._catch_up()
        return self._count

    def write_cycles(self, value: int) -> None:
        """Set the counter."""
        self._catch_up()
        self._count = value & MASK64
        self._update()

    @property
    def _counting(self) -> bool:
        on = self.pmcr & PMCR_E and self.enabled & CYCLE_COUNTER
        return bool(on) and not self.filter & FILTER_EL1  # all code here is EL1's

    @property
    def _cycles_per_count(self) -> int:
        """The divider is for 32-bit counters only (DDI 0487, PMCR_EL0.D)."""
        return DIVIDED if self.pmcr & PMCR_D and not self.pmcr & PMCR_LC else 1

    @property
    def _width(self) -> int:
        """Which carry out is an overflow: that of 64 bits with PMCR_EL0.LC, else of 32."""
        return 64 if self.pmcr & PMCR_LC else 32

    def _catch_up(self) -> None:
        """Count up to now; what is not a whole count yet stays for the next time."""
        if not self._counting:
            self._since = self._clock.now
            return
        step = self._cycles_per_count
        counts = (self._clock.now - self._since) * CYCLES_PER_NS // step
        self._since += counts * step // CYCLES_PER_NS
        before, after = self._count, self._count + counts
        if before >> self._width != after >> self._width:
            self.overflows |= CYCLE_COUNTER
        self._count = after & MASK64

    # What is written

    def write_pmcr(self, value: int) -> None:
        """PMCR_EL0: C clears the cycle counter, P the event counters, of which there are none."""
        self._catch_up()
        self.pmcr = value & PMCR_WRITABLE
        if value & PMCR_C:
            self._count = 0
        self._update()

    def write_filter(self, value: int) -> None:
        """PMCCFILTR_EL0."""
        self._catch_up()
        self.filter = value & FILTER_WRITABLE
        self._update()

    def assign(self, register: str, bits: int, value: int) -> None:
        """Set or clear bits of `enabled`, `interrupts` or `overflows`.

        Args:
            register: which of them.
            bits: those that were written as one.
            value: those bits for a set register, 0 for a clear register.
        """
        self._catch_up()
        bits &= CYCLE_COUNTER
        setattr(self, register, (getattr(self, register) & ~bits) | (value & bits))
        self._update()

    def read_overflows(self) -> int:
        """PMOVSSET_EL0, PMOVSCLR_EL0."""
        self._catch_up()
        return self.overflows

    def _update(self) -> None:
        """Drive the line (DDI 0487 §D13.3.1), or see to it that it is driven in time."""
        self._catch_up()
        if self._due is not None:
            self._due.cancel()
            self._due = None
        awaited = bool(self.pmcr & PMCR_E and self.interrupts)
        self.line.set(awaited and bool(self.overflows))
        if awaited and not self.overflows and self._counting:
            self._due = self._clock.call_at(self._overflow_at(), self._update)

    def _overflow_at(self) -> int:
        """The instant of the next carry out, in ns."""
        left = (1 << self._width) - (self._count & (1 << self._width) - 1)
        return self._since + -(-left * self._cycles_per_count // CYCLES_PER_NS)
