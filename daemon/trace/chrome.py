"""Trace points as trace events: the JSON that Perfetto's UI and chrome://tracing open.

The Trace Event Format: a process for each layer, in it a thread (track) for each CPU, slices (B, E)
for what lasts, instants (i) for what does not, and flows (s, t, f) that lead through an operation
from its request to its end. A flow is tied to slices, so a point on its way is a slice (X) of a
nanosecond.

Much happens at one instant of virtual time. For its order to be seen each event is put a nanosecond
behind the one before it; the point's own time is in `args`, with its name and its fields. That is
what `daemon.trace.reader` reads again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from daemon.sequence.steps import of_point
from daemon.trace.lasting import BEGINS, ENDS, RESET, change
from daemon.trace.operations import Operations, Part
from daemon.trace.subject import cpu_of
from daemon.trace.tracks import OPERATIONS, Event, Place, Track, Tracks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.trace.operations import Mark, Operation
    from machine.trace import TracePoint

TEXT, ITEMS, DEPTH = 2_000, 16, 3
"""Of an argument: characters of a text, elements of a list, lists in lists."""
STEP = 0.001
"""Microseconds from one event to the next at the same instant."""
FLOW = {Part.FIRST: "s", Part.STEP: "t", Part.LAST: "f"}


def bounded(value: object, depth: int = DEPTH) -> Any:
    """A field's value as JSON has it, cut where it is long."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [bounded(item, depth - 1) for item in value[:ITEMS]] if depth else "..."
    text = value.hex() if isinstance(value, bytes | bytearray) else str(value)
    return text if len(text) <= TEXT else f"{text[:TEXT]}..."


def _arguments(point: TracePoint) -> dict[str, Any]:
    """What is told of a point: itself, and its fields."""
    fields = {key: bounded(value) for key, value in point.fields.items()}
    return {"ns": point.time, "point": bounded(point.name), **fields}


def _leads_through(point: TracePoint, mark: Mark) -> bool:
    """Whether a flow goes through a slice: other CPUs run all the time, and for other reasons."""
    return point.name != "kvm_entry" or cpu_of(point) == mark.operation.cpu


def encoded(event: Event) -> str:
    """As a line of JSON."""
    return json.dumps(event, separators=(",", ":"))


class ChromeTrace:
    """Turns a stream of points into trace events."""

    def __init__(self) -> None:
        self._tracks = Tracks()
        self._operations = Operations()
        self._running: dict[int, Operation] = {}
        """Those that have an open slice, by number."""
        self._last = -1
        self._events: list[Event] = []

    def take(self, point: TracePoint) -> list[Event]:
        """The events of the next point."""
        self._last = max(self._last, point.time - 1)
        marks = self._operations.take(point)
        self._show(point, marks)
        self._show_state(point)
        self._show_operations(marks)
        return self._written()

    def close(self) -> list[Event]:
        """The ends of all slices that are open."""
        for _, track in self._tracks.all():
            while track.slices:
                self._end(track)
        return self._written()

    # Events

    def _begin(self, track: Track, name: str, **more: Any) -> None:
        track.slices.append(name)
        self._emit(track, "B", name, **more)

    def _end(self, track: Track, **more: Any) -> None:
        if track.slices:
            self._emit(track, "E", track.slices.pop(), **more)

    def _emit(self, track: Track, phase: str, name: str, **more: Any) -> None:
        self._last += 1
        self._events.append({"name": name, "ph": phase, **self._here(track), **more})

    def _here(self, track: Track) -> Event:
        return {"ts": self._last / 1000, "pid": track.pid, "tid": track.tid}

    def _written(self) -> list[Event]:
        events = self._tracks.news + self._events
        self._tracks.news, self._events = [], []
        return events

    # A point

    def _show(self, point: TracePoint, marks: Sequence[Mark]) -> None:
        track = self._tracks.at(Place(point.layer, cpu_of(point)))
        told = {"cat": point.layer, "args": _arguments(point)}
        if point.name in BEGINS:
            self._begin(track, BEGINS[point.name](point.fields), **told)
            self._flow(track, [mark for mark in marks if _leads_through(point, mark)])
        elif point.name in ENDS and track.slices:
            self._flow(track, [mark for mark in marks if mark.part is Part.LAST])
            self._end(track, **told)
        elif marks and of_point(point) is not None:
            self._emit(track, "X", point.name, dur=STEP, **told)
            self._flow(track, marks)
        else:
            self._emit(track, "i", bounded(point.name), s="t", **told)

    def _flow(self, track: Track, marks: Sequence[Mark]) -> None:
        """Lead the flows of operations through the slice that was opened last, or is open."""
        for operation, part in marks:
            if part in FLOW:
                tied = {"id": operation.number, "bp": "e", **self._here(track)}
                name, phase = operation.kind.value, FLOW[part]
                self._events.append({"name": name, "cat": OPERATIONS, "ph": phase, **tied})

    # What lasts

    def _show_state(self, point: TracePoint) -> None:
        changed = change(point)
        if changed is not None:
            self._set(*changed)
        elif point.name == RESET:
            for place, _ in list(self._tracks.all()):
                if place.layer == "guest" and place.lasting:
                    self._set(place, None)

    def _set(self, place: Place, state: str | None) -> None:
        """Show what something is from now on; None for nothing worth a slice."""
        track = self._tracks.at(place)
        if track.slices[-1:] == [state]:
            return
        self._end(track)
        if state is not None:
            self._begin(track, state)

    def _show_operations(self, marks: Sequence[Mark]) -> None:
        """Close the slices of operations that have ended, and open those of new ones."""
        for number, operation in list(self._running.items()):
            if operation.ended is not None:
                place = Place(OPERATIONS, operation.cpu)
                args = {"outcome": bounded(operation.outcome)}
                self._end(self._tracks.at(place), args=args)
                del self._running[number]
        for operation, _ in marks:
            is_new = operation.number not in self._running and operation.ended is None
            if is_new and operation.cpu is not None:
                self._running[operation.number] = operation
                place, args = Place(OPERATIONS, operation.cpu), {"operation": operation.number}
                self._begin(self._tracks.at(place), operation.title, args=args)
