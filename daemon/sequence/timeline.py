"""A trace as a picture, as Perfetto's UI shows it: tracks, slices, and the arrows of a flow.

It is drawn from the trace events themselves. Between two instants of virtual time the axis jumps: a
wait is cut short, and what happens at one instant stands side by side.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from daemon.sequence.story import spell
from daemon.trace.tracks import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from daemon.trace.tracks import Event

LEFT, TOP, ROW, BAND, STEP, JUMP = 136, 74, 17, 20, 13, 46
"""Pixels: names, head, a row of slices, a process's name, one event to the next, a wait."""
CHARACTER = 5.9
AFTERWARDS = 0.008
"""Microseconds of a trace that are shown behind the end of the flow."""
PALETTE = (
    "#5f6368",
    "#b3541e",
    "#1a73e8",
    "#8a2be2",
    "#b06000",
    "#0b7285",
    "#188038",
    "#a50e0e",
    "#2b7a0b",
)
_STYLE = """
text { font: 10.5px system-ui, "DejaVu Sans", sans-serif; fill: #202124; }
.title { font-size: 17px; font-weight: 600; }
.process { font-weight: 600; }
.thread { fill: #5f6368; text-anchor: end; }
.time { fill: #80868b; }
.slice { fill: #fff; }
.grid { stroke: #dadce0; stroke-dasharray: 2 3; }
.flow { fill: none; stroke: #d93025; stroke-width: 1.1; opacity: 0.75; }
.tip { fill: #d93025; opacity: 0.85; }
"""


@dataclass(slots=True)
class Slice:
    """Something that lasts, on a track; times are those of the trace, in microseconds."""

    name: str
    depth: int
    start: float
    end: float


@dataclass(slots=True)
class Row:
    """A track: what it is called, its slices, and where it is drawn."""

    process: str
    name: str
    slices: list[Slice] = field(default_factory=list)
    open: list[Slice] = field(default_factory=list)
    y: int = 0

    @property
    def deep(self) -> int:
        """How many slices lie in each other."""
        return max((each.depth for each in self.slices), default=0) + 1


@dataclass(slots=True)
class Chart:
    """What a stream of trace events shows of one operation."""

    rows: dict[tuple[int, int], Row] = field(default_factory=dict)
    flow: list[Event] = field(default_factory=list)
    instants: dict[int, float] = field(default_factory=dict)
    """The first event at each instant of virtual time (ns)."""


def chart(events: Iterable[Event], number: int) -> Chart:
    """Read trace events; only the flow of one operation is kept, by its number."""
    found, processes, end = Chart(), dict[int, str](), 0.0
    for event in events:
        pid, tid, phase = event["pid"], event["tid"], event["ph"]
        if phase == "M":
            _name(found, processes, event)
            continue
        end = event["ts"]
        if event.get("cat") == OPERATIONS and "id" in event:
            found.flow += [event] if event["id"] == number else []
        elif phase in _SHOWN:
            _SHOWN[phase](found.rows[pid, tid], event)
        if "ns" in event.get("args", {}):
            found.instants.setdefault(event["args"]["ns"], end)
    for row in found.rows.values():
        for each in row.open:
            each.end = end
    return found


def _name(found: Chart, processes: dict[int, str], event: Event) -> None:
    if event["name"] == "process_name":
        processes[event["pid"]] = event["args"]["name"]
    elif event["name"] == "thread_name":
        at = event["pid"], event["tid"]
        found.rows[at] = Row(processes[event["pid"]], event["args"]["name"])


def _begin(row: Row, event: Event) -> None:
    new = Slice(event["name"], len(row.open), event["ts"], event["ts"])
    row.open.append(new)
    row.slices.append(new)


def _end(row: Row, event: Event) -> None:
    row.open.pop().end = event["ts"]


def _complete(row: Row, event: Event) -> None:
    start = event["ts"]
    row.slices.append(Slice(event["name"], len(row.open), start, start + event["dur"]))


_SHOWN = {"B": _begin, "E": _end, "X": _complete}


class Axis:
    """Where times lie: a step for each that something begins or ends at, a jump over a wait."""

    def __init__(self, times: Iterable[float], instants: Iterable[float]) -> None:
        waits = set(instants)
        self._times = sorted(set(times))
        self._places: list[float] = []
        x = float(LEFT)
        for n, time in enumerate(self._times):
            x += (JUMP if time in waits else STEP) if n else 0
            self._places.append(x)
        self.end = x + JUMP

    def __call__(self, time: float) -> float:
        """Its place, in pixels; the end of time is the end of the picture."""
        if time > self._times[-1]:
            return self.end
        n = bisect_right(self._times, time) - 1
        return self._places[n] if n >= 0 else LEFT


