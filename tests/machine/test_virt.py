"""The `virt` board: the order of creation, and CPUs that come and go on a machine with a guest."""

from __future__ import annotations

import errno
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine import memmap
from machine.acpi.cpu_hotplug import EJECT, OST_EVENT, OST_STATUS
from machine.clock import VirtualClock
from machine.config import MachineConfig
from machine.errors import DeviceNotFoundError, MachineError
from machine.events import (
    AcpiDeviceOst,
    DeviceDeleted,
    PowerdownRequested,
    Resumed,
    ShutdownRequested,
    Stopped,
    WasReset,
)
from machine.kvm.errors import KvmError
from machine.kvm.smccc import CPU_ON_64, Function, Result
from machine.kvm.vcpu import MpState, Vcpu
from machine.kvm.vgic import Vgic
from machine.kvm.vm import Vm
from machine.runstate import RunState
from machine.topology import Topology
from machine.trace import Trace, TracePoint
from machine.virt import VirtMachine
from tests.machine.board import CPU, SMALL, Board

if TYPE_CHECKING:
    from machine.events import MachineEvent
    from tests.machine.board import Make

SELECTOR, FLAGS, COMMAND, DATA = (memmap.CPUHP.base + offset for offset in (0, 4, 5, 8))
GICR_TYPER, GICR_ISPENDR0 = 0x8, 0x1_0200
SGI_7 = 7 << 24
DEVICE_CHECK, EJECT_REQUEST = 1, 3
IN_PROGRESS, BUSY = 0x84, 0x82


def inserted(slot: int, device: str | None) -> list[MachineEvent]:
    return [AcpiDeviceOst(slot, device, DEVICE_CHECK, 0)]


def removed(slot: int, device: str) -> list[MachineEvent]:
    return [
        AcpiDeviceOst(slot, device, EJECT_REQUEST, IN_PROGRESS),
        DeviceDeleted(device, f"/machine/peripheral/{device}"),
        AcpiDeviceOst(slot, None, EJECT_REQUEST, 0),
    ]


def psci(vcpu: Vcpu, function: int, *args: int) -> int:
    answer = vcpu.hvc(function, *args)
    return answer - (answer >> 63 << 64)


def report(board: Board, slot: int, event: int, status: int) -> None:
    """What a guest's _OST does."""
    vcpu = board.vcpu()
    vcpu.store(SELECTOR, 4, slot)
    vcpu.store(COMMAND, 1, OST_EVENT)
    vcpu.store(DATA, 4, event)
    vcpu.store(COMMAND, 1, OST_STATUS)
    vcpu.store(DATA, 4, status)


def eject(board: Board, slot: int) -> None:
    """What a guest's _EJ0 does."""
    board.vcpu().store(SELECTOR, 4, slot)
    board.vcpu().store(FLAGS, 1, EJECT)


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

    def note_init(vgic: Vgic) -> None:
        order.append("init")
        init(vgic)

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


# The parked pool


def test_every_vcpu_without_a_cpu_is_parked(board: Board) -> None:
    assert board.parked() == [2, 3, 4, 5]
    board.plug(3, "core3")
    assert board.parked() == [2, 4, 5]
    board.unplug("core3")
    assert board.parked() == [2, 3, 4, 5]


def test_a_parked_vcpu_is_off_and_has_nobody_to_run_it(board: Board) -> None:
    board.plug(2, "core2")
    assert board.vcpu(2).mp_state is MpState.RUNNABLE
    assert board.vcpu(2).engine is not None
    board.unplug("core2")
    for vcpu in board.machine.accel.parked.values():
        assert vcpu.mp_state is MpState.STOPPED
        assert vcpu.engine is None
        assert vcpu.on_kick is None


def test_each_plug_finds_the_same_vcpu_mpidr_and_redistributor(board: Board) -> None:
    parked = board.machine.accel.parked[2]
    found = []
    for cycle in range(4):
        board.plug(2, f"cycle{cycle}")
        slot = board.slot(2)
        assert slot.cpu is not None
        assert slot.cpu.vcpu is parked
        typer = parked.load(slot.redistributor + GICR_TYPER, 8)
        found.append((slot.arch_id, parked.mrs("MPIDR_EL1"), slot.redistributor, typer))
        board.unplug(f"cycle{cycle}")
        assert board.machine.accel.parked[2] is parked
    assert found == [(2, 0x8000_0002, 0x080E_0000, found[0][3])] * 4
    assert found[0][3] >> 32 == 2


