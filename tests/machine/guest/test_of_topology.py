"""What the guest makes of a device tree's cpu-map, NUMA nodes and distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from machine.firmware.fdt import cells, fdt, strings, wide
from machine.guest import of_numa
from machine.guest.acpi_numa import MemoryBlock, Numa
from machine.guest.acpi_pptt import CpuTopology
from machine.guest.of_fdt import unflatten
from machine.guest.of_topology import init_cpu_topology
from machine.guest.smp import Cpu
from machine.memmap import RAM_BASE
from machine.numa import Numa as Nodes
from machine.topology import Topology
from tests.machine.board import SMALL

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from tests.machine.board import Make

HALF = SMALL // 2
END = RAM_BASE + SMALL


def booted(boards: Make, topology: Topology, **config: Any) -> Kernel:
    kernel = boards(topology, acpi=False, **config).machine.power.kernel
    assert kernel is not None
    return kernel


# Topology


@pytest.mark.parametrize(
    "topology",
    [Topology(16, 2, 2, 2, 2), Topology(12, 3, 1, 4, 1), Topology(4, 1, 1, 2, 2)],
    ids=str,
)
def test_each_cpu_learns_where_it_sits(boards: Make, topology: Topology) -> None:
    threaded = topology.threads > 1
    for cpu in booted(boards, topology).cpus:
        place = topology.location(cpu.uid)
        thread = place.thread_id if threaded else -1
        assert cpu.topology == CpuTopology(place.socket_id, place.cluster_id, place.core_id, thread)


def map_of(cpu_map: dict[str, Any] | None, count: int = 2) -> list[CpuTopology | None]:
    """The places of CPUs with phandles from 1 on."""
    nodes = {} if cpu_map is None else {"cpu-map": cpu_map}
    cpus = [Cpu(n, n, n) for n in range(count)]
    root = unflatten(fdt({"cpus": nodes}))
    init_cpu_topology(cpus, list(range(1, count + 1)), root)
    return [cpu.topology for cpu in cpus]


def cpu(phandle: int) -> dict[str, bytes]:
    return {"cpu": cells(phandle)}


def test_a_map_need_not_have_sockets_or_clusters() -> None:
    assert map_of({"core0": cpu(1), "core1": cpu(2)}) == [
        CpuTopology(0, -1, 0, -1),
        CpuTopology(0, -1, 1, -1),
    ]
    assert map_of({"cluster0": {"core0": cpu(2)}, "cluster1": {"core0": cpu(1)}}) == [
        CpuTopology(0, 1, 0, -1),
        CpuTopology(0, 0, 0, -1),
    ]


@pytest.mark.parametrize(
    "cpu_map",
    [
        None,
        {},
        {"core0": cpu(1)},
        {"core0": cpu(1), "core2": cpu(2)},
        {"core0": {}, "core1": cpu(2)},
    ],
    ids=["none", "empty", "one missing", "a gap", "no phandle"],
)
def test_a_map_that_leaves_a_cpu_out_is_of_no_use(cpu_map: dict[str, Any] | None) -> None:
    assert map_of(cpu_map) == [CpuTopology(0, -1, 0, -1), CpuTopology(0, -1, 1, -1)]


# NUMA


def test_the_guest_knows_the_nodes_of_cpus_and_ram_and_how_far_they_are(boards: Make) -> None:
    numa = Nodes((HALF, HALF), (0, 0, 0, 1, 1, 1), ((10, 30), (40, 10)))
    kernel = booted(boards, Topology(6, 2, 1, 3, 1), numa=numa)
    assert [cpu.node for cpu in kernel.cpus] == [0, 0, 0, 1, 1, 1]
    assert kernel.numa.memory == [
        MemoryBlock(0, RAM_BASE, RAM_BASE + HALF),
        MemoryBlock(1, RAM_BASE + HALF, END),
    ]
    assert kernel.numa.distances == [[10, 30], [40, 10]]


def test_a_node_without_anything_leaves_the_others_their_numbers(boards: Make) -> None:
    distances = ((10, 15, 20), (15, 10, 25), (20, 25, 10))
    numa = Nodes((HALF, 0, HALF), (0, 0, 2), distances)
    kernel = booted(boards, Topology(3, 3, 1, 1, 1), numa=numa)
    assert [cpu.node for cpu in kernel.cpus] == [0, 0, 2]
    assert kernel.numa.nodes == 2
    assert kernel.numa.distances[0][2] == 20


def test_without_numa_there_is_one_node(boards: Make) -> None:
    kernel = booted(boards, Topology(3, 3, 1, 1, 1))
    assert [cpu.node for cpu in kernel.cpus] == [0, 0, 0]
    assert kernel.numa.memory == [MemoryBlock(0, RAM_BASE, END)]


MEMORY = {
    f"memory@{n}": {
        "device_type": strings("memory"),
        "reg": wide(n << 30, 1 << 30),
        "numa-node-id": cells(n),
    }
    for n in (0, 1)
}


def read(*entries: int, **more: Any) -> tuple[Numa, list[str]]:
    """What two nodes with these distances are taken for, and what the log says."""
    lines: list[str] = []
    distance_map = {
        "compatible": strings("numa-distance-map-v1"),
        "distance-matrix": cells(*entries),
    }
    tree = {"#address-cells": cells(2), "#size-cells": cells(2), **MEMORY}
    root = unflatten(fdt({**tree, "distance-map": distance_map, **more}))
    return of_numa.init(root, {0: 0, 1: 1}, lines.append), lines


def test_the_way_back_is_as_far_unless_it_is_told_otherwise() -> None:
    assert read(0, 1, 21)[0].distances == [[10, 21], [21, 10]]
    assert read(0, 1, 21, 1, 0, 31)[0].distances == [[10, 21], [31, 10]]
    assert read(1, 0, 31)[0].distances == [[10, 20], [31, 10]]
    assert read(0, 0, 10, 0, 7, 40)[0].distances == [[10, 20], [20, 10]]


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ((0, 1, 10), "Invalid distance[node0 -> node1] = 10"),
        ((0, 1, 9), "Invalid distance[node0 -> node1] = 9"),
        ((1, 1, 20), "Invalid distance[node1 -> node1] = 20"),
        ((0, 1), "Invalid distance-matrix property in distance-map"),
        ((), "Invalid distance-matrix property in distance-map"),
    ],
)
def test_distances_that_cant_be_make_it_one_node(entries: tuple[int, ...], complaint: str) -> None:
    numa, lines = read(*entries)
    assert lines == [
        "NUMA: parsing numa-distance-map-v1",
        f"NUMA: {complaint}",
        "NUMA: Faking a node at [mem 0x0000000000000000-0x000000007fffffff]",
    ]
    assert (numa.nodes, numa.distances) == (1, [[10]])


def test_a_node_number_that_is_too_high_is_none() -> None:
    memory = {**MEMORY["memory@0"], "numa-node-id": cells(16)}
    numa, _ = read(0, 1, 21, **{"memory@0": memory})
    assert [block.node for block in numa.memory] == [1]
