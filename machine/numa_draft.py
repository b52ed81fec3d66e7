"""NUMA as it is asked for, piece by piece, until the machine is created (QEMU: hw/core/numa.c).

`-numa` and `set-numa-node` say one thing at a time: a node, the place of some CPUs, a distance.
Each is checked when it is said, and refused as a whole; what they mean together is decided, and
completed, when the machine is created. Texts and the order of checks are QEMU's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.memory_backend import backend_id
from machine.numa import LOCAL_DISTANCE, MAX_NODES, Numa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from machine.topology import CpuLocation, Topology

PLACE = ("thread-id", "core-id", "module-id", "cluster-id", "die-id", "socket-id")
"""What may narrow down which CPUs are meant, in the order in which the board looks at it."""
OTHER_PLACE = ("book-id", "drawer-id")
"""What QEMU would ignore: machines have that which have not what is asked about here."""
SUPPORTED_PLACE = frozenset({"thread-id", "core-id", "cluster-id", "socket-id"})


@dataclass(frozen=True, slots=True)
class NumaNode:
    """`-numa node`: a node, its CPUs and its memory.

    Attributes:
        nodeid: its number; by default one more than there are.
        cpus: numbers of possible CPUs.
        mem: bytes of memory, as `mem=` gives it, which no such machine takes.
        memdev: the memory backend's id, or its path.
        initiator: as HMAT has it, which is not modelled.
    """

    nodeid: int | None = None
    cpus: tuple[int, ...] = ()
    mem: int | None = None
    memdev: str | None = None
    initiator: int | None = None


@dataclass(frozen=True, slots=True)
class NumaCpu:
    """`-numa cpu`: the CPUs at a place go into a node.

    Attributes:
        node_id: the node.
        place: `socket-id` and the like; CPUs that agree with all of it are meant.
    """

    node_id: int | None
    place: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NumaDistance:
    """`-numa dist`: how far it is from one node to another (10 is local, 255 unreachable)."""

    src: int
    dst: int
    val: int


@dataclass(frozen=True, slots=True)
class NumaHmat:
    """`-numa hmat-lb` and `hmat-cache`: what the HMAT would tell, if there were one."""


NumaOption = NumaNode | NumaCpu | NumaDistance | NumaHmat

HMAT_DISABLED = (
    "ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine hmat=on "
    "before using any of hmat specific options"
)


@dataclass(frozen=True, slots=True)
class _Node:
    """A node's memory."""

    size: int = 0
    backend: str = ""