def test_a_vcpu_that_is_not_parked_cannot_be_taken_out(board: Board) -> None:
    with pytest.raises(MachineError, match="KVM vCPU 0 is not parked"):
        board.machine.accel.unpark_vcpu(0)


def test_a_cpu_comes_back_as_after_reset(board: Board) -> None:
    board.plug(2, "core2")
    board.vcpu(2).msr("CNTP_CVAL_EL0", 1 << 40)
    board.unplug("core2")
    board.add(2, "again")
    assert board.vcpu(2).mrs("CNTP_CVAL_EL0") == 0
    assert board.vcpu(2).mp_state is MpState.STOPPED


def test_a_cpu_that_hears_no_interrupt_is_not_given_back_until_it_does(board: Board) -> None:
    board.plug(2, "core2")
    board.vcpu(2).msr("ICC_PMR_EL1", 0)
    board.story()
    board.unplug("core2")
    first, second = board.story()
    assert first == AcpiDeviceOst(2, "core2", EJECT_REQUEST, IN_PROGRESS)
    assert second == AcpiDeviceOst(2, "core2", EJECT_REQUEST, BUSY)
    assert board.state().awaited == ()
    board.vcpu(2).msr("ICC_PMR_EL1", 0xF0)
    board.settle()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


# Wires


def connected(board: Board, index: int) -> set[bool]:
    slot = board.slot(index)
    vcpu = slot.vcpu
    lines = (slot.gic_cpu.irq, vcpu.virt_timer.line, vcpu.phys_timer.line)
    return {slot.gic_cpu.accessible, *(line.connected for line in lines)}


def test_a_plug_connects_the_cpu_and_an_unplug_cuts_it(board: Board) -> None:
    assert [connected(board, n) for n in range(6)] == [{True}] * 2 + [{False}] * 4
    board.plug(2, "core2")
    assert connected(board, 2) == {True}
    board.unplug("core2")
    assert connected(board, 2) == {False}


def test_no_sgi_reaches_a_cpu_that_is_not_plugged(board: Board) -> None:
    board.vcpu().msr("ICC_SGI1R_EL1", SGI_7 | 1 << 2)
    assert board.vcpu().load(board.slot(2).redistributor + GICR_ISPENDR0, 4) == 0


def test_a_timer_reaches_the_gic_only_while_its_cpu_is_plugged(board: Board) -> None:
    pending = board.slot(2).redistributor + GICR_ISPENDR0
    ppi = 1 << memmap.PPI_PHYSICAL_TIMER
    board.vcpu(2).phys_timer.write_ctl(1)
    assert board.vcpu(2).phys_timer.line.level
    assert not board.vcpu().load(pending, 4) & ppi
    board.plug(2, "core2")
    board.vcpu(2).phys_timer.write_ctl(1)
    assert board.vcpu().load(pending, 4) & ppi


def test_redistributors_of_cpus_that_are_not_plugged_can_be_accessed(board: Board) -> None:
    for slot in board.machine.slots:
        typer = board.vcpu().load(slot.redistributor + GICR_TYPER, 8)
        assert (typer >> 32, typer >> 8 & 0xFFFF) == (slot.arch_id, slot.index)


# Plug and unplug


def test_a_cpu_that_is_plugged_is_reported_and_comes_online(board: Board) -> None:
    board.plug(2, "core2")
    assert board.story() == inserted(2, "core2")
    assert board.online() == [0, 1, 2]


