"""NUMA: which node each possible CPU and each part of the RAM belongs to, and how far nodes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.topology import CpuLocation, Topology

MAX_NODES = 128
"""Node numbers lie below this (QEMU: MAX_NODES)."""

LOCAL_DISTANCE = 10
"""What a node is from itself, and the least that there is (ACPI 6.5 §5.2.17)."""


@dataclass(frozen=True, slots=True)
class Numa:
    """The nodes of a machine, numbered from 0 without gaps; complete and consistent.

    Attributes:
        memory: bytes of RAM of each node; the RAM is laid out in the order of the nodes.
        cpus: the node of each possible CPU, by its number.
        distances: by source and destination node (ACPI 6.5 §5.2.17: 10 is local); empty where the
            user gave none, in which case there is no SLIT.
        backends: the id of the memory backend of each node; empty for a node without memory.
        unassigned: the CPUs that are in node 0 only because the user spoke of others, not of them.
    """

    memory: tuple[int, ...]
    cpus: tuple[int, ...]
    distances: tuple[tuple[int, ...], ...] = ()
    backends: tuple[str, ...] = ()
    unassigned: tuple[int, ...] = ()

    def node_cpus(self, node: int) -> list[int]:
        """The possible CPUs of a node."""
        return [index for index, of in enumerate(self.cpus) if of == node]

    def layout(self, base: int) -> Iterator[tuple[str, int, int]]:
        """Where the memory of each backend lies: id, address, bytes; `base` is where RAM begins."""
        for backend, size in zip(self.backends, self.memory, strict=True):
            if backend:
                yield backend, base, size
            base += size


def warnings(numa: Numa, topology: Topology) -> Iterator[str]:
    """What is unwise about the nodes, in QEMU's words."""
    if numa.unassigned:
        spelled = (f"CPU {n} [{_place(topology.location(n))}]" for n in numa.unassigned)
        yield f"CPU(s) not present in any NUMA nodes: {', '.join(spelled)}"
        yield (
            "All CPU(s) up to maxcpus should be described in NUMA config, ability to start up "
            "with partial NUMA mappings is obsoleted and will be removed in future"
        )
    yield from _split_clusters(numa, topology)


def _place(at: CpuLocation) -> str:
    return (
        f"socket-id: {at.socket_id}, cluster-id: {at.cluster_id}, "
        f"core-id: {at.core_id}, thread-id: {at.thread_id}"
    )


def _split_clusters(numa: Numa, topology: Topology) -> Iterator[str]:
    """Clusters that lie in several nodes: one pair of CPUs of each, where QEMU tells all pairs."""
    first: dict[tuple[int, int], int] = {}
    told: set[tuple[int, int]] = set()
    for index, node in enumerate(numa.cpus):
        at = topology.location(index)
        cluster = at.socket_id, at.cluster_id
        other = first.setdefault(cluster, index)
        if numa.cpus[other] != node and cluster not in told:
            told.add(cluster)
            yield (
                f"CPU-{other} and CPU-{index} in socket-{at.socket_id}-cluster-{at.cluster_id} "
                f"have been associated with node-{numa.cpus[other]} and node-{node} respectively. "
                "It can cause OSes like Linux to misbehave"
            )
