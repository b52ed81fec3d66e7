"""A sequence diagram as Mermaid text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daemon.sequence.steps import Lane
from daemon.sequence.story import WAIT, spell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.sequence.steps import Step
    from daemon.sequence.story import Story

_NAMES = {lane: lane.name.title() for lane in Lane}
_SPECIAL = re.compile(r"[;#\n]")
"""What would end a statement, or begin an entity."""


def draw(story: Story) -> str:
    """Draw an operation; waits are notes over all lanes."""
    return "\n".join(["sequenceDiagram", *(f"    {line}" for line in _lines(story)), ""])


def _lines(story: Story) -> Iterator[str]:
    ends = [lane for step in story.steps for lane in (step.source, step.target)]
    lanes = [lane for lane in Lane if lane in ends]
    yield from (f"participant {_NAMES[lane]} as {lane.value}" for lane in lanes)
    time = 0
    for step in story.steps:
        if step.time - time >= WAIT:
            over = ",".join(dict.fromkeys((_NAMES[lanes[0]], _NAMES[lanes[-1]])))
            yield f"Note over {over}: {spell(step.time - time)} later"
        time = step.time
        yield _statement(step)


def _statement(step: Step) -> str:
    text = _SPECIAL.sub(" ", step.text)
    source, target = _NAMES[step.source], _NAMES[step.target]
    if source == target:
        return f"Note over {source}: {text}"
    return f"{source}->>{target}: {text}"
