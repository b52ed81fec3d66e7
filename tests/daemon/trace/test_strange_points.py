"""Whatever points come, with whatever in them, as in a file that somebody has edited."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.sequence import mermaid, svg
from daemon.sequence.story import stories
from daemon.trace.chrome import ChromeTrace, encoded
from daemon.trace.operations import Operations, Part
from daemon.trace.points import LAYERS, POINTS
from machine.trace import TracePoint

KEYS = "index idx slot cpu vcpu_id path json args execute cmdline event status level hotplugged"
VALUES: tuple[Any, ...] = (
    *(-1, 0, 1, 2, 3, 0x84, 1 << 70, 0.5, None, True, False),
    *("", "2", "{}", "[", "device_add", "device_del core2", r"\_SB.CPUS.C002._OST"),
    *('{"id": 3}', '{"error": 3}', '{"data": 1}', '{"data": {"info": {"slot": "2"}, "path": []}}'),
    *([], [1], {}, {"a": []}),
)
POINT = st.builds(
    TracePoint,
    st.integers(0, 3),
    st.sampled_from([*LAYERS, "new"]),
    st.sampled_from([point.name for point in POINTS]),
    st.dictionaries(st.sampled_from(KEYS.split()), st.sampled_from(VALUES), max_size=4),
)
STREAM = st.lists(POINT, max_size=12)
patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@patiently
@given(STREAM)
def test_an_operation_ends_once(points: list[TracePoint]) -> None:
    operations, ends = Operations(), defaultdict[int, int](int)
    for point in points:
        for operation, part in operations.take(point):
            ends[operation.number] += part is Part.LAST
            assert (operation.ended is None) is (operation.outcome is None)
    assert set(ends.values()) <= {0, 1}


@patiently
@given(STREAM)
def test_every_story_can_be_drawn(points: list[TracePoint]) -> None:
    for story in stories(points):
        assert svg.draw(story).startswith("<svg")
        assert mermaid.draw(story).startswith("sequenceDiagram\n")


@patiently
@given(STREAM)
def test_slices_end_as_often_as_they_begin(points: list[TracePoint]) -> None:
    trace = ChromeTrace()
    events = [event for point in points for event in trace.take(point)] + trace.close()
    open_: dict[Any, int] = defaultdict(int)
    for event in events:
        json.loads(encoded(event))
        open_[event["tid"]] += {"B": 1, "E": -1}.get(event["ph"], 0)
        assert open_[event["tid"]] >= 0
    assert not any(open_.values())
