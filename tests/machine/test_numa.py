"""The nodes of a machine: where their memory lies, what is unwise, and what its CPUs know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.errors import MachineError
from machine.numa import Numa, warnings
from machine.topology import Topology
from tests.machine.board import Board

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
SIX = Topology(cpus=2, sockets=2, clusters=1, cores=3, threads=1)
TWO = Numa((512 * MIB, 512 * MIB), (0, 0, 0, 1, 1, 1), backends=("m0", "m1"))
CPU = "cortex-a72-arm-cpu"


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board(MachineConfig(topology=SIX, numa=TWO))
    yield made
    made.machine.close()


def test_memory_is_laid_out_in_the_order_of_the_nodes() -> None:
    numa = Numa((MIB, 0, 2 * MIB), (0,), backends=("a", "", "c"))
    assert list(numa.layout(0x4000_0000)) == [
        ("a", 0x4000_0000, MIB),
        ("c", 0x4010_0000, 2 * MIB),
    ]


def test_a_node_knows_its_cpus() -> None:
    assert TWO.node_cpus(1) == [3, 4, 5]


def test_cpus_that_were_forgotten_are_told() -> None:
    forgotten = Numa((MIB, MIB), (0, 0, 0, 1, 1, 0), unassigned=(1, 5))
    listed, advice, split = warnings(forgotten, SIX)
    assert listed == (
        "CPU(s) not present in any NUMA nodes: "
        "CPU 1 [socket-id: 0, cluster-id: 0, core-id: 1, thread-id: 0], "
        "CPU 5 [socket-id: 1, cluster-id: 0, core-id: 2, thread-id: 0]"
    )
    assert advice == (
        "All CPU(s) up to maxcpus should be described in NUMA config, ability to start up with "
        "partial NUMA mappings is obsoleted and will be removed in future"
    )
    assert split == (
        "CPU-3 and CPU-5 in socket-1-cluster-0 have been associated with node-1 and node-0 "
        "respectively. It can cause OSes like Linux to misbehave"
    )


def test_about_nodes_that_are_whole_there_is_nothing_to_say() -> None:
    assert list(warnings(TWO, SIX)) == []


def test_every_cpu_shows_its_node(board: Board) -> None:
    tree = board.machine.qom
    board.machine.device_add({"driver": CPU, "id": "far", "socket-id": 1})
    assert tree.get("/machine/unattached/device[1]", "node-id") == 0
    assert tree.get("/machine/peripheral/far", "node-id") == 1
    assert [slot.node_id for slot in board.machine.slots] == [0, 0, 0, 1, 1, 1]


def test_the_right_node_of_a_new_cpu_may_be_named(board: Board) -> None:
    board.machine.device_add({"driver": CPU, "socket-id": 1, "node-id": 1})
    board.machine.device_add({"driver": CPU, "core-id": 2, "node-id": -1})


@pytest.mark.parametrize("node", [1, 2, -2])
def test_a_wrong_node_is_refused_and_nothing_is_changed(board: Board, node: int) -> None:
    request = {"driver": CPU, "id": "x", "core-id": 2, "node-id": node}
    with pytest.raises(MachineError, match=r"^invalid node-id, must be 0$"):
        board.machine.device_add(request)
    board.machine.device_add(request | {"node-id": 0})


def test_without_nodes_a_cpu_has_none_unless_it_was_named() -> None:
    board = Board(MachineConfig(topology=SIX))
    tree = board.machine.qom
    board.machine.device_add({"driver": CPU, "id": "a", "core-id": 2})
    board.machine.device_add({"driver": CPU, "id": "b", "socket-id": 1, "node-id": 0})
    assert tree.get("/machine/peripheral/a", "node-id") == -1
    assert tree.get("/machine/peripheral/b", "node-id") == 0
    with pytest.raises(MachineError, match=r"^invalid node-id, must be 0$"):
        board.machine.device_add({"driver": CPU, "socket-id": 1, "core-id": 1, "node-id": 1})
    board.machine.close()


def test_the_memory_of_nodes_is_in_one_region_of_the_machines(board: Board) -> None:
    tree = board.machine.qom
    ram = "/machine/mach-virt.ram[0]"
    assert tree.get(ram, "addr") == 0x4000_0000
    assert tree.get(ram, "size") == 1024 * MIB
    assert tree.get("/machine", "memory-backend") == ""
    assert [name for name, _ in tree.properties("/objects")] == ["type"]


def test_a_cpu_that_was_cold_plugged_into_the_wrong_node_ends_the_start() -> None:
    device = {"driver": CPU, "core-id": "2", "node-id": "1"}
    with pytest.raises(MachineError, match=r"invalid node-id, must be 0$"):
        Board(MachineConfig(topology=SIX, numa=TWO, devices=(device,)))
