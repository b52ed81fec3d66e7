"""Trace events: what the format asks for, and what the picture has to show."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from daemon.trace.chrome import ITEMS, TEXT, ChromeTrace, bounded, encoded
from daemon.trace.tracks import THREADS, Place
from machine.topology import MOST_CPUS
from machine.trace import TracePoint

if TYPE_CHECKING:
    from daemon.trace.tracks import Event
    from tests.daemon.trace.recorded import Recorded

KEYS = {
    "M": {"name", "ph", "pid", "tid", "args"},
    "B": {"name", "ph", "ts", "pid", "tid"},
    "E": {"name", "ph", "ts", "pid", "tid"},
    "X": {"name", "ph", "ts", "pid", "tid", "dur", "cat", "args"},
    "i": {"name", "ph", "ts", "pid", "tid", "s", "cat", "args"},
    "s": {"name", "ph", "ts", "pid", "tid", "id", "cat", "bp"},
}
KEYS |= {"t": KEYS["s"], "f": KEYS["s"]}
"""What an event of each phase must have."""


@pytest.fixture
def events(recorded: Recorded) -> list[Event]:
    """Those of a boot, a stop, a plug, an unplug, one that is refused, and a reset."""
    recorded.does("stop")
    recorded.does("cont")
    recorded.plugs(2)
    recorded.unplugs(2)
    recorded.plugs(3)
    recorded.takes_offline(0, 1)
    recorded.unplugs(3)
    recorded.does("system_reset")
    trace = ChromeTrace()
    found = [event for point in recorded.points for event in trace.take(point)]
    return found + trace.close()


def names(events: list[Event], what: str) -> dict[tuple[int, int], str]:
    return {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event["name"] == what
    }


def slices(events: list[Event]) -> list[tuple[str, str, str, float, float]]:
    """Process, thread, name, begin and end of each."""
    processes = {pid: name for (pid, _), name in names(events, "process_name").items()}
    threads, found = names(events, "thread_name"), []
    stacks: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        at = event["pid"], event["tid"]
        if event["ph"] == "B":
            stacks[at].append(event)
        elif event["ph"] == "E":
            begun = stacks[at].pop()
            times = begun["ts"], event["ts"]
            found.append((processes[at[0]], threads[at], str(begun["name"]), *times))
    assert not any(stacks.values())
    return found


def test_every_event_has_what_its_phase_needs(events: list[Event]) -> None:
    for event in events:
        needed = KEYS[event["ph"]]
        assert needed <= set(event) <= needed | {"cat", "args"}, event
        assert json.loads(encoded(event)) == event


def test_time_goes_on_with_each_event(events: list[Event]) -> None:
    times = [event["ts"] for event in events if event["ph"] in "BEXi"]
    assert all(before < after for before, after in pairwise(times))


def test_every_track_is_named_before_it_is_used(events: list[Event]) -> None:
    named = set()
    for event in events:
        at = event["pid"], event["tid"]
        if event["name"] == "thread_name":
            named.add(at)
        elif event["ph"] != "M":
            assert at in named


def test_threads_of_all_processes_have_different_numbers(events: list[Event]) -> None:
    threads = [tid for _, tid in names(events, "thread_name")]
    assert len(set(threads)) == len(threads)
    assert Place("vmm", MOST_CPUS - 1, lasting=True).order < THREADS


def test_what_lasts_begins_and_ends_on_its_track(events: list[Event]) -> None:
    assert {(process, thread, name) for process, thread, name, _, _ in slices(events)} >= {
        ("operations", "CPU 2", "plug core2"),
        ("operations", "CPU 2", "unplug core2"),
        ("QMP", "QMP", "device_add"),
        ("VMM", "CPU 2 state", "plugged"),
        ("VMM", "VMM state", "running"),
        ("host KVM", "CPU 0", "KVM_RUN"),
        ("host KVM", "CPU 2 state", "parked"),
        ("AML", "CPU 0", "_EVT"),
        ("AML", "CPU 0", "CSCN"),
        ("PSCI", "CPU 2 state", "on"),
        ("guest kernel", "CPU 2 state", "enabled"),
        ("guest kernel", "CPU 2 state", "online"),
    }


def test_a_reset_ends_what_the_guest_had_online(events: list[Event]) -> None:
    online = [
        each for each in slices(events) if each[:3] == ("guest kernel", "CPU 3 state", "online")
    ]
    assert len(online) == 2
    assert online[0][4] < online[1][3]


def test_flows_are_tied_to_slices_and_lead_through_whole_operations(events: list[Event]) -> None:
    flows: dict[int, str] = defaultdict(str)
    inside: dict[Any, int] = defaultdict(int)
    for before, event in pairwise(events):
        at = event["pid"], event["tid"]
        inside[at] += {"B": 1, "E": -1}.get(event["ph"], 0)
        if event["ph"] in "stf":
            flows[event["id"]] += event["ph"]
            assert inside[at] or before["ph"] in "Xstf"
    assert len(flows) == 4
    for phases in flows.values():
        assert phases[0] == "s"
        assert phases[-1] == "f"
        assert set(phases[1:-1]) == {"t"}


def test_a_point_of_an_unknown_layer_has_a_track_of_its_own() -> None:
    trace = ChromeTrace()
    found = trace.take(TracePoint(5, "new", "thing", {"cpu": 1, "what": object}))
    assert [event["args"]["name"] for event in found[-5:-1] if "name" in event["args"]] == [
        "new",
        "CPU 1",
    ]
    assert found[-1]["args"] == {"ns": 5, "point": "thing", "cpu": 1, "what": str(object)}


def test_what_ends_without_having_begun_is_an_instant() -> None:
    found = ChromeTrace().take(TracePoint(0, "kvm", "kvm_userspace_exit", {"vcpu_id": 0}))
    assert found[-1]["ph"] == "i"


def test_long_values_are_cut() -> None:
    assert len(bounded("x" * 10 * TEXT)) <= TEXT + 3
    assert len(bounded([1] * 1000)) == ITEMS
    deep: list[object] = []
    for _ in range(1000):
        deep = [deep]
    assert len(json.dumps(bounded(deep))) < 3 * TEXT
    assert bounded((3, 0x84, bytearray(b"\1\2"))) == [3, 0x84, "0102"]
