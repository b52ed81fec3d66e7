"""Steps of the clock that clients ask for: how far, until what, and in which slices.

A step is done in slices of wall time, between which other clients are served: one that is long, or
would have no end, makes nobody wait but him who asked for it. What he gets does not depend on
where a slice ends. There is one step at a time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from protocol.errors import QmpError
from protocol.qapi.clock import ClockStop, ClockStopReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daemon.stepped import SteppedRunner
    from protocol.command import Steps
    from protocol.event import Event

SLICE = 5_000_000
"""ns of wall time after which others get their turn."""

PATIENCE = 3_600_000_000_000
"""ns of virtual time after which a step ends whose end was not said otherwise: an hour."""

LAST = (1 << 63) - 1
"""ns: the clock goes no further, as it could not be told."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """An event that ends a step.

    Attributes:
        name: its wire name.
        data: members that its data is to have; those of a member that is an object, likewise.
    """

    name: str
    data: Mapping[str, Any]

    def is_it(self, event: Event) -> bool:
        """Whether it is this one."""
        return event.event_name == self.name and _holds(
            event.model_dump(mode="json", by_alias=True, exclude_none=True), self.data
        )


def _holds(actual: object, wanted: object) -> bool:
    """Whether there is, at least, what is wanted, and it is equal."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        return all(key in actual and _holds(actual[key], wanted[key]) for key in wanted)
    return type(actual) is type(wanted) and actual == wanted


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a step is to end: wherever it comes first.

    Attributes:
        time: ns of virtual time from now.
        event: the event after whose instant it ends, if it is to.
        idle: whether it ends where nothing is due any more.
    """

    time: int
    event: Awaited | None = None
    idle: bool = False


class Stepping:
    """Steps a machine's clock.

    Args:
        runner: moves it.
        slice_: ns of wall time that a step takes before others get their turn.

    Attributes:
        active: whether a step is being made.
    """

    def __init__(self, runner: SteppedRunner, *, slice_: int = SLICE) -> None:
        self.active = False
        self._runner = runner
        self._slice = slice_
        self._awaited: Awaited | None = None
        self._came = False

    def told(self, event: Event) -> None:
        """An event is sent."""
        if self._awaited is not None and self._awaited.is_it(event):
            self._came = True

    def step(self, goal: Goal) -> Steps[ClockStop]:
        """Make a step.

        Raises:
            QmpError: time stands still, or is being stepped already.
        """
        self._check()
        self.active, self._came, self._awaited = True, False, goal.event
        try:
            reason = yield from self._run(goal)
        finally:
            self.active, self._awaited = False, None
        return ClockStop(now_ns=self._runner.clock.now, reason=reason)

    def _check(self) -> None:
        if self.active:
            raise QmpError("The clock is being stepped by another client")
        if not self._runner.running:
            raise QmpError("The machine is not running: its time stands still")

    def _run(self, goal: Goal) -> Steps[ClockStopReason]:
        clock = self._runner.clock
        end = min(clock.now + goal.time, LAST)
        until = time.monotonic_ns() + self._slice
        for _ in self._runner.instants(end):
            if self._came:
                return ClockStopReason.EVENT
            if time.monotonic_ns() >= until and self._runner.running:
                yield
                until = time.monotonic_ns() + self._slice
        if not self._runner.running:
            return ClockStopReason.STOPPED
        if goal.idle and clock.next_deadline is None:
            return ClockStopReason.IDLE
        self._runner.settle_at(end)
        return ClockStopReason.TIME