def test_a_cpu_that_is_unplugged_is_deleted_before_its_last_report(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")
    assert board.online() == [0, 1]
    assert board.slot(2).cpu is None


def test_cpus_are_listed_in_the_order_of_plugging(board: Board) -> None:
    for core in (2, 5, 3, 4):
        board.plug(core)
    assert board.plugged() == [0, 1, 2, 5, 3, 4]


def test_two_cpus_at_once_are_reported_in_the_order_of_their_slots(board: Board) -> None:
    board.add(4, "core4")
    board.add(3, "core3")
    board.settle()
    assert board.story() == inserted(3, "core3") + inserted(4, "core4")


def test_three_removals_at_once_are_done_one_after_the_other(board: Board) -> None:
    for core in (2, 3, 4):
        board.plug(core, f"core{core}")
    board.story()
    for core in (4, 2, 3):
        board.machine.device_del(f"core{core}")
    board.settle()
    assert board.story() == [told for n in (2, 3, 4) for told in removed(n, f"core{n}")]


def test_asking_three_times_for_a_removal_gives_one(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    for _ in range(3):
        board.machine.device_del("core2")
    board.settle()
    assert board.story() == removed(2, "core2")


def test_asking_again_while_the_guest_is_at_it_gives_no_second_removal(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    board.machine.device_del("core2")
    clock = board.machine.clock
    while AcpiDeviceOst(2, "core2", EJECT_REQUEST, IN_PROGRESS) not in board.told:
        assert clock.next_deadline is not None
        clock.advance_to(clock.next_deadline)
    board.machine.device_del("core2")
    board.settle()
    assert board.story().count(DeviceDeleted("core2", "/machine/peripheral/core2")) == 1
    board.plug(2, "next")
    assert board.online() == [0, 1, 2]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_many_cpus_come_and_go_in_any_order(data: st.DataObject) -> None:
    cores = range(1, 12)
    come, go = (data.draw(st.permutations(cores)) for _ in range(2))
    board = Board(MachineConfig(Topology(1, 1, 1, 12, 1), ram_size=SMALL))
    with closing(board.machine):
        board.settle()
        for core in come:
            board.plug(core, f"core{core}")
        assert board.plugged() == [0, *come]
        assert board.online() == [0, *cores]
        board.story()
        for core in go:
            board.unplug(f"core{core}")
        assert board.story() == [told for n in go for told in removed(n, f"core{n}")]
        assert board.online() == board.plugged() == [0]
        assert board.parked() == list(cores)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 5), st.booleans()), max_size=30))
def test_whatever_is_asked_pool_and_plugged_cpus_make_up_all(plan: list[tuple[int, bool]]) -> None:
    board = Board(MachineConfig(Topology(2, 1, 1, 6, 1), ram_size=SMALL))
    with closing(board.machine):
        board.settle()
        for core, wait in plan:
            there = board.slot(core).cpu is not None
            if there:
                board.machine.device_del(f"core{core}")
            else:
                board.add(core, f"core{core}")
            if wait:
                board.settle()
            assert sorted(board.plugged() + board.parked()) == list(range(6))
        board.settle()
        assert board.online() == sorted(board.plugged())
        assert board.state().pending == frozenset()


def test_a_removal_behind_an_insertion_is_delivered_too(board: Board) -> None:
    board.add(2, "core2")
    board.machine.device_del("core2")
    board.settle()
    assert board.story() == inserted(2, "core2") + removed(2, "core2")
    assert board.online() == [0, 1]


def test_requests_of_a_stopped_machine_are_answered_once_it_goes_on(board: Board) -> None:
    board.machine.stop()
    assert not board.machine.running
    board.add(2, "core2")
    assert board.story() == [Stopped()]
    board.machine.cont()
    board.settle()
    assert board.story() == [Resumed(), *inserted(2, "core2")]


# What the guest does by itself


@pytest.mark.parametrize("index", [0, 1])
def test_an_eject_of_a_cpu_that_was_there_at_boot_is_ignored(board: Board, index: int) -> None:
    before = board.state()
    eject(board, index)
    board.settle()
    assert board.state() == before
    assert board.story() == []
    assert board.vcpu().load(FLAGS, 1) & 1


def test_an_eject_of_an_empty_slot_is_ignored(board: Board) -> None:
    before = board.state()
    eject(board, 4)
    assert board.state() == before
    assert board.story() == []


