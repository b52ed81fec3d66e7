"""Virtual time: integer nanoseconds and a heap of timers.

Nothing in `machine` reads any other clock, so that the same inputs give the same run. Timers that
are due at the same instant fire in the order in which they were set.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


FEW = 64
"""A heap of this many timers is never looked through for cancelled ones."""


class Timer:
    """One call that is due at `deadline` (ns of virtual time), until it is cancelled."""

    __slots__ = ("callback", "deadline", "sequence")

    def __init__(self, deadline: int, sequence: int, callback: Callable[[], None]) -> None:
        self.deadline = deadline
        self.sequence = sequence
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Forget the call; harmless once it has been made."""
        self.callback = None

    def __lt__(self, other: Timer) -> bool:
        return (self.deadline, self.sequence) < (other.deadline, other.sequence)


class VirtualClock:
    """The one source of time of a machine, in ns since it was created.

    Attributes:
        now: where it stands.
        fired: how many timers have been fired; with `now` it says how far a run has come.
    """

    def __init__(self) -> None:
        self.now = 0
        self.fired = 0
        self._sequence = 0
        self._heap: list[Timer] = []
        self._room = FEW
        """How large the heap may become before cancelled timers are thrown out of it."""

    def call_at(self, deadline: int, callback: Callable[[], None]) -> Timer:
        """Call once when time reaches `deadline`; one in the past is due at once."""
        self._sequence += 1
        timer = Timer(max(deadline, self.now), self._sequence, callback)
        heapq.heappush(self._heap, timer)
        if len(self._heap) > self._room:
            self._tidy()
        return timer

    def _tidy(self) -> None:
        """Forget what was cancelled: one that is set anew each time would pile up until due."""
        self._heap = [timer for timer in self._heap if timer.callback is not None]
        heapq.heapify(self._heap)
        self._room = max(FEW, 2 * len(self._heap))

    def call_after(self, delay: int, callback: Callable[[], None]) -> Timer:
        """Call once, `delay` ns from now."""
        return self.call_at(self.now + delay, callback)

    @property
    def next_deadline(self) -> int | None:
        """When the next live timer is due, or None where nothing is."""
        while self._heap and self._heap[0].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0].deadline if self._heap else None

    def advance_to(self, instant: int) -> None:
        """Fire, in order, everything due up to `instant`, and stand there."""
        while (deadline := self.next_deadline) is not None and deadline <= instant:
            self._fire()
        self.now = max(self.now, instant)

    def fire_next(self) -> None:
        """Fire the one timer that is next, which there must be."""
        if self.next_deadline is None:
            raise AssertionError("no timer to fire")
        self._fire()

    def stand_at(self, instant: int) -> None:
        """Go on to an instant, and fire nothing: who repeats a run knows what it fired."""
        self.now = max(self.now, instant)

    def run_until_idle(self, limit: int | None = None) -> None:
        """Jump from timer to timer until none is left, or the next lies past `limit`."""
        while (deadline := self.next_deadline) is not None:
            if limit is not None and deadline > limit:
                return
            self._fire()

    def _fire(self) -> None:
        timer = heapq.heappop(self._heap)
        self.now = max(self.now, timer.deadline)
        self.fired += 1
        callback, timer.callback = timer.callback, None
        if callback is not None:
            callback()
