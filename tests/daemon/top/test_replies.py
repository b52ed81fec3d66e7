"""What becomes of a CPU, from what a machine tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from daemon.config import DaemonConfig
from daemon.top.model import Cpu, CpuState, counted
from daemon.top.replies import of_hotpluggable, of_vcpus, unknown, version_of
from machine.config import MachineConfig
from machine.topology import Topology
from tests.box import FLAT, Box
from tests.daemon.top.monitors import recorded
from tests.machine.faults.stages import inject

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def box() -> Iterator[Box]:
    """Two of six CPUs, booted."""
    box = Box()
    yield box
    box.close()


def seen(box: Box, index: int) -> Cpu:
    return of_vcpus(box.returned("x-query-vcpus"))[index]


def plug(box: Box, core: int) -> None:
    box.returned("device_add", driver="cortex-a72-arm-cpu", id=f"core{core}", core_id=core)


def online(box: Box, index: int, value: str) -> None:
    box.returned("x-guest-write", path=f"/sys/devices/system/cpu/cpu{index}/online", data=value)
    box.settle()


def test_a_cpu_goes_through_its_states_from_absent_to_absent(box: Box) -> None:
    states = [seen(box, 2).shown]
    plug(box, 2)
    states.append(seen(box, 2).shown)
    box.settle()
    states.append(seen(box, 2).shown)
    online(box, 2, "0")
    states.append(seen(box, 2).shown)
    online(box, 2, "1")
    box.returned("device_del", id="core2")
    states.append(seen(box, 2).shown)
    box.settle()
    states.append(seen(box, 2).shown)
    assert states == [
        CpuState.ABSENT,
        CpuState.INSERTING,
        CpuState.ONLINE,
        CpuState.OFFLINE,
        CpuState.REMOVING,
        CpuState.ABSENT,
    ]


def test_a_cpu_has_its_place_its_name_and_its_last_report(box: Box) -> None:
    plug(box, 2)
    box.settle()
    cpu = seen(box, 2)
    assert cpu.place == (("socket", 0), ("cluster", 0), ("core", 2), ("thread", 0))
    assert (cpu.name, cpu.report, cpu.node) == ("core2", "device check: success", None)
    assert seen(box, 0).name == "device[0]"


def test_a_refused_removal_leaves_a_cpu_online_and_in_trouble(box: Box) -> None:
    plug(box, 2)
    box.settle()
    for index in (0, 1):
        online(box, index, "0")
    box.returned("device_del", id="core2")
    box.settle()
    cpu = seen(box, 2)
    assert (cpu.shown, cpu.state) == (CpuState.TROUBLED, CpuState.ONLINE)
    assert cpu.trouble == "eject request: busy"


def test_the_trouble_is_over_with_the_next_report(box: Box) -> None:
    test_a_refused_removal_leaves_a_cpu_online_and_in_trouble(box)
    online(box, 0, "1")
    box.returned("device_del", id="core2")
    box.settle()
    plug(box, 2)
    box.settle()
    assert seen(box, 2).shown is CpuState.ONLINE


def test_a_cpu_with_hardware_errors_is_in_trouble_until_it_leaves(box: Box) -> None:
    plug(box, 2)
    box.settle()
    for _ in range(2):
        inject(box.machine, "now", "corrected-error", target=2)
    box.settle()
    assert (seen(box, 2).state, seen(box, 2).trouble) == (CpuState.ONLINE, "corrected errors: 2")
    box.returned("device_del", id="core2")
    box.settle()
    assert seen(box, 2).shown is CpuState.ABSENT


def test_a_cpu_that_kvm_can_not_run_is_in_trouble(box: Box) -> None:
    inject(box.machine, "now", "internal-error", target=1)
    box.settle()
    assert seen(box, 1).trouble == "internal error"
    assert box.returned("query-status")["status"] == "internal-error"


def test_before_the_guest_boots_cpus_are_only_plugged() -> None:
    box = Box(MachineConfig(topology=FLAT, paused=True), boot=False)
    assert [cpu.state for cpu in of_vcpus(box.returned("x-query-vcpus"))] == [
        *[CpuState.PLUGGED] * 2,
        *[CpuState.ABSENT] * 4,
    ]
    box.close()


def test_without_acpi_there_is_nothing_pending() -> None:
    box = Box(MachineConfig(topology=Topology(2, 1, 1, 2, 1), acpi=False))
    assert [cpu.state for cpu in of_vcpus(box.returned("x-query-vcpus"))] == [CpuState.ONLINE] * 2
    box.close()


def test_members_that_are_not_known_are_left_alone(box: Box) -> None:
    reply = box.returned("x-query-vcpus")
    before = of_vcpus(reply)
    for vcpu in reply:
        vcpu["news"] = vcpu["vmm"]["news"] = vcpu["guest"]["news"] = {"deep": [1]}
        vcpu["props"]["news"] = "text"
    assert of_vcpus(reply) == before


# Machines without x-query-vcpus.


def strangers(answers: dict[str, Any]) -> dict[str, Any]:
    names = {
        "slots": "query-hotpluggable-cpus",
        "fast": "query-cpus-fast",
        "ospm": "query-acpi-ospm-status",
    }
    return {key: answers[name].get("return") for key, name in names.items()}


def test_a_recorded_x86_machine_has_dies_and_nodes() -> None:
    _, answers = recorded("q35.jsonl")
    cpus = of_hotpluggable(**strangers(answers))
    assert counted(cpus) == "4 present, 12 absent"
    assert [cpu.index for cpu in cpus] == list(range(16))
    assert cpus[5].name == "cpu5"
    assert cpus[5].place == (("socket", 0), ("die", 1), ("core", 0), ("thread", 1))
    assert [cpu.node for cpu in cpus] == [0] * 8 + [1] * 8
    assert all(cpu.state is CpuState.PRESENT for cpu in (*cpus[:3], cpus[5]))


def test_our_own_machine_is_seen_alike_by_what_every_machine_tells(box: Box) -> None:
    plug(box, 4)
    box.settle()
    told = {
        "slots": box.returned("query-hotpluggable-cpus"),
        "fast": box.returned("query-cpus-fast"),
        "ospm": box.returned("query-acpi-ospm-status"),
    }
    for ours, theirs in zip(
        of_vcpus(box.returned("x-query-vcpus")), of_hotpluggable(**told), strict=True
    ):
        assert (ours.index, ours.place, ours.name) == (theirs.index, theirs.place, theirs.name)
        assert ours.report == theirs.report
        assert (ours.state is CpuState.ABSENT) is (theirs.state is CpuState.ABSENT)


def slot(index: int, *, plugged: bool = True, vcpus: int = 1) -> dict[str, Any]:
    path = {"qom-path": f"/machine/peripheral/cpu{index}"} if plugged else {}
    return {"props": {"core-id": index}, "vcpus-count": vcpus, "type": "some-cpu", **path}


def ost(index: int, source: int, status: int) -> dict[str, Any]:
    return {"slot": str(index), "slot-type": "CPU", "source": source, "status": status}


@pytest.mark.parametrize(
    ("plugged", "report", "state"),
    [
        (True, (0, 0), CpuState.PRESENT),
        (True, (1, 0), CpuState.PRESENT),
        (True, (3, 0x84), CpuState.REMOVING),
        (True, (3, 0x82), CpuState.TROUBLED),
        (False, (3, 0), CpuState.ABSENT),
        (False, (3, 0x82), CpuState.ABSENT),
    ],
)
def test_a_state_is_guessed_from_the_last_report(
    report: tuple[int, int], state: CpuState, *, plugged: bool
) -> None:
    slots = [slot(0, plugged=plugged)]
    (cpu,) = of_hotpluggable(slots, [], [ost(0, *report)])
    assert cpu.shown is state


def test_reports_find_their_slots_though_slots_come_in_reverse() -> None:
    slots = [slot(2), slot(1), slot(0)]
    cpus = of_hotpluggable(slots, [], [ost(2, 3, 0x82)])
    assert [cpu.name for cpu in cpus if cpu.trouble] == ["cpu2"]


def test_where_nothing_can_be_plugged_there_are_those_that_are_there() -> None:
    fast = [{"cpu-index": 7, "qom-path": "/machine/unattached/device[3]", "props": {"core-id": 7}}]
    (cpu,) = of_hotpluggable(None, fast, None)
    assert (cpu.index, cpu.name, cpu.state) == (7, "device[3]", CpuState.PRESENT)
    assert len(unknown(None, None)) == 3
    assert len(unknown([], [])) == 1


def test_a_core_that_comes_as_a_whole_counts_for_all_of_its_vcpus() -> None:
    cpus = of_hotpluggable([slot(8, vcpus=8), slot(0, vcpus=8)], [], None)
    assert counted(cpus) == "16 present"


def test_a_level_that_is_not_known_stands_above_the_cores() -> None:
    props = {"thread-id": 0, "core-id": 1, "tile-id": 5, "socket-id": 2, "node-id": 9}
    (cpu,) = of_hotpluggable([{"props": props}], [], [])
    assert [unit for unit, _ in cpu.place] == ["socket", "tile", "core", "thread"]


@pytest.mark.parametrize("package", ["", "v7.2.0"])
def test_a_version_is_told_with_its_package_if_it_has_one(package: str) -> None:
    version = {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": package}
    told = version_of({"QMP": {"version": version}})
    assert told == (f"QEMU 7.2.0 ({package})" if package else "QEMU 7.2.0")


def test_a_machine_that_is_not_there_yet_shows_where_cpus_will_be() -> None:
    config = DaemonConfig(machine=MachineConfig(topology=FLAT), preconfig=True)
    box = Box(config, boot=False)
    assert "error" in box.ask("x-query-vcpus")
    cpus = of_hotpluggable(box.returned("query-hotpluggable-cpus"), [], None)
    assert counted(cpus) == "6 absent"
    box.close()
