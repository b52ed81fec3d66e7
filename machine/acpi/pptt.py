"""PPTT (ACPI 6.5 §5.2.30): which CPUs share a core, a cluster, a socket.

A tree of Processor Hierarchy Nodes, each of which names its parent by its offset in the table. All
possible CPUs are in it, whatever is plugged. A level is left out where it says nothing: clusters if
the user speaks of none, threads if a core has one (the leaf then is the core).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from machine.acpi import aml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.topology import Topology

REVISION = 2
PACKAGE, ACPI_ID_VALID, IS_THREAD, IS_LEAF = 1, 2, 4, 8

_NODE = struct.Struct("<BBHIIII")
_FIRST = 36


class _Level(NamedTuple):
    """A level above the leaves.

    Attributes:
        flags: of its nodes.
        cpus: how many CPUs a node holds.
        siblings: how many nodes have the same parent; they are numbered within it.
    """

    flags: int
    cpus: int
    siblings: int


class _Tree:
    """The nodes so far."""

    def __init__(self) -> None:
        self.nodes = bytearray()

    def add(self, flags: int, parent: int, number: int) -> int:
        """Append a node without private resources; gives its offset within the table."""
        at = _FIRST + len(self.nodes)
        self.nodes += _NODE.pack(0x00, _NODE.size, 0, flags, parent, number, 0)
        return at


def pptt(topology: Topology, cpus: int) -> bytes:
    """Build it for the first so many CPUs of a topology; each one's number is its ACPI UID."""
    levels = list(_levels(topology))
    leaf = ACPI_ID_VALID | IS_LEAF | (IS_THREAD if topology.threads > 1 else 0)
    tree, nodes = _Tree(), [0] * len(levels)
    for uid in range(cpus):
        parent = 0
        for depth, level in enumerate(levels):
            if uid % level.cpus == 0:
                nodes[depth] = tree.add(level.flags, parent, uid // level.cpus % level.siblings)
            parent = nodes[depth]
        tree.add(leaf, parent, uid)
    return aml.table("PPTT", REVISION, bytes(tree.nodes))


def _levels(topology: Topology) -> Iterator[_Level]:
    """From the socket down to what holds the leaves."""
    core = topology.threads
    cluster = topology.cores * core
    yield _Level(PACKAGE, topology.clusters * cluster, topology.sockets)
    if topology.has_clusters:
        yield _Level(0, cluster, topology.clusters)
    if topology.threads > 1:
        yield _Level(0, core, topology.cores)
