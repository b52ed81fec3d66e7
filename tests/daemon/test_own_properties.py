"""What clients see of a machine with -M virt,x-mpidr=topology,x-max-cpus=4096."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.topology import MpidrScheme, Topology
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

RAM = 256 << 20
CPU = "cortex-a72-arm-cpu"


@pytest.fixture
def by_topology() -> Iterator[Box]:
    topology = Topology(2, 2, 2, 2, 2)
    box = Box(MachineConfig(topology=topology, ram_size=RAM, mpidr=MpidrScheme.TOPOLOGY))
    yield box
    box.close()


@pytest.fixture
def large() -> Iterator[Box]:
    topology = Topology(2, 8, 1, 512, 1)
    box = Box(MachineConfig(topology=topology, ram_size=RAM, max_cpus=4096))
    yield box
    box.close()


def test_each_vcpu_shows_the_mpidr_of_its_place(by_topology: Box) -> None:
    shown = by_topology.returned("x-query-vcpus")
    assert len(shown) == 16
    for entry in shown:
        at = entry["props"]
        cluster = 2 * at["socket-id"] + at["cluster-id"]
        affinity = cluster << 16 | at["core-id"] << 8 | at["thread-id"]
        assert entry["mpidr"] == 0x8100_0000 | affinity


def test_an_occupied_place_is_named_with_its_affinity(by_topology: Box) -> None:
    first = {"core-id": 1, "socket-id": 1}
    by_topology.returned("device_add", driver=CPU, id="c", **first)
    answer = by_topology.ask("device_add", driver=CPU, **first)
    assert answer["error"]["desc"] == "cpu(id10=1:0:1:0) with arch-id 131328 exist"


def test_as_many_cpus_as_were_asked_for_can_be_plugged(large: Box) -> None:
    assert large.returned("query-machines")[0]["cpu-max"] == 4096
    possible = large.returned("query-hotpluggable-cpus")
    assert len(possible) == 4096
    large.returned("device_add", driver=CPU, id="last", **possible[0]["props"])
    assert len(large.returned("query-cpus-fast")) == 3
