"""The `virt` board: the order of creation, cold plug, and what a machine can and cannot be."""

from __future__ import annotations

import errno
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.clock import VirtualClock
from machine.config import MachineConfig
from machine.errors import MachineError
from machine.events import (
    PowerdownRequested,
)
from machine.kvm.errors import KvmError
from machine.kvm.vgic import Vgic
from machine.kvm.vm import Vm
from machine.topology import Topology
from machine.trace import Trace, TracePoint
from machine.virt import VirtMachine
from tests.machine.board import CPU, SMALL, Board
from tests.machine.guest_side import (
    GICR_TYPER,
    inserted,
    removed,
)

if TYPE_CHECKING:
    from machine.events import MachineEvent
    from machine.kvm.vcpu import Vcpu
    from tests.machine.board import Make


# Creation


def test_every_vcpu_is_created_before_the_vgic_is_and_none_can_be_afterwards(
    boards: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    create_vcpu, create_vgic, init = Vm.create_vcpu, Vm.create_vgic, Vgic.init

    def note_vcpu(vm: Vm, vcpu_id: int) -> Vcpu:
        order.append(f"vcpu {vcpu_id}")
        return create_vcpu(vm, vcpu_id)

    def note_vgic(vm: Vm) -> Vgic:
        order.append("vgic")
        return create_vgic(vm)

    def note_init(vgic: Vgic, *, accessible: bool = True) -> None:
        order.append("init")
        init(vgic, accessible=accessible)

    monkeypatch.setattr(Vm, "create_vcpu", note_vcpu)
    monkeypatch.setattr(Vm, "create_vgic", note_vgic)
    monkeypatch.setattr(Vgic, "init", note_init)
    board = boards()
    assert order == [*(f"vcpu {n}" for n in range(6)), "vgic", "init"]
    with pytest.raises(KvmError) as refused:
        board.machine.vm.create_vcpu(6)
    assert refused.value.errno == errno.EBUSY


def test_the_layers_report_a_plug_and_an_unplug_in_their_order(boards: Make) -> None:
    board = boards()
    points: list[TracePoint] = []
    board.machine.trace.listen(points.append)
    board.plug(2, "core2")
    board.unplug("core2")
    wanted = {"kvm_unpark_vcpu", "cpu_plug", "CPU_ON", "cpu_unplug_request", "CPU_OFF"}
    wanted |= {"kvm_park_vcpu", "cpu_unplug"}
    assert [point.name for point in points if point.name in wanted] == [
        "kvm_unpark_vcpu",
        "cpu_plug",
        "CPU_ON",
        "cpu_unplug_request",
        "CPU_OFF",
        "kvm_park_vcpu",
        "cpu_unplug",
    ]
    assert all("=" in str(point) for point in points if point.name in wanted)


def test_a_machine_may_be_given_the_clock_that_it_lives_by() -> None:
    clock = VirtualClock()
    clock.advance_to(1_000)
    with closing(VirtMachine(MachineConfig(ram_size=SMALL), Trace(clock))) as machine:
        assert machine.clock is clock


def test_nothing_happens_until_the_clock_advances(boards: Make) -> None:
    board = boards(boot=False)
    assert board.machine.power.kernel is None
    assert board.machine.clock.now == 0


def test_the_guest_boots_with_the_cpus_that_are_there(board: Board) -> None:
    assert board.online() == [0, 1]
    assert board.plugged() == [0, 1]
    assert board.machine.running


def test_no_access_of_a_guest_meets_nothing(board: Board) -> None:
    board.plug(2, "core2")
    board.unplug("core2")
    assert board.machine.bus.unassigned == 0
    hotplug, ged = board.machine.cpuhp, board.machine.ged
    assert hotplug is not None
    assert ged is not None
    assert hotplug.stray_accesses == ged.stray_accesses == 0


def test_the_same_requests_give_the_same_story_at_the_same_times(boards: Make) -> None:
    def run() -> list[tuple[int, MachineEvent]]:
        board = boards(boot=False)
        told: list[tuple[int, MachineEvent]] = []
        clock = board.machine.clock
        board.machine.events.listen(lambda event: told.append((clock.now, event)))
        board.settle()
        for core in (4, 2):
            board.plug(core, f"core{core}")
        board.unplug("core4")
        return told

    first = run()
    assert first == run()
    assert first


# Cold plug


COLD = ({"driver": CPU, "id": "cold", "core-id": "3"},)


def test_a_cpu_of_the_command_line_is_there_at_boot_and_nothing_is_reported(boards: Make) -> None:
    board = boards(devices=COLD)
    assert board.online() == [0, 1, 3]
    assert board.state().pending == frozenset()
    slot = board.slot(3)
    assert slot.cpu is not None
    assert not slot.cpu.hotplugged
    assert [status.device for status in board.machine.ospm_status()][3] == "cold"


def test_unplug_of_a_cpu_of_the_command_line_is_refused(boards: Make) -> None:
    board = boards(devices=COLD)
    with pytest.raises(MachineError, match="Hot-unplug of cold-booted CPU not supported!"):
        board.machine.device_del("cold")
    assert board.state().awaited == ()


@pytest.mark.parametrize(
    ("device", "text"),
    [
        (
            {"driver": CPU, "id": "c1", "core-id": "1"},
            f"-device {CPU},id=c1,core-id=1: cpu(id1=0:0:1:0) with arch-id 1 exist",
        ),
        (
            {"driver": CPU, "id": "cold", "core-id": "4"},
            f"-device {CPU},id=cold,core-id=4: Duplicate ID 'cold' for device",
        ),
        (
            {"driver": CPU, "core-id": "6"},
            f"-device {CPU},core-id=6: Invalid core-id 6 specified, correct range 0:5",
        ),
    ],
)
def test_a_cpu_of_the_command_line_that_does_not_fit_is_refused(
    boards: Make,
    device: dict[str, object],
    text: str,
) -> None:
    with pytest.raises(MachineError) as refused:
        boards(devices=(*COLD, device))
    assert str(refused.value) == text


# Machines without hot-plug


def refusals(board: Board) -> list[str]:
    """What device_add, device_del, and the two queries say."""
    machine = board.machine
    said = []
    for request in (
        lambda: machine.device_add({"driver": CPU, "core-id": 2}),
        lambda: machine.device_del("/machine/unattached/device[1]"),
        machine.hotpluggable_slots,
        machine.ospm_status,
    ):
        try:
            request()
        except MachineError as refused:
            said.append(str(refused))
        else:
            said.append("")
    return said


def test_a_gicv2_machine_starts_without_hotplug_and_says_so(boards: Make) -> None:
    board = boards(gic_version=2)
    assert board.machine.possible_count == 2
    assert board.online() == [0, 1]
    assert refusals(board) == [
        "CPU hotplug not supported on this machine",
        "CPU hot(un)plug not supported on this machine",
        "machine does not support hot-plugging CPUs",
        "",
    ]


def test_a_gicv2_machine_has_no_place_for_a_cpu_of_the_command_line(boards: Make) -> None:
    with pytest.raises(MachineError, match="CPU hotplug not supported on this machine"):
        boards(gic_version=2, devices=COLD)


def test_a_machine_without_acpi_has_nothing_to_plug_by_and_says_so(boards: Make) -> None:
    board = boards(acpi=False)
    before = board.state()
    assert refusals(board) == [
        "GED acpi device does not exists",
        "GED does not exists or device is not realized!",
        "",
        "command is not supported, missing ACPI device",
    ]
    assert board.state() == before


def test_the_power_button_of_a_machine_without_acpi_reaches_nobody(boards: Make) -> None:
    board = boards(acpi=False)
    board.machine.system_powerdown()
    board.settle()
    assert board.story() == [PowerdownRequested()]


# As many CPUs as there can be


def test_512_cpus_have_two_regions_of_redistributors_and_each_cpu_its_own(boards: Make) -> None:
    board = boards(Topology(1, 4, 1, 128, 1))
    machine = board.machine
    high = memmap.high_redistributors(SMALL)
    assert machine.redistributor_regions == [memmap.GICR_LOW, high]
    frames = [slot.redistributor for slot in machine.slots]
    assert frames[:2] == [0x080A_0000, 0x080C_0000]
    assert frames[122:124] == [memmap.GICR_LOW.base + 122 * 0x2_0000, high.base]
    assert len(set(frames)) == 512
    typers = [board.vcpu().load(frame + GICR_TYPER, 8) for frame in frames]
    for slot, typer in zip(machine.slots, typers, strict=True):
        assert (typer >> 32, typer >> 8 & 0xFFFF) == (slot.arch_id, slot.index)
    assert [n for n, typer in enumerate(typers) if typer >> 4 & 1] == [122, 511], "Last"


def test_the_last_of_512_cpus_comes_and_goes(boards: Make) -> None:
    board = boards(Topology(1, 4, 1, 128, 1))
    board.machine.device_add({"driver": CPU, "id": "last", "socket-id": 3, "core-id": 127})
    board.settle()
    assert board.online() == [0, 511]
    board.unplug("last")
    assert board.online() == [0]
    assert board.story() == inserted(511, "last") + removed(511, "last")


def test_the_last_of_4096_cpus_comes_and_goes(boards: Make) -> None:
    board = boards(Topology(2, 8, 1, 512, 1), max_cpus=4096)
    machine = board.machine
    last = machine.slots[4095]
    typer = board.vcpu().load(last.redistributor + GICR_TYPER, 8)
    assert typer == last.arch_id << 32 | 4095 << 8 | 1 << 4
    assert [region.count for region in machine.vgic.regions] == [123, 4095]
    machine.device_add({"driver": CPU, "id": "last", "socket-id": 7, "core-id": 511})
    board.settle()
    assert board.online() == [0, 1, 4095]
    board.unplug("last")
    assert board.online() == [0, 1]
    assert board.story() == inserted(4095, "last") + removed(4095, "last")


@pytest.mark.parametrize(
    ("cpus", "size"),
    [(124, 64 << 20), (635, 64 << 20), (636, 128 << 20), (4096, 512 << 20)],
)
def test_the_high_region_is_as_large_as_the_cpus_need(cpus: int, size: int) -> None:
    region = memmap.high_redistributors((300 << 30) + 4096, cpus)
    assert region.size == size
    assert region.base % size == 0
    assert (cpus - 123) * 0x2_0000 <= size


def test_the_host_has_no_more_vcpus_than_the_machine_is_built_for(boards: Make) -> None:
    for limit in (512, 4096):
        board = boards(boot=False, max_cpus=limit)
        assert board.machine.vm.max_vcpus == limit


def test_123_cpus_need_one_region_and_124_need_two(boards: Make) -> None:
    for count, regions in ((123, 1), (124, 2)):
        board = boards(Topology(1, 1, 1, count, 1), boot=False)
        assert len(board.machine.redistributor_regions) == regions


def test_the_high_region_lies_behind_the_ram_and_is_aligned_to_its_size() -> None:
    assert memmap.high_redistributors(1 << 30).base == 256 << 30
    large = memmap.high_redistributors((300 << 30) + 4096)
    assert large.base >= memmap.RAM_BASE + (300 << 30) + 4096
    assert large.base % large.size == 0
