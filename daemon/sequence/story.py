"""The steps of each operation that a stream of trace points tells of, and how times are said."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from daemon.sequence.steps import HYPERCALL, Step, of_point
from daemon.trace.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daemon.trace.operations import Operation
    from machine.trace import TracePoint

US, MS, S = 1_000, 1_000_000, 1_000_000_000
"""Nanoseconds."""
WAIT = MS
"""From how many ns on a wait is shown."""


@dataclass(slots=True)
class Story:
    """An operation, and its steps; their times are from its beginning."""

    operation: Operation
    steps: list[Step] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What was wanted, and what came of it."""
        return f"{self.operation.title}: {self.operation.result}"

    @property
    def took(self) -> str:
        """How long it took; nothing has ended it, where that is empty."""
        ended = self.operation.ended
        return "" if ended is None else spell(ended - self.operation.began)


def stories(points: Iterable[TracePoint]) -> list[Story]:
    """All operations in the order in which they began."""
    operations, found = Operations(), dict[int, Story]()
    for point in points:
        for operation, _ in operations.take(point):
            story = found.setdefault(operation.number, Story(operation))
            step = of_point(point)
            if step is not None:
                story.steps.append(step._replace(time=step.time - operation.began))
    for story in found.values():
        story.steps = [step for step, _ in groupby(_own(story.steps))]
    return [found[number] for number in sorted(found)]


def _own(steps: list[Step]) -> Iterator[Step]:
    """Without calls of firmware that nothing here follows: another operation's."""
    for step, following in zip_longest(steps, steps[1:]):
        is_call = step.text.startswith(HYPERCALL)
        strange = is_call and (following is None or following.time != step.time)
        if not strange:
            yield step


def spell(nanoseconds: int) -> str:
    """A duration, in the unit that suits it."""
    for unit, name in ((S, "s"), (MS, "ms")):
        if nanoseconds >= unit:
            return f"{nanoseconds / unit:.4g} {name}"
    return f"{nanoseconds / US:g} µs"