def draw(title: str, events: Iterable[Event], number: int) -> str:
    """Draw the time of one operation, by its number."""
    found = chart(events, number)
    start, end = found.flow[0]["ts"], found.flow[-1]["ts"] + AFTERWARDS
    rows = [row for _, row in sorted(found.rows.items())]
    for row in rows:
        row.slices = [each for each in row.slices if each.start <= end and each.end >= start]
    rows = [row for row in rows if row.slices]
    edges = (time for row in rows for each in row.slices for time in (each.start, each.end))
    instants = {ns: time for ns, time in found.instants.items() if start <= time <= end}
    times = (*edges, *instants.values())
    axis = Axis((time for time in times if start <= time <= end), instants.values())
    height = _lay_out(rows)
    return "\n".join([*_head(title, axis.end + 20, height), *_body(found, rows, axis, height)])


def _lay_out(rows: Sequence[Row]) -> int:
    """Give each row its place; gives the height of all."""
    y, process = TOP, ""
    for row in rows:
        y += BAND if row.process != process else 4
        process, row.y = row.process, y
        y += ROW * row.deep
    return y + 16


def _head(title: str, width: float, height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" '
        f'width="{width:g}" height="{height}" role="img" aria-label="{escape(title)}">'
    )
    yield f"<style>{_STYLE}</style>"
    yield f'<rect width="{width:g}" height="{height}" fill="#fff"/>'
    yield f'<text class="title" x="16" y="28">{escape(title)}</text>'


def _body(found: Chart, rows: Sequence[Row], axis: Axis, height: int) -> Iterator[str]:
    yield from _grid(found, axis, height)
    processes = list(dict.fromkeys(row.process for row in rows))
    for row in rows:
        colour = PALETTE[processes.index(row.process) % len(PALETTE)]
        yield from _row(row, axis, colour)
    for process in processes:
        y = min(row.y for row in rows if row.process == process)
        yield f'<text class="process" x="16" y="{y - 5}">{escape(process)}</text>'
    yield from _flow(found, axis)
    yield "</svg>\n"


def _grid(found: Chart, axis: Axis, height: int) -> Iterator[str]:
    start, end = found.flow[0]["ts"], found.flow[-1]["ts"]
    zero = max(ns for ns, time in found.instants.items() if time <= start)
    said = ""
    for ns, time in found.instants.items():
        if ns != zero and not start <= time <= end:
            continue
        x, label = axis(time) - 4, f"+{spell(ns - zero)}"
        yield f'<line class="grid" x1="{x:g}" y1="{TOP - 16}" x2="{x:g}" y2="{height - 8}"/>'
        if label != said:
            yield f'<text class="time" x="{x + 3:g}" y="{TOP - 8}">{label}</text>'
        said = label


def _row(row: Row, axis: Axis, colour: str) -> Iterator[str]:
    yield f'<text class="thread" x="{LEFT - 8}" y="{row.y + 12}">{escape(row.name)}</text>'
    for each in row.slices:
        x = axis(each.start)
        width = max(axis(each.end) - x, STEP - 2)
        y = row.y + ROW * each.depth
        yield (
            f'<rect x="{x:g}" y="{y}" width="{width:g}" height="{ROW - 2}" rx="2" fill="{colour}" '
            f'opacity="{1 - 0.13 * each.depth:g}"><title>{escape(each.name)}</title></rect>'
        )
        room = len(each.name) * CHARACTER + 6
        if width > room:
            yield f'<text class="slice" x="{x + 4:g}" y="{y + 11}">{escape(each.name)}</text>'
        elif axis(_next(row, each)) - x - width > room:
            yield f'<text x="{x + width + 4:g}" y="{y + 11}">{escape(each.name)}</text>'


def _next(row: Row, after: Slice) -> float:
    """When the next slice begins that would cover what is written behind one."""
    others = (each for each in row.slices if each.depth <= after.depth)
    later = (each.start for each in others if each.start > after.start)
    return min(later, default=float("inf"))


def _flow(found: Chart, axis: Axis) -> Iterator[str]:
    places = [_place(found, axis, event) for event in found.flow]
    for (x, y), (to_x, to_y) in pairwise(places):
        bend = (x + to_x) / 2
        curve = f"C{bend:g} {y:g} {bend:g} {to_y:g} {to_x:g} {to_y:g}"
        yield f'<path class="flow" d="M{x:g} {y:g} {curve}"/>'
        yield f'<path class="tip" d="M{to_x:g} {to_y:g} l-5 -3 v6 z"/>'


def _place(found: Chart, axis: Axis, event: dict[str, Any]) -> tuple[float, float]:
    """Where a flow meets its slice: the innermost one that is there."""
    row, time = found.rows[event["pid"], event["tid"]], event["ts"]
    depth = max((each.depth for each in row.slices if each.start <= time <= each.end), default=0)
    return axis(time), row.y + ROW * depth + (ROW - 2) / 2
