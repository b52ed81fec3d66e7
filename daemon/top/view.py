"""A machine as lines of coloured text: so many, and so wide, as a terminal has room for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from daemon.top.layout import GAP, by_node, lines
from daemon.top.model import LOOKS, CpuState, counted, counts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from daemon.top.happenings import Happening
    from daemon.top.layout import Line, Row
    from daemon.top.model import Cpu, Snapshot

TITLE = "armvirtd top"
KEYS = "q: end"
HEADING, FAINT = "bold", "bright_black"
STATUS_STYLES = {"running": "green", "internal-error": "red", "guest-panicked": "red"}
OTHER_STATUS = "yellow"

MOST_NODES, MOST_UNSETTLED, FEWEST_EVENTS = 3, 4, 3
"""Lines at most, or at least, for each of them."""

UNTOLD = frozenset(
    {CpuState.ONLINE, CpuState.OFFLINE, CpuState.PLUGGED, CpuState.INSERTING},
)
"""States that a machine without `x-query-vcpus` does not tell."""


def screen(
    snapshot: Snapshot, happened: Collection[Happening], width: int, height: int
) -> list[Text]:
    """All of it, in no more than `height` lines of no more than `width` columns."""
    above = [*header(snapshot, width), Text()]
    below = [*legend(snapshot, width), *nodes(snapshot, width), *unsettled(snapshot.cpus)]
    below += [Text(f"Not known: {text}", style=FAINT) for text in snapshot.unknown]
    taken = len(above) + 1 + len(below) + 2 + min(len(happened), FEWEST_EVENTS)
    drawn = [
        *above,
        *the_map(snapshot.cpus, width, max(height - taken, 1)),
        Text(),
        *below,
    ]
    drawn += events(happened, height - len(drawn))
    for line in drawn:
        line.truncate(width, overflow="ellipsis")
    return drawn[:height]


def header(snapshot: Snapshot, width: int) -> list[Text]:
    """What is shown, and of which machine."""
    style = STATUS_STYLES.get(snapshot.status, OTHER_STATUS)
    parts = [
        Text(TITLE, style=HEADING),
        Text(snapshot.name),
        Text(snapshot.status, style=style),
        Text(snapshot.version, style=FAINT),
        Text(KEYS, style=FAINT),
    ]
    return flow((part for part in parts if part), width)


def legend(snapshot: Snapshot, width: int) -> list[Text]:
    """Every state that this machine can show, and how many CPUs are in it."""
    found = counts(snapshot.cpus)
    hidden = UNTOLD if snapshot.unknown else {CpuState.PRESENT}
    shown = [state for state in CpuState if found[state] or state not in hidden]
    return flow((_entry(state, found[state]) for state in shown), width)


def _entry(state: CpuState, count: int) -> Text:
    look = LOOKS[state]
    return Text.assemble((look.letter, look.style), f" {count} ", state.value)


def nodes(snapshot: Snapshot, width: int) -> list[Text]:
    """How many CPUs of each NUMA node are in which state."""
    texts = (Text(f"node {n}: {counted(cpus)}") for n, cpus in by_node(snapshot.cpus).items())
    return _at_most(flow(texts, width), MOST_NODES, "nodes")


def unsettled(cpus: Iterable[Cpu]) -> list[Text]:
    """A line for each CPU that is to come, is to go, or has trouble."""
    moving = [cpu for cpu in cpus if not cpu.settled]
    return _at_most([_one(cpu) for cpu in moving], MOST_UNSETTLED, "CPUs")


def _one(cpu: Cpu) -> Text:
    trouble = f", {cpu.trouble}" if cpu.trouble else ""
    told = f" {cpu.name}: {cpu.state.value}{trouble}"
    return Text.assemble((f"CPU {cpu.index}", LOOKS[cpu.shown].style), told)


def _at_most(texts: list[Text], most: int, kind: str) -> list[Text]:
    if len(texts) <= most:
        return texts
    return [*texts[: most - 1], Text(f"and {len(texts) - most + 1} lines of {kind} more")]


def events(happened: Collection[Happening], height: int) -> list[Text]:
    """The last events, the newest at the bottom, under a heading."""
    room = height - 2
    if room < 1 or not happened:
        return []
    last = [*happened][-room:]
    widest = max(len(one.time) for one in last)
    return [
        Text(),
        Text("Events", style=HEADING),
        *(
            Text.assemble((one.time.rjust(widest), FAINT), " ", one.name, " ", one.text)
            for one in last
        ),
    ]


def the_map(cpus: Sequence[Cpu], width: int, height: int) -> list[Text]:
    """Every CPU at its place."""
    if not cpus:
        return [Text("no CPU is known", style=FAINT)]
    return [_line(line) for line in lines(cpus, width, height)]


def _line(line: Line) -> Text:
    widest = max(row.width for row in line)
    drawn = Text(no_wrap=True)
    for row in line:
        start = len(drawn)
        drawn.append(row.head, style=FAINT)
        _append_cpus(drawn, row)
        if row is not line[-1]:
            drawn.append(" " * (start + widest - len(drawn)) + GAP)
    return drawn


def _append_cpus(drawn: Text, row: Row) -> None:
    if row.summary:
        drawn.append(row.summary)
        return
    for number, pack in enumerate(row.packs):
        drawn.append(" " if number else "")
        for state, same in groupby(pack, key=lambda cpu: cpu.shown):
            drawn.append(LOOKS[state].letter * len([*same]), style=LOOKS[state].style)


def flow(texts: Iterable[Text], width: int) -> list[Text]:
    """Texts one after the other, in as many lines as it takes."""
    flowing: list[Text] = []
    for text in texts:
        if flowing and len(flowing[-1]) + len(GAP) + len(text) <= width:
            flowing[-1].append(GAP).append_text(text)
        else:
            flowing.append(text.copy())
    return flowing
