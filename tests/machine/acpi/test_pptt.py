"""PPTT: what the tree says of each CPU is where the topology puts it."""

from __future__ import annotations

import struct
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.acpi.pptt import pptt
from machine.topology import CpuLocation, Topology

PACKAGE, ID_VALID, THREAD, LEAF = 1, 2, 4, 8


class Node(NamedTuple):
    flags: int
    parent: int
    number: int
    resources: int


def nodes_of(table: bytes) -> dict[int, Node]:
    """Every node by its offset; they are all processors, and without gaps (§5.2.30.1)."""
    found = {}
    for at in range(36, len(table), 20):
        kind, length, reserved, *rest = struct.unpack_from("<BBHIIII", table, at)
        assert (kind, length, reserved) == (0, 20, 0)
        found[at] = Node(*rest)
    return found


def paths_of(table: bytes) -> dict[int, list[Node]]:
    """From the root to the leaf, by the ACPI processor id of the leaf."""
    nodes = nodes_of(table)
    paths = {}
    for leaf in nodes.values():
        if leaf.flags & LEAF:
            path = [leaf]
            while path[0].parent:
                path.insert(0, nodes[path[0].parent])
            paths[leaf.number] = path
    return paths


topologies = st.builds(
    Topology,
    cpus=st.just(1),
    sockets=st.integers(1, 3),
    clusters=st.integers(1, 3),
    cores=st.integers(1, 4),
    threads=st.integers(1, 3),
    clusters_named=st.booleans(),
)


def numbers(at: CpuLocation, topology: Topology) -> list[int]:
    """What the nodes above the leaf are called."""
    clusters = [at.cluster_id] if topology.has_clusters else []
    cores = [at.core_id] if topology.threads > 1 else []
    return [at.socket_id, *clusters, *cores]


@given(topologies)
def test_the_path_to_each_cpu_is_its_location(topology: Topology) -> None:
    paths = paths_of(pptt(topology, topology.max_cpus))
    assert sorted(paths) == list(range(topology.max_cpus))
    for cpu, path in paths.items():
        assert [node.number for node in path[:-1]] == numbers(topology.location(cpu), topology)


@given(topologies)
def test_cpus_share_a_node_where_they_share_the_place(topology: Topology) -> None:
    table = pptt(topology, topology.max_cpus)
    nodes = nodes_of(table)
    levels = [topology.sockets]
    if topology.has_clusters:
        levels.append(levels[-1] * topology.clusters)
    if topology.threads > 1:
        levels.append(topology.sockets * topology.clusters * topology.cores)
    assert len(nodes) == sum(levels) + topology.max_cpus


@given(topologies)
def test_sockets_are_packages_and_leaves_have_valid_ids(topology: Topology) -> None:
    leaf = ID_VALID | LEAF | (THREAD if topology.threads > 1 else 0)
    for path in paths_of(pptt(topology, topology.max_cpus)).values():
        assert [node.flags for node in path] == [PACKAGE, *[0] * (len(path) - 2), leaf]


def test_a_cluster_that_the_user_does_not_name_is_no_level() -> None:
    silent, named = Topology(2, 1, 1, 6, 1), Topology(2, 1, 1, 6, 1, clusters_named=True)
    assert {len(path) for path in paths_of(pptt(silent, 6)).values()} == {2}
    assert {len(path) for path in paths_of(pptt(named, 6)).values()} == {3}


@pytest.mark.parametrize("cpus", [1, 2, 5, 6])
def test_cpus_that_can_never_be_are_not_in_it(cpus: int) -> None:
    table = pptt(Topology(cpus, 2, 1, 3, 1), cpus)
    assert sorted(paths_of(table)) == list(range(cpus))
    assert len({path[0] for path in paths_of(table).values()}) == (1 if cpus <= 3 else 2)
