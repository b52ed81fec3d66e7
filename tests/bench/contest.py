"""Beside QEMU: the same command line, the same requests, in turn, several rounds.

The host has other work, too, so one after the other is no comparison: each round asks all of them,
and what counts is the median of the rounds' ratios; their spread says what it is worth.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.peers import OURS, QEMU, Generator, first_reply, floor, reply_to, serving
from tests.bench.table import aligned, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.peers import Load

ROUNDS, STARTED = 5, 3
CLIENTS = 100
STATUS = '{"execute": "query-status"}'
WITH_ID = '{"execute": "query-status", "id": "libvirt-42"}'
FAST = '{"execute": "query-cpus-fast"}'
POSSIBLE = '{"execute": "query-hotpluggable-cpus"}'


@dataclass(frozen=True, slots=True)
class Contest:
    """What is asked of all of them.

    Attributes:
        what: what the row is called.
        ours: what armvirtd and the floor are asked.
        theirs: what QEMU is asked, which has no reply to some.
        cpus: how many are plugged.
        depth: requests in flight on each socket.
        clients: sockets.
        ms: how long a round takes for each.
    """

    what: str
    ours: str
    theirs: str
    cpus: int = 8
    depth: int = 1
    clients: int = 1
    ms: int = 150


CONTESTS = (
    Contest("query-status, one after the other", STATUS, STATUS),
    Contest("query-status, 64 in flight", STATUS, STATUS, depth=64),
    Contest("query-status with an id, 64 in flight", WITH_ID, WITH_ID, depth=64),
    Contest(f"query-status, {CLIENTS} clients at once", STATUS, STATUS, clients=CLIENTS),
    Contest("query-cpus-fast, 64 CPUs", FAST, FAST, cpus=64),
    Contest("query-hotpluggable-cpus (QEMU: -fast), 64", POSSIBLE, FAST, cpus=64),
    Contest("query-cpus-fast, 512 CPUs", FAST, FAST, cpus=512, ms=200),
    Contest("query-hotpluggable-cpus (QEMU: -fast), 512", POSSIBLE, FAST, cpus=512, ms=200),
)
STARTS = (8, 64, 512)
COLUMNS = ("", "unit", "QEMU", "armvirtd", "ratio", "rounds", "bare echo", "ratio")


@dataclass(slots=True)
class Samples:
    """One number of each competitor, a row for each round."""

    what: str
    unit: str
    of: dict[str, list[float]] = field(default_factory=dict)

    def add(self, who: str, value: float) -> None:
        self.of.setdefault(who, []).append(value)

    def cells(self) -> tuple[str, ...]:
        """Medians, and the ratios of ours to the others' with their spread."""
        return (
            self.what,
            self.unit,
            self._middle("qemu"),
            self._middle("ours"),
            self._ratio("qemu"),
            self._spread("qemu"),
            self._middle("floor"),
            self._ratio("floor"),
        )

    def _middle(self, who: str) -> str:
        return number(median(self.of[who])) if who in self.of else ""

    def _ratios(self, who: str) -> list[float]:
        return [a / b for a, b in zip(self.of["ours"], self.of.get(who, []), strict=False)]

    def _ratio(self, who: str) -> str:
        ratios = self._ratios(who)
        return f"{number(median(ratios))}" if ratios else ""

    def _spread(self, who: str) -> str:
        ratios = self._ratios(who)
        return f"{number(min(ratios))}..{number(max(ratios))}" if ratios else ""


def report() -> str:
    """The table, or what is missing for it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        generator = Generator.build(Path(folder))
        if generator is None:
            return "There is no C compiler (cc) here: nothing under load is measured."
        peers: dict[str, Sequence[str]] = {"ours": OURS}
        if shutil.which(QEMU):
            peers = {"qemu": (QEMU,), **peers}
        arena = Arena(generator, peers, folder)
        samples: list[Samples] = []
        for _, contests in groupby(CONTESTS, key=lambda contest: (contest.cpus, contest.clients)):
            samples += arena.together(list(contests))
        samples += [arena.starts(cpus) for cpus in STARTS]
    missing = "" if "qemu" in peers else f"There is no {QEMU} here to compare with.\n\n"
    return missing + aligned([COLUMNS, *(row.cells() for row in samples)], left=2)


@dataclass(frozen=True, slots=True)
class Arena:
    """Where contests are held: with what, and between whom."""

    load: Generator
    peers: Mapping[str, Sequence[str]]
    folder: str

    def together(self, contests: Sequence[Contest]) -> list[Samples]:
        """Hold the contests of one size of machine."""
        rows: list[Samples] = []
        cpus, clients = contests[0].cpus, contests[0].clients
        with ExitStack() as stack, tempfile.TemporaryDirectory(dir=self.folder) as inner:
            sockets = {
                who: [Path(inner, f"{who}{n}") for n in range(clients)] for who in self.peers
            }
            for who, program in self.peers.items():
                stack.enter_context(serving(program, cpus, sockets[who]))
            for contest in contests:
                rows += self.held(contest, sockets)
        return rows

    def held(self, contest: Contest, sockets: Mapping[str, list[Path]]) -> list[Samples]:
        """Hold one contest."""
        sys.stderr.write(f"  measuring: {contest.what} ...\n")
        rows = [Samples(contest.what, "1/s"), Samples("  p50", "us"), Samples("  p99", "us")]
        bare = sockets["ours"][0].with_name("floor")
        with floor(bare, reply_to(sockets["ours"][0], contest.ours)):
            for _ in range(ROUNDS):
                for who, paths in {**sockets, "floor": [bare] * contest.clients}.items():
                    request = contest.theirs if who == "qemu" else contest.ours
                    note(rows, who, self.load(paths, contest.depth, contest.ms, request))
        bare.unlink()
        return rows

    def starts(self, cpus: int) -> Samples:
        """From the start of a process to its first reply."""
        row = Samples(f"start to first reply, {cpus} CPUs", "ms")
        for _ in range(STARTED):
            for who, program in self.peers.items():
                row.add(who, first_reply(program, cpus, Path(self.folder, "s")))
        return row


def note(rows: Sequence[Samples], who: str, seen: Load) -> None:
    for row, value in zip(rows, (seen.rate, seen.p50, seen.p99), strict=True):
        row.add(who, value)
