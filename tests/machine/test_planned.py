"""A machine that is only planned: what can be asked of it, and what becomes of it."""

from __future__ import annotations

import pytest

from machine.clock import VirtualClock
from machine.config import MachineConfig
from machine.errors import DeviceNotFoundError, MachineError
from machine.events import MachineEvent, ShutdownRequested
from machine.numa_draft import NumaCpu, NumaNode
from machine.planned import PlannedMachine
from machine.runstate import RunState
from machine.topology import Topology
from machine.trace import Trace

SIX = Topology(cpus=2, sockets=2, clusters=1, cores=3, threads=1)
RAM = 256 << 20
ONE = {"m0": RAM}
CONFIG = MachineConfig(topology=SIX, ram_size=RAM, paused=True)


def planned(config: MachineConfig = CONFIG, *options: NumaNode | NumaCpu) -> PlannedMachine:
    return PlannedMachine(config, Trace(VirtualClock()), options, ONE)


def test_its_possible_cpus_are_those_of_the_machine_that_it_becomes() -> None:
    plan = planned()
    before = [(slot.index, slot.location) for slot in plan.hotpluggable_slots()]
    machine = plan.create({})
    assert [(slot.index, slot.location) for slot in machine.hotpluggable_slots()] == before
    machine.close()


def test_a_possible_cpu_has_a_node_once_it_was_given_one() -> None:
    plan = planned(CONFIG, NumaNode(memdev="m0"))
    assert {slot.node_id for slot in plan.hotpluggable_slots()} == {None}
    generation = plan.generation
    plan.numa.apply(NumaCpu(0, (("socket-id", 1),)), ONE)
    assert [slot.node_id for slot in plan.hotpluggable_slots()] == [None, None, None, 0, 0, 0]
    assert plan.generation != generation
    machine = plan.create(ONE)
    assert [slot.node_id for slot in machine.slots] == [0] * 6
    machine.close()


def test_what_can_not_be_created_stays_a_plan() -> None:
    plan = planned(CONFIG, NumaNode())
    with pytest.raises(MachineError, match="total memory for NUMA nodes"):
        plan.create({})
    assert plan.run_state is RunState.PRELAUNCH
    assert len(plan.hotpluggable_slots()) == 6


def test_a_device_that_is_refused_leaves_the_plan() -> None:
    device = {"driver": "cortex-a72-arm-cpu", "core-id": "9"}
    plan = planned(MachineConfig(topology=SIX, ram_size=RAM, devices=(device,)))
    with pytest.raises(MachineError, match="Invalid core-id 9 specified"):
        plan.create({})


def test_a_backend_that_is_called_as_the_machines_own_is_refused() -> None:
    with pytest.raises(MachineError, match=r"^object name 'mach-virt.ram' is reserved"):
        planned().create({"mach-virt.ram": RAM})
    plan = planned(CONFIG, NumaNode(memdev="m0"))
    plan.create({"mach-virt.ram": RAM}).close()


def test_that_backend_may_be_the_users_if_the_ram_is_to_be_in_it() -> None:
    config = MachineConfig(topology=SIX, ram_size=RAM, memory_backend="mach-virt.ram")
    planned(config).create({"mach-virt.ram": RAM}).close()


def test_without_hot_plug_it_says_so() -> None:
    plan = planned(MachineConfig(topology=SIX, hotplug=False))
    with pytest.raises(MachineError, match="machine does not support hot-plugging CPUs"):
        plan.hotpluggable_slots()


def test_an_option_that_is_wrong_makes_no_plan() -> None:
    with pytest.raises(MachineError, match="memdev=m9 is ambiguous"):
        planned(CONFIG, NumaNode(memdev="m9"))


def test_the_backends_that_it_is_to_use_are_in_use() -> None:
    assert planned(CONFIG, NumaNode(memdev="m0")).uses_backend("m0")
    assert not planned().uses_backend("m0")
    config = MachineConfig(topology=SIX, ram_size=RAM, memory_backend="m0")
    plan = planned(config)
    assert plan.uses_backend("m0")
    machine = plan.create(ONE)
    assert machine.uses_backend("m0")
    assert not machine.uses_backend("m1")
    assert machine.qom.get("/machine", "memory-backend") == "/objects/m0"
    machine.close()


def test_its_objects_are_its_options_and_places_for_what_is_to_come() -> None:
    tree = planned().qom
    assert tree.get("/machine", "smp")["maxcpus"] == 6
    assert tree.get("/machine", "memory") == {"size": RAM, "max-size": RAM}
    names = {name for name, type_ in tree.properties("/machine") if type_ == "child<container>"}
    assert names == {"unattached", "peripheral", "peripheral-anon"}
    assert [name for name, _ in tree.properties("/objects")] == ["type"]
    with pytest.raises(DeviceNotFoundError):
        tree.resolve("/machine/unattached/device[0]")


def test_every_property_of_it_can_be_read() -> None:
    tree = planned().qom
    for name, _type in tree.properties("/machine"):
        tree.get("/machine", name)


def test_it_ends_once() -> None:
    plan = planned()
    told: list[MachineEvent] = []
    plan.events.listen(told.append)
    plan.shutdown("host-qmp-quit")
    plan.shutdown("host-signal")
    assert told == [ShutdownRequested(guest=False, reason="host-qmp-quit")]
    assert plan.run_state is RunState.SHUTDOWN
    assert not plan.running
    plan.close()