class NumaDraft:
    """What has been said of the nodes of one machine.

    Attributes:
        cpus: the node of each possible CPU of which it was said, by the CPU's number.
        changes: counts what was said: while it is equal, nothing has changed.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._nodes: dict[int, _Node] = {}
        self._distances: dict[tuple[int, int], int] = {}
        self.cpus: dict[int, int] = {}
        self.changes = 0

    @property
    def backends(self) -> list[str]:
        """The memory backends that nodes are to have."""
        return [node.backend for node in self._nodes.values() if node.backend]

    def apply(self, option: NumaOption, backends: Mapping[str, int]) -> None:
        """Take one thing that is said.

        Args:
            option: what it is.
            backends: the memory backends that there are: ids, and sizes in bytes.

        Raises:
            MachineError: with QEMU's text; nothing is taken then.
        """
        match option:
            case NumaNode():
                self._add_node(option, backends)
            case NumaCpu():
                self._add_cpus(option)
            case NumaDistance():
                self._add_distance(option)
            case NumaHmat():
                raise MachineError(HMAT_DISABLED)
        self.changes += 1

    # Nodes

    def _add_node(self, option: NumaNode, backends: Mapping[str, int]) -> None:
        nodeid = len(self._nodes) if option.nodeid is None else option.nodeid
        if nodeid >= MAX_NODES:
            raise MachineError(f"Max number of NUMA nodes reached: {nodeid}")
        if nodeid in self._nodes:
            raise MachineError(f"Duplicate NUMA nodeid: {nodeid}")
        if option.initiator is not None:
            raise MachineError(HMAT_DISABLED)
        for index in option.cpus:
            self._check_index(index, nodeid)
        memory = self._memory(option, backends)
        self._nodes[nodeid] = memory
        self.cpus |= dict.fromkeys(option.cpus, nodeid)

    def _check_index(self, index: int, nodeid: int) -> None:
        most = self._topology.max_cpus
        if index >= most:
            raise MachineError(f"CPU index ({index}) should be smaller than maxcpus ({most})")
        self._check_free(index, nodeid)

    def _check_free(self, index: int, nodeid: int) -> None:
        assigned = self.cpus.get(index, nodeid)
        if assigned != nodeid:
            raise MachineError(f"CPU is already assigned to node-id: {assigned}")

    def _memory(self, option: NumaNode, backends: Mapping[str, int]) -> _Node:
        if option.mem is not None and (option.memdev is not None or self.backends):
            raise MachineError(
                "numa configuration should use either mem= or memdev=,mixing both is not allowed"
            )
        if option.mem is not None:
            raise MachineError("Parameter -numa node,mem is not supported by this machine type")
        if option.memdev is None:
            return _Node()
        backend = backend_id(option.memdev)
        if backend not in backends:
            raise MachineError(f"memdev={option.memdev} is ambiguous")
        return _Node(backends[backend], backend)

    # CPUs

    def _add_cpus(self, option: NumaCpu) -> None:
        if option.node_id is None:
            raise MachineError("Missing mandatory node-id property")
        if option.node_id not in self._nodes:
            raise MachineError(
                f"Invalid node-id={option.node_id}, NUMA node must be defined with "
                "-numa node,nodeid=ID before it's used with -numa cpu,node-id=ID"
            )
        place = dict(option.place)
        for name in (*PLACE, *OTHER_PLACE):
            if name in place and name not in SUPPORTED_PLACE:
                raise MachineError(f"{name} is not supported")
        meant = list(self._at(place))
        if not meant:
            raise MachineError("no match found")
        for index in meant:
            self._check_free(index, option.node_id)
        self.cpus |= dict.fromkeys(meant, option.node_id)

    def _at(self, place: Mapping[str, int]) -> Iterator[int]:
        """The possible CPUs at a place."""
        for index in range(self._topology.max_cpus):
            at = self._topology.location(index)
            if all(_level(at, name) == value for name, value in place.items()):
                yield index

    # Distances

    def _add_distance(self, option: NumaDistance) -> None:
        for name, node in (("src", option.src), ("dst", option.dst)):
            if node >= MAX_NODES:
                raise MachineError(
                    f"Parameter '{name}' expects an integer between 0 and {MAX_NODES - 1}"
                )
        if option.src not in self._nodes or option.dst not in self._nodes:
            raise MachineError(
                "Source/Destination NUMA node is missing. "
                "Please use '-numa node' option to declare it first."
            )
        if option.val < LOCAL_DISTANCE:
            raise MachineError(
                f"NUMA distance ({option.val}) is invalid, "
                f"it shouldn't be less than {LOCAL_DISTANCE}."
            )
        if option.src == option.dst and option.val != LOCAL_DISTANCE:
            raise MachineError(f"Local distance of node {option.src} should be {LOCAL_DISTANCE}.")
        self._distances[option.src, option.dst] = option.val

    # All of it together

    def complete(self, ram_size: int, memory_backend: str | None = None) -> Numa | None:
        """Decide what all of it means together; None if there are no nodes.

        Args:
            ram_size: bytes of RAM.
            memory_backend: what `-machine memory-backend=` says.

        Raises:
            MachineError: with QEMU's text, where it does not fit together.
        """
        if not self._nodes:
            return None
        self._check_numbers()
        nodes = [self._nodes[n] for n in range(len(self._nodes))]
        self._check_memory(nodes, ram_size, memory_backend)
        assigned = self.cpus
        unassigned = [n for n in range(self._topology.max_cpus) if n not in assigned]
        return Numa(
            memory=tuple(node.size for node in nodes),
            cpus=tuple(self._node_of(n) for n in range(self._topology.max_cpus)),
            distances=tuple(self._all_distances()),
            backends=tuple(node.backend for node in nodes),
            unassigned=tuple(unassigned) if assigned else (),
        )

    def _check_numbers(self) -> None:
        """Numbers have no gaps; the highest that is missing is told."""
        for n in range(max(self._nodes), -1, -1):
            if n not in self._nodes:
                raise MachineError(f"numa: Node ID missing: {n}")

    def _check_memory(self, nodes: list[_Node], ram_size: int, memory_backend: str | None) -> None:
        total = sum(node.size for node in nodes)
        if total != ram_size:
            raise MachineError(
                f"total memory for NUMA nodes ({total:#x}) should equal RAM size ({ram_size:#x})"
            )
        if memory_backend is not None:
            raise MachineError(
                "'-machine memory-backend' and '-numa memdev' properties are mutually exclusive"
            )
        used: set[str] = set()
        for backend in self.backends:
            if backend in used:
                raise MachineError(f"memory backend {backend} can't be used multiple times.")
            used.add(backend)

    def _node_of(self, index: int) -> int:
        """The node of a CPU: as it was said, or 0; by its socket, if nothing was said of any."""
        if self.cpus:
            return self.cpus.get(index, 0)
        return self._topology.location(index).socket_id % len(self._nodes)

    def _all_distances(self) -> Iterator[tuple[int, ...]]:
        """Every distance: one that was not given is that of the way back; none if none was given.

        Raises:
            MachineError: a pair of nodes has none, or only one where ways back differ.
        """
        if not self._distances:
            return
        self._check_distances()
        for src in range(len(self._nodes)):
            yield tuple(self._distance(src, dst) for dst in range(len(self._nodes)))

    def _distance(self, src: int, dst: int) -> int:
        if src == dst:
            return LOCAL_DISTANCE
        return self._distances.get((src, dst)) or self._distances[dst, src]

    def _check_distances(self) -> None:
        count, given = len(self._nodes), self._distances
        pairs = [(src, dst) for src in range(count) for dst in range(src + 1, count)]
        for src, dst in pairs:
            if (src, dst) not in given and (dst, src) not in given:
                raise MachineError(
                    f"The distance between node {src} and {dst} is missing, at least one distance "
                    "value between each nodes should be provided."
                )
        both = [
            (given[pair], given[pair[::-1]]) for pair in pairs if {pair, pair[::-1]} <= given.keys()
        ]
        if len(both) < len(pairs) and any(there != back for there, back in both):
            raise MachineError(
                "At least one asymmetrical pair of distances is given, please provide distances "
                "for both directions of all node pairs."
            )


def _level(at: CpuLocation, name: str) -> int:
    """A location's number of a level, by the name that users give it."""
    value: int = getattr(at, name.replace("-", "_"))
    return value
