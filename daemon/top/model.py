"""What is shown of a machine: each possible CPU in its state, and what can't be known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CpuState(Enum):
    """What has become of a possible CPU, in the order in which the legend has them."""

    ONLINE = "online"
    OFFLINE = "offline"
    PLUGGED = "plugged"
    PRESENT = "present"
    INSERTING = "inserting"
    REMOVING = "removing"
    TROUBLED = "troubled"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is shown.

    Attributes:
        letter: of one CPU in the map; no two states have the same, so that colour is not needed.
        style: its colour, as rich names them.
        meaning: what the legend says.
    """

    letter: str
    style: str
    meaning: str


LOOKS = {
    CpuState.ONLINE: Look("#", "bold green", "the guest uses it"),
    CpuState.OFFLINE: Look("o", "bold blue", "enabled in the guest, offline"),
    CpuState.PLUGGED: Look("p", "bold cyan", "plugged, the guest has not enabled it"),
    CpuState.PRESENT: Look("P", "green", "plugged, the guest's part is unknown"),
    CpuState.INSERTING: Look("+", "bold yellow", "the guest is to learn of its insertion"),
    CpuState.REMOVING: Look("-", "bold magenta", "the guest was asked to give it back"),
    CpuState.TROUBLED: Look("!", "bold white on red", "an error, or the guest reports a failure"),
    CpuState.ABSENT: Look(".", "bright_black", "no CPU here"),
}

UNITS = ("drawer", "book", "socket", "die", "cluster", "module", "core", "thread")
"""Levels of a topology, outermost first (QAPI: CpuInstanceProperties)."""

Place = tuple[tuple[str, int], ...]
"""Levels and ids, outermost first."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """One possible CPU, or a core of several that come and go together.

    Attributes:
        index: its number; -1 where it is not known.
        place: where it sits.
        node: its NUMA node.
        state: what has become of it.
        name: the device's id, or the end of its QOM path; empty where there is no CPU.
        report: the guest's last report, in words; empty where there was none.
        trouble: what is wrong with it, in words; empty where nothing is.
        vcpus: how many vCPUs it is.
    """

    index: int
    place: Place = ()
    node: int | None = None
    state: CpuState = CpuState.ABSENT
    name: str = ""
    report: str = ""
    trouble: str = ""
    vcpus: int = 1

    @property
    def shown(self) -> CpuState:
        """The state that the map has: trouble hides every other."""
        return CpuState.TROUBLED if self.trouble else self.state

    @property
    def settled(self) -> bool:
        """Whether nothing is going on, and nothing is wrong."""
        return self.shown not in UNSETTLED


UNSETTLED = frozenset({CpuState.INSERTING, CpuState.REMOVING, CpuState.TROUBLED})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A machine at one moment.

    Attributes:
        name: what it is called; empty where it has no name.
        version: whose it is, and of which version.
        status: its run state.
        cpus: every possible CPU that is known of, by its number.
        unknown: what this machine does not tell, a sentence each.
    """

    name: str = ""
    version: str = ""
    status: str = ""
    cpus: tuple[Cpu, ...] = ()
    unknown: tuple[str, ...] = ()


def place_of(props: dict[str, object]) -> Place:
    """Levels and ids from properties; levels that are not known go above the cores."""
    ids = {
        key.removesuffix("-id"): value
        for key, value in props.items()
        if key.endswith("-id") and key != "node-id" and isinstance(value, int)
    }
    known = [*UNITS[:-2], *(unit for unit in ids if unit not in UNITS), *UNITS[-2:]]
    return tuple((unit, ids[unit]) for unit in known if unit in ids)


def counts(cpus: Iterable[Cpu]) -> Counter[CpuState]:
    """How many CPUs are in each state."""
    found: Counter[CpuState] = Counter()
    for cpu in cpus:
        found[cpu.shown] += cpu.vcpus
    return found


def counted(cpus: Iterable[Cpu]) -> str:
    """The same in words: `4 online, 2 absent`."""
    found = counts(cpus)
    return ", ".join(f"{found[state]} {state.value}" for state in CpuState if found[state])
