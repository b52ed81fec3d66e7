"""A machine as a plain table, for what is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.top.layout import ids, units_of
from daemon.top.model import counted

if TYPE_CHECKING:
    from daemon.top.model import Cpu, Snapshot

NOTHING = "-"


def plain(snapshot: Snapshot) -> list[str]:
    """All of it: what machine it is, a line for each CPU, and what is not known."""
    about = (snapshot.name, snapshot.status, snapshot.version)
    return [
        "  ".join(filter(None, about)),
        counted(snapshot.cpus) or "no CPU is known",
        *(f"not known: {text}" for text in snapshot.unknown),
        *(["", *_aligned(_rows(snapshot))] if snapshot.cpus else []),
    ]


def _rows(snapshot: Snapshot) -> list[tuple[str, ...]]:
    units = units_of(snapshot.cpus)
    head = ("CPU", *units, "node", "state", "device", "last report, or trouble")
    return [head, *(_cells(cpu, units) for cpu in snapshot.cpus)]


def _cells(cpu: Cpu, units: list[str]) -> tuple[str, ...]:
    numbers = (cpu.index, *ids(cpu, units), -1 if cpu.node is None else cpu.node)
    state = cpu.state.value + ("!" if cpu.trouble else "")
    return (
        *(str(number) if number >= 0 else NOTHING for number in numbers),
        state,
        cpu.name or NOTHING,
        cpu.trouble or cpu.report or NOTHING,
    )


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