def test_an_eject_that_nobody_asked_for_removes_a_hot_plugged_cpu(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    eject(board, 2)
    assert board.story() == [DeviceDeleted("core2", "/machine/peripheral/core2")]
    assert board.vcpu().load(FLAGS, 1) & 0b10_0001 == 0b10_0000


def test_an_eject_answers_the_request_so_that_the_next_cpu_does_not_meet_it(board: Board) -> None:
    board.plug(2, "core2")
    board.machine.stop()
    board.machine.device_del("core2")
    eject(board, 2)
    board.add(2, "next")
    assert board.vcpu().load(FLAGS, 1) & 0b110 == 0b010
    assert board.state().awaited == ()


def test_a_report_names_slot_device_source_and_status(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    report(board, 2, 0x103, 0x80)
    assert board.story() == [AcpiDeviceOst(2, "core2", 0x103, 0x80)]
    statuses = board.machine.ospm_status()
    assert statuses[2] == AcpiDeviceOst(2, "core2", 0x103, 0x80)
    assert statuses[0] == AcpiDeviceOst(0, None, 0, 0)
    assert [status.slot for status in statuses] == list(range(6))


# PSCI


def test_cpu_on_of_a_cpu_that_is_not_plugged_is_denied(board: Board) -> None:
    assert psci(board.vcpu(), CPU_ON_64, 2, memmap.RAM_BASE, 0) == Result.DENIED
    assert board.vcpu(2).mp_state is MpState.STOPPED


def test_cpu_on_of_an_mpidr_that_there_is_not_is_denied(board: Board) -> None:
    assert psci(board.vcpu(), CPU_ON_64, 0x700, memmap.RAM_BASE, 0) == Result.DENIED


@pytest.mark.parametrize("target", [0, 1])
def test_cpu_on_of_a_cpu_that_is_on_says_so(board: Board, target: int) -> None:
    assert psci(board.vcpu(), CPU_ON_64, target, memmap.RAM_BASE, 0) == Result.ALREADY_ON


def off(board: Board) -> Board:
    """CPU 2 is plugged, and the guest leaves it off."""
    kernel = board.machine.power.kernel
    assert kernel is not None
    kernel.auto_online = False
    board.plug(2, "core2")
    return board


def test_cpu_on_at_an_address_that_is_no_instructions_is_refused(board: Board) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE + 2, 0) == Result.INVALID_PARAMETERS
    assert board.vcpu(2).mp_state is MpState.STOPPED


def test_cpu_on_starts_a_cpu_at_the_entry_with_the_context(board: Board) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0xC0FFEE) == Result.SUCCESS
    assert (board.vcpu(2).pc, board.vcpu(2).x0) == (memmap.RAM_BASE, 0xC0FFEE)
    assert board.vcpu(2).mp_state is MpState.RUNNABLE
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0) == Result.ALREADY_ON
    board.settle()


def test_cpu_on_resets_the_gic_cpu_interface(board: Board) -> None:
    vcpu = off(board).vcpu()
    board.vcpu(2).msr("ICC_PMR_EL1", 0x80)
    psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0)
    assert board.vcpu(2).mrs("ICC_PMR_EL1") == 0


def test_cpu_on_ignores_the_bits_of_mpidr_that_are_no_affinity(board: Board) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, 0x8000_0002, memmap.RAM_BASE, 0) == Result.SUCCESS


def test_cpu_off_stops_the_caller_and_takes_its_engine(board: Board) -> None:
    assert psci(board.vcpu(1), Function.CPU_OFF) == Result.SUCCESS
    assert board.vcpu(1).mp_state is MpState.STOPPED
    assert board.vcpu(1).engine is None
    assert board.plugged() == [0, 1]


# Reset and power-off


