"""The topology that firmware tells: which package, cluster, core and thread each CPU is.

ACPI 6.5 §5.2.30. Linux: drivers/acpi/pptt.c, drivers/base/arch_topology.c. An id is the number
that a node gives itself, where it says that this is valid, and else the node's offset in the table:
unique, and no more than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machine.guest.acpi_tables import HEADER_SIZE, subtables

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.smp import Cpu

PROCESSOR = 0
NODE_SIZE = 20
PHYSICAL_PACKAGE, ID_VALID, IS_THREAD, LEAF_NODE = 1, 2, 4, 8
LEAF_FLAG_REVISION = 2
"""From this revision on leaves say that they are."""

ENOENT = 2


class CpuTopology(NamedTuple):
    """What /sys/devices/system/cpu/cpuN/topology shows; negative where there is no such level."""

    package_id: int
    cluster_id: int
    core_id: int
    thread_id: int


class _Node(NamedTuple):
    """A Processor Hierarchy Node (§5.2.30.1)."""

    at: int
    flags: int
    parent: int
    number: int

    @property
    def tag(self) -> int:
        """What identifies it."""
        return self.number if self.flags & ID_VALID else self.at


class Pptt:
    """The tree of a PPTT; what lies outside of the table, or is too short, is not there."""

    def __init__(self, table: bytes) -> None:
        self._nodes = {
            at: _node(at, body)
            for at, kind, body in subtables(table, HEADER_SIZE)
            if kind == PROCESSOR and len(body) >= NODE_SIZE
        }
        parents = {node.parent for node in self._nodes.values()}
        flagged = table[8] >= LEAF_FLAG_REVISION
        self._leaves: dict[int, _Node] = {}
        for node in self._nodes.values():
            is_leaf = node.flags & LEAF_NODE if flagged else node.at not in parents
            if is_leaf and node.flags & ID_VALID:
                self._leaves.setdefault(node.number, node)

    def topology(self, uid: int) -> CpuTopology | None:
        """Where the CPU with this ACPI UID is; None where the table does not say."""
        leaf = self._leaves.get(uid)
        if leaf is None:
            return None
        path = self._path(leaf)
        threaded = bool(leaf.flags & IS_THREAD)
        above = path[1 + threaded : 2 + threaded]
        return CpuTopology(
            package_id=_package(path).tag,
            cluster_id=above[0].tag if above else -ENOENT,
            core_id=path[: 1 + threaded][-1].tag,
            thread_id=leaf.number if threaded else -1,
        )

    def _path(self, leaf: _Node) -> list[_Node]:
        """From the leaf up to where there is no parent any more, or one that has been passed."""
        path = [leaf]
        while (parent := self._nodes.get(path[-1].parent)) is not None and parent not in path:
            path.append(parent)
        return path


def _node(at: int, body: bytes) -> _Node:
    flags, parent, number = (
        int.from_bytes(body[offset : offset + 4], "little") for offset in (4, 8, 12)
    )
    return _Node(at, flags, parent, number)


def _package(path: list[_Node]) -> _Node:
    """The first node that is a package, or else the root."""
    return next((node for node in path if node.flags & PHYSICAL_PACKAGE), path[-1])


def init_cpu_topology(kernel: Kernel, table: bytes | None) -> None:
    """Give each CPU its place; all of them by default where the table leaves one out."""
    if table is None:
        missing = "No PPTT table found, CPU and cache topology may be inaccurate"
        kernel.printk(kernel.boot_cpu.hardware, f"ACPI PPTT: {missing}")
    pptt = Pptt(table or bytes(HEADER_SIZE))
    found = [pptt.topology(cpu.uid) for cpu in kernel.cpus]
    complete = None not in found
    for cpu, topology in zip(kernel.cpus, found, strict=True):
        cpu.topology = topology if complete else default_topology(cpu)


def default_topology(cpu: Cpu) -> CpuTopology:
    """Every CPU is a core, every node a package (Linux: store_cpu_topology)."""
    return CpuTopology(package_id=cpu.node, cluster_id=-1, core_id=cpu.id, thread_id=-1)
