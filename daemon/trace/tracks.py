"""The tracks of a trace: a process for each layer, with a thread or two for each CPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from daemon.trace.points import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterator

Event = dict[str, Any]
"""One trace event."""

OPERATIONS = "operations"
THREADS = 10_000
"""More than a process can have: the numbers of threads are unique over all processes."""


class Place(NamedTuple):
    """What a track is for.

    Attributes:
        layer: who reports.
        cpu: the CPU's number; None for what is about none.
        lasting: whether it shows what something is, rather than what is done.
    """

    layer: str
    cpu: int | None = None
    lasting: bool = False

    @property
    def name(self) -> str:
        """What the track is called."""
        of = LAYERS.get(self.layer, self.layer) if self.cpu is None else f"CPU {self.cpu}"
        return f"{of} state" if self.lasting else of

    @property
    def order(self) -> int:
        """Where it stands in its process, from 0 on."""
        return 2 * (0 if self.cpu is None else 1 + self.cpu) + self.lasting


@dataclass(slots=True)
class Track:
    """A thread of a process: its numbers, and the names of the slices that are open on it."""

    pid: int
    tid: int
    slices: list[str] = field(default_factory=list)


class Tracks:
    """All tracks, each made when it is first used; `news` are the events that name the new ones."""

    def __init__(self) -> None:
        self.news: list[Event] = []
        self._pids: dict[str, int] = {}
        self._tracks: dict[Place, Track] = {}
        for layer in (OPERATIONS, *LAYERS):
            self._pid(layer)

    def at(self, place: Place) -> Track:
        """The track of a place."""
        return self._tracks.get(place) or self._new(place)

    def all(self) -> Iterator[tuple[Place, Track]]:
        """Every track there is."""
        return iter(self._tracks.items())

    def _pid(self, layer: str) -> int:
        pid = self._pids.get(layer)
        if pid is None:
            pid = self._pids[layer] = len(self._pids) + 1
            self._name("process", pid, pid * THREADS, LAYERS.get(layer, layer), pid)
        return pid

    def _new(self, place: Place) -> Track:
        pid = self._pid(place.layer)
        track = self._tracks[place] = Track(pid, pid * THREADS + place.order)
        self._name("thread", pid, track.tid, place.name, place.order)
        return track

    def _name(self, what: str, pid: int, tid: int, name: str, order: int) -> None:
        at = {"ph": "M", "pid": pid, "tid": tid}
        self.news.append({"name": f"{what}_name", **at, "args": {"name": name}})
        self.news.append({"name": f"{what}_sort_index", **at, "args": {"sort_index": order}})