def test_a_reset_completes_a_removal_that_is_pending(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    board.machine.device_del("core2")
    board.machine.system_reset()
    assert board.story() == [
        DeviceDeleted("core2", "/machine/peripheral/core2"),
        WasReset(guest=False, reason="host-qmp-system-reset"),
    ]
    assert board.state().pending == frozenset()
    board.settle()
    assert board.story() == []
    assert board.online() == [0, 1]


def test_a_reset_does_not_remove_a_cpu_that_the_guest_has_refused_to_give(board: Board) -> None:
    board.plug(2, "core2")
    board.machine.stop()
    board.machine.device_del("core2")
    report(board, 2, EJECT_REQUEST, IN_PROGRESS)
    assert board.state().awaited == (2,)
    report(board, 2, EJECT_REQUEST, BUSY)
    assert board.state().awaited == ()
    board.machine.system_reset()
    board.settle()
    assert board.online() == [0, 1, 2]


def test_a_reset_clears_an_insertion_and_the_guest_boots_with_the_cpu(board: Board) -> None:
    board.add(2, "core2")
    board.machine.system_reset()
    assert board.state().pending == frozenset()
    board.settle()
    assert board.story() == [WasReset(guest=False, reason="host-qmp-system-reset")]
    assert board.online() == [0, 1, 2]
    board.unplug("core2")
    assert board.story() == removed(2, "core2")


def test_hot_plugged_cpus_survive_a_reset(board: Board) -> None:
    board.plug(4, "core4")
    board.plug(2, "core2")
    board.machine.system_reset()
    board.settle()
    assert board.plugged() == [0, 1, 4, 2]
    assert board.online() == [0, 1, 2, 4]
    board.unplug("core4")
    assert board.online() == [0, 1, 2]


def test_a_reset_leaves_the_hotplug_registers_as_they_are(board: Board) -> None:
    board.plug(2, "core2")
    board.machine.system_reset()
    hotplug = board.machine.cpuhp
    assert hotplug is not None
    assert (hotplug.selector, hotplug.cpus[2].ost_event) == (2, DEVICE_CHECK)


def test_a_reset_resets_the_gic_and_every_cpus_interface(board: Board) -> None:
    board.vcpu(1).msr("ICC_PMR_EL1", 0x80)
    assert board.vcpu().load(memmap.GICD.base, 4)
    board.machine.system_reset()
    assert not board.vcpu().load(memmap.GICD.base, 4) & 0b11
    assert [board.vcpu(n).mrs("ICC_PMR_EL1") for n in (0, 1)] == [0, 0]


def test_a_reset_forgets_that_the_power_button_was_pressed(board: Board) -> None:
    board.machine.system_powerdown()
    board.machine.system_reset()
    board.settle()
    board.plug(2, "core2")
    assert board.machine.run_state is RunState.RUNNING


def test_a_reset_by_the_guest_says_that_it_was_the_guest(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    board.vcpu().hvc(Function.SYSTEM_RESET)
    board.settle()
    assert board.story() == [WasReset(guest=True, reason="guest-reset")]
    assert board.online() == [0, 1, 2]


def test_a_reset_of_a_stopped_machine_leaves_it_in_prelaunch(board: Board) -> None:
    board.machine.stop()
    board.machine.system_reset()
    assert board.machine.run_state is RunState.PRELAUNCH


def test_the_power_button_ends_the_machine_by_way_of_the_guest(board: Board) -> None:
    board.machine.system_powerdown()
    assert board.story() == [PowerdownRequested()]
    board.settle()
    assert board.story() == [ShutdownRequested(guest=True, reason="guest-shutdown")]
    assert board.machine.run_state is RunState.SHUTDOWN


def test_a_machine_ends_once(board: Board) -> None:
    board.machine.shutdown("host-qmp-quit")
    board.machine.shutdown("host-signal")
    assert board.story() == [ShutdownRequested(guest=False, reason="host-qmp-quit")]


# Before the guest is up


def test_a_cpu_plugged_before_launch_is_online_without_a_report(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    assert board.machine.run_state is RunState.PRELAUNCH
    board.add(2, "core2")
    board.machine.cont()
    board.settle()
    assert board.story() == [Resumed()]
    assert board.online() == [0, 1, 2]
    assert board.state().pending == {2}


def test_its_removal_delivers_the_report_of_the_insertion_first(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    board.add(2, "core2")
    board.machine.cont()
    board.settle()
    board.story()
    board.unplug("core2")
    assert board.story() == inserted(2, "core2") + removed(2, "core2")
    assert board.online() == [0, 1]


def test_a_cpu_asked_back_before_the_guests_first_instruction_goes_at_once(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    board.add(2, "core2")
    board.machine.device_del("core2")
    assert board.story() == [DeviceDeleted("core2", "/machine/peripheral/core2")]
    assert board.state().pending == frozenset()
    board.machine.cont()
    board.settle()
    assert board.story() == [Resumed()]
    assert board.online() == [0, 1]


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


# QOM


def test_boot_cpus_are_unattached_and_plugged_ones_peripheral(board: Board) -> None:
    board.plug(2, "core2")
    board.plug(3)
    board.plug(4)
    paths = [cpu.path for _, cpu in board.machine.cpus()]
    assert paths == [
        "/machine/unattached/device[0]",
        "/machine/unattached/device[1]",
        "/machine/peripheral/core2",
        "/machine/peripheral-anon/device[0]",
        "/machine/peripheral-anon/device[1]",
    ]
    assert [board.machine.qom.get(path, "core-id") for path in paths] == [0, 1, 2, 3, 4]


def test_the_number_of_an_anonymous_cpu_is_not_used_again(board: Board) -> None:
    board.plug(2)
    board.story()
    board.unplug("/machine/peripheral-anon/device[0]")
    assert DeviceDeleted(None, "/machine/peripheral-anon/device[0]") in board.story()
    board.plug(2)
    assert board.slot(2).cpu is not None
    assert [cpu.path for _, cpu in board.machine.cpus()][2] == "/machine/peripheral-anon/device[1]"


@pytest.mark.parametrize(
    "name",
    [
        "core2",
        "/machine/peripheral/core2",
        "/machine/peripheral/core2/",
        "//machine/peripheral//core2",
    ],
)
def test_a_cpu_is_removed_by_its_id_or_any_spelling_of_its_path(board: Board, name: str) -> None:
    board.plug(2, "core2")
    board.unplug(name)
    assert board.plugged() == [0, 1]


def test_a_cpu_that_is_gone_is_not_found(board: Board) -> None:
    board.plug(2, "core2")
    board.unplug("core2")
    for name in ("core2", "/machine/peripheral/core2"):
        with pytest.raises(DeviceNotFoundError, match=f"Device '{name}' not found"):
            board.machine.device_del(name)


def test_a_part_of_a_cpu_is_no_device(board: Board) -> None:
    name = "/machine/unattached/device[0]/unnamed-gpio-in[0]"
    with pytest.raises(MachineError) as refused:
        board.machine.device_del(name)
    assert str(refused.value) == f"{name} is not a device"


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
    for slot in machine.slots:
        typer = board.vcpu().load(slot.redistributor + GICR_TYPER, 8)
        assert (typer >> 32, typer >> 8 & 0xFFFF) == (slot.arch_id, slot.index)


def test_the_last_of_512_cpus_comes_and_goes(boards: Make) -> None:
    board = boards(Topology(1, 4, 1, 128, 1))
    board.machine.device_add({"driver": CPU, "id": "last", "socket-id": 3, "core-id": 127})
    board.settle()
    assert board.online() == [0, 511]
    board.unplug("last")
    assert board.online() == [0]
    assert board.story() == inserted(511, "last") + removed(511, "last")


def test_123_cpus_need_one_region_and_124_need_two(boards: Make) -> None:
    for count, regions in ((123, 1), (124, 2)):
        board = boards(Topology(1, 1, 1, count, 1), boot=False)
        assert len(board.machine.redistributor_regions) == regions


def test_the_high_region_lies_behind_the_ram_and_is_aligned_to_its_size() -> None:
    assert memmap.high_redistributors(1 << 30).base == 256 << 30
    large = memmap.high_redistributors((300 << 30) + 4096)
    assert large.base >= memmap.RAM_BASE + (300 << 30) + 4096
    assert large.base % large.size == 0


def test_a_cpu_can_have_a_midr_of_its_own_and_the_next_one_in_its_place_does_not(
    board: Board,
) -> None:
    board.machine.device_add({"driver": CPU, "id": "odd", "core-id": 2, "midr": 0x411FD070})
    board.settle()
    slot = board.slot(2)
    assert slot.vcpu.mrs("MIDR_EL1") == 0x411FD070
    assert board.machine.qom.get("odd", "midr") == 0x411FD070
    board.unplug("odd")
    board.plug(2, "even")
    assert slot.vcpu.mrs("MIDR_EL1") == board.machine.cpu_model.midr


@pytest.mark.parametrize(("name", "given"), [("core-count", 7), ("cntfrq", 1000), ("pmu", False)])
def test_a_property_that_the_user_set_is_what_qom_shows(
    board: Board,
    name: str,
    given: object,
) -> None:
    board.machine.device_add({"driver": CPU, "id": "odd", "core-id": 2, name: given})
    assert board.machine.qom.get("odd", name) == given
