"""What moves a machine's virtual time by that of the wall, at its rate or another.

While a machine runs, its clock follows the wall; while it is stopped, its time stands still and
goes on later from where it stood. The machine is entered from the event loop only, in slices short
enough that every client is served in between. (`daemon.stepped` follows no wall.)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from machine.clock import VirtualClock

QUANTUM = 1_000_000
"""ns of wall time by which a timer may fire ahead of the wall, so that a chain of timers a few µs
apart needs no timers of the event loop, which has 1 ms for its resolution. The clock moves ahead
only as far as timers take it: what is started next has the rest of the quantum to itself."""

SLICE = 5_000_000
"""ns of wall time after which a pump lets the event loop do something else."""

MAX_LAG = 1_000_000_000
"""ns of wall time that a machine may be late before it is let off: after a suspended host it does
not race."""


def _scaled(now: Callable[[], int], rate: float) -> Callable[[], int]:
    """A time that passes so many times as fast, exact for as long as it is asked."""
    times, parts = rate.as_integer_ratio()
    return lambda: now() * times // parts


class Pump(Protocol):
    """What is told before and after the machine is entered from outside."""

    def sync(self) -> None:
        """Bring the clock to the present, so that delays count from now."""

    def kick(self) -> None:
        """Something may have been scheduled: see to it that it happens."""


class Runner:
    """Pumps a clock that follows the wall.

    Args:
        clock: the machine's.
        loop: schedules the next pump.
        now: wall time in ns. (Not `loop.time`: uvloop reads it once per iteration.)
        rate: how many times as fast as the wall the clock goes.
    """

    def __init__(
        self,
        clock: VirtualClock,
        *,
        loop: asyncio.AbstractEventLoop,
        now: Callable[[], int] = time.monotonic_ns,
        rate: float = 1,
    ) -> None:
        self._clock = clock
        self._loop = loop
        self._wall = now
        self._now = now if rate == 1 else _scaled(now, rate)
        self._rate = rate
        self._quantum = max(round(QUANTUM * rate), 1)
        self._max_lag = round(MAX_LAG * rate)
        self._origin: int | None = None
        self._handle: asyncio.Handle | None = None
        self._entered = False

    @property
    def running(self) -> bool:
        """Whether the machine's time passes."""
        return self._origin is not None

    def resume(self) -> None:
        """Let time pass from where it stands; what is due happens soon, not within this call."""
        if self._origin is None:
            self._origin = self._now() - self._clock.now
            self._soon()

    def pause(self) -> None:
        """Let time stand still, at once even if a timer of the machine asks for it."""
        self._origin = None
        self._cancel()

    close = pause

    def sync(self) -> None:
        """Bring the clock to the present."""
        if self._clock.next_deadline is not None:
            self._advance(0)
        elif self._origin is not None:
            self._clock.advance_to(self._now() - self._origin)

    def kick(self) -> None:
        """Do what is due within the quantum, then sleep until something is; never raises."""
        if self._entered or self._origin is None or self._clock.next_deadline is None:
            return
        self._cancel()
        if self._advance(self._quantum):
            self._sleep()
        else:
            self._soon()

    def _pump(self) -> None:
        self._handle = None
        self.kick()

    def _advance(self, ahead: int) -> bool:
        """Advance to now, firing what is due up to `ahead` of it; False if the slice is over."""
        if self._entered or self._origin is None:
            return True
        self._entered = True
        try:
            return self._fire(self._present(self._origin), ahead)
        except Exception as error:  # noqa: BLE001 - the machine's fault, and no client's
            self._loop.call_exception_handler(
                {"message": "a timer of the machine failed", "exception": error},
            )
            return False
        finally:
            self._entered = False

    def _present(self, origin: int) -> int:
        """Where the clock should be; a machine that is too late is let off the rest."""
        now = self._now()
        due = self._clock.next_deadline
        if due is not None and now - origin - due > self._max_lag:
            origin = self._origin = now - due
        return now - origin

    def _fire(self, present: int, ahead: int) -> bool:
        end = self._wall() + SLICE
        while (due := self._clock.next_deadline) is not None and due <= present + ahead:
            self._clock.advance_to(due)
            if self._origin is None:
                return True
            if self._wall() >= end:
                return False
        self._clock.advance_to(present)
        return True

    def _sleep(self) -> None:
        due = self._clock.next_deadline
        if due is None or self._origin is None:
            return
        delay = max(due - (self._now() - self._origin), self._quantum)
        self._handle = self._loop.call_later(delay / self._rate / 1e9, self._pump)

    def _soon(self) -> None:
        if self._origin is not None:
            self._cancel()
            self._handle = self._loop.call_soon(self._pump)

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
