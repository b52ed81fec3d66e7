"""Where each CPU goes in the map: groups of the topology to rows, as many as there is room for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from daemon.top.model import UNITS, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from daemon.top.model import Cpu

BLOCK = 8
"""Cores without threads stand together so many at a time."""
GAP = "  "
SHORT = 2
"""Letters of a level where there is little room."""

Pack = tuple["Cpu", ...]
"""CPUs that stand close together: the threads of a core, or a block of cores."""


@dataclass(frozen=True, slots=True)
class Row:
    """CPUs of one group, or of several that all look the same.

    Attributes:
        label: which group; empty if there is only one.
        index: the number of its first CPU, as text.
        packs: its CPUs.
        summary: what stands in their place; empty if they are shown.
    """

    label: str
    index: str
    packs: tuple[Pack, ...]
    summary: str = ""

    @property
    def cpus(self) -> tuple[Cpu, ...]:
        """All its CPUs."""
        return tuple(cpu for pack in self.packs for cpu in pack)

    @property
    def head(self) -> str:
        """What stands before the CPUs."""
        return f"{self.label}{GAP}{self.index} " if self.label else f"{self.index} "

    @property
    def width(self) -> int:
        """Columns that it takes."""
        shown = len(self.summary) or sum(map(len, self.packs)) + len(self.packs) - 1
        return len(self.head) + shown


Line = tuple[Row, ...]
"""Rows beside each other."""


def lines(cpus: Sequence[Cpu], width: int, height: int) -> list[Line]:
    """The map: all CPUs if there is room, or what is of interest, and the rest in numbers."""
    rows = _rows(cpus, width)
    one_each: list[Line] = [(row,) for row in rows]
    beside = _beside(rows, width)
    folded: list[Line] = [(row,) for row in _folded(rows)]
    fitting = (tried for tried in (one_each, beside, folded) if len(tried) <= height)
    return next(fitting, None) or _cut(beside, max(height, 1))


# From CPUs to rows.


def _rows(cpus: Sequence[Cpu], width: int) -> list[Row]:
    outer, inner = _levels(cpus)
    groups = [tuple(group) for _, group in groupby(cpus, key=lambda cpu: ids(cpu, outer))]
    labels = _labels(groups, outer, width)
    digits = max((len(_number(cpu)) for cpu in cpus), default=1)
    return [
        row
        for label, group in zip(labels, groups, strict=True)
        for row in _wrapped(label, digits, _packs(group, inner), width)
    ]


def ids(cpu: Cpu, units: Iterable[str]) -> tuple[int, ...]:
    """Where a CPU sits, on these levels; -1 where it has none."""
    place = dict(cpu.place)
    return tuple(place.get(unit, -1) for unit in units)


def units_of(cpus: Iterable[Cpu]) -> list[str]:
    """The levels that there are, outermost first, as the first CPU that has them has them."""
    found = dict.fromkeys(unit for cpu in cpus for unit, _ in cpu.place)
    return sorted(found, key=lambda unit: UNITS.index(unit) if unit in UNITS else len(UNITS) - 2.5)


def _levels(cpus: Sequence[Cpu]) -> tuple[list[str], str | None]:
    """The levels by which CPUs are grouped, and the one whose members stand in packs, if any."""
    varied = [unit for unit in units_of(cpus) if len({ids(cpu, [unit]) for cpu in cpus}) > 1]
    if varied[1:] and varied[-1] == UNITS[-1]:
        return varied[:-2], varied[-2]
    return varied[:-1], None


def _labels(groups: Sequence[Pack], units: Sequence[str], width: int) -> list[str]:
    """A label for each group, all of one width; short where they would take a third of it."""
    for cut in (None, SHORT):
        gap = " " if cut is None else ""
        labels = [
            " ".join(
                f"{unit[:cut]}{gap}{number}"
                for unit, number in zip(units, ids(group[0], units), strict=True)
            )
            for group in groups
        ]
        widest = max(map(len, labels), default=0)
        if 3 * widest <= width:
            break
    return [label.ljust(widest) for label in labels]


def _number(cpu: Cpu) -> str:
    return str(cpu.index) if cpu.index >= 0 else "-"


def _packs(group: Pack, inner: str | None) -> list[Pack]:
    if inner is None:
        return [group[at : at + BLOCK] for at in range(0, len(group), BLOCK)]
    return [tuple(pack) for _, pack in groupby(group, key=lambda cpu: ids(cpu, [inner]))]


def _wrapped(label: str, digits: int, packs: list[Pack], width: int) -> Iterator[Row]:
    """The rows of a group; a pack that is wider than a row is broken."""
    room = max(width - len(Row(label, " " * digits, ()).head), 1)
    pieces = [pack[at : at + room] for pack in packs for at in range(0, len(pack), room)]
    row: list[Pack] = []
    used = 0
    for piece in pieces:
        if row and used + 1 + len(piece) > room:
            yield _row(label, digits, row)
            row, used = [], 0
        used += len(piece) + bool(row)
        row.append(piece)
    yield _row(label, digits, row)


def _row(label: str, digits: int, packs: list[Pack]) -> Row:
    return Row(label, _number(packs[0][0]).rjust(digits), tuple(packs))


# From rows to what there is room for.


def _beside(rows: Sequence[Row], width: int) -> list[Line]:
    """As many rows beside each other as fit, all of one width."""
    widest = max((row.width for row in rows), default=1)
    many = max((width + len(GAP)) // (widest + len(GAP)), 1)
    return [tuple(rows[at : at + many]) for at in range(0, len(rows), many)]


def _folded(rows: Sequence[Row]) -> list[Row]:
    """Rows that follow each other and hold nothing but CPUs in one state, as one."""
    return [
        row
        for kind, same in groupby(rows, key=_only_state)
        for row in (_fold(list(same)) if kind is not None else same)
    ]


def _only_state(row: Row) -> object:
    states = {cpu.shown for cpu in row.cpus}
    return states.pop() if len(states) == 1 else None


def _fold(rows: list[Row]) -> list[Row]:
    if not rows[1:]:
        return rows
    packs = tuple(pack for row in rows for pack in row.packs)
    first, last = rows[0], rows[-1].cpus[-1]
    return [Row(first.label, first.index, packs, f"to {_number(last)}: {_told(rows)}")]


def _cut(shown: list[Line], height: int) -> list[Line]:
    """The first lines, and the rest in numbers."""
    rest = [row for line in shown[height - 1 :] for row in line]
    packs = tuple(pack for row in rest for pack in row.packs)
    first = rest[0]
    return [*shown[: height - 1], (Row(first.label, first.index, packs, f"on: {_told(rest)}"),)]


def _told(rows: Iterable[Row]) -> str:
    return counted(cpu for row in rows for cpu in row.cpus)


def by_node(cpus: Iterable[Cpu]) -> dict[int, list[Cpu]]:
    """The CPUs of each NUMA node, if there are any."""
    nodes: defaultdict[int, list[Cpu]] = defaultdict(list)
    for cpu in cpus:
        if cpu.node is not None:
            nodes[cpu.node].append(cpu)
    return dict(sorted(nodes.items()))
