"""PSCI, reset and power-off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.acpi.cpu_hotplug import EJECT, REMOVING
from machine.engine.model import ModelEngine
from machine.events import (
    DeviceDeleted,
    PowerdownRequested,
    ShutdownRequested,
    WasReset,
)
from machine.guest.behaviour import Behaviour, OnlinePolicy
from machine.guest.platform import PowerOff
from machine.kvm.smccc import CPU_ON_64, Function, Result
from machine.kvm.vcpu import MpState
from machine.runstate import RunState
from tests.machine.guest_side import (
    BUSY,
    DEVICE_CHECK,
    EJECT_REQUEST,
    FLAGS,
    IN_PROGRESS,
    SELECTOR,
    SGI_7,
    psci,
    removed,
    report,
)

if TYPE_CHECKING:
    from machine.guest.platform import Platform, Thread
    from tests.machine.board import Board

GICR_WAKER, GICR_IGROUPR0, GICR_ISENABLER0 = 0x14, 0x1_0080, 0x1_0100


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
    board.machine.will.behaviour = Behaviour(online=OnlinePolicy.NEVER)
    board.plug(2, "core2")
    return board


@pytest.mark.parametrize("target", [1, 2, 4, 0x700], ids=["on", "off", "absent", "impossible"])
@pytest.mark.parametrize("entry", [memmap.RAM_BASE + 2, 1])
def test_cpu_on_at_an_address_that_is_no_instructions_is_refused_first(
    board: Board, target: int, entry: int
) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, target, entry, 0) == Result.INVALID_PARAMETERS
    assert board.vcpu(2).mp_state is MpState.STOPPED


@pytest.mark.parametrize("target", [0x8000_0002, 1 << 24 | 2, 1 << 40 | 2])
def test_cpu_on_of_bits_that_are_no_affinity_is_refused(board: Board, target: int) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, target, memmap.RAM_BASE, 0) == Result.INVALID_PARAMETERS
    assert board.vcpu(2).mp_state is MpState.STOPPED


def test_a_32_bit_cpu_on_does_not_look_at_the_upper_halves(board: Board) -> None:
    vcpu, high = off(board).vcpu(), 0xDEAD_BEEF << 32
    args = (high | 2, high | memmap.RAM_BASE, high | 7)
    assert psci(vcpu, Function.CPU_ON, *args) == Result.SUCCESS
    assert (board.vcpu(2).pc, board.vcpu(2).x0) == (memmap.RAM_BASE, 7)


def test_cpu_on_starts_a_cpu_at_the_entry_with_the_context(board: Board) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0xC0FFEE) == Result.SUCCESS
    assert (board.vcpu(2).pc, board.vcpu(2).x0) == (memmap.RAM_BASE, 0xC0FFEE)
    assert board.vcpu(2).mp_state is MpState.RUNNABLE
    board.settle()


def test_a_cpu_that_is_on_its_way_is_pending_until_it_executes(board: Board) -> None:
    vcpu = off(board).vcpu()
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0) == Result.SUCCESS
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0) == Result.ON_PENDING
    board.settle()
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0) == Result.ALREADY_ON


def test_a_cpu_that_goes_off_before_it_has_executed_can_be_started_again(board: Board) -> None:
    vcpu = off(board).vcpu()
    psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0)
    psci(board.vcpu(2), Function.CPU_OFF)
    assert psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0) == Result.SUCCESS


def test_cpu_on_resets_the_gic_cpu_interface(board: Board) -> None:
    vcpu = off(board).vcpu()
    board.vcpu(2).msr("ICC_PMR_EL1", 0x80)
    psci(vcpu, CPU_ON_64, 2, memmap.RAM_BASE, 0)
    assert board.vcpu(2).mrs("ICC_PMR_EL1") == 0


def test_cpu_off_stops_the_caller_and_takes_its_engine(board: Board) -> None:
    assert psci(board.vcpu(1), Function.CPU_OFF) == Result.SUCCESS
    assert board.vcpu(1).mp_state is MpState.STOPPED
    assert board.vcpu(1).engine is None
    assert board.plugged() == [0, 1]


class Napper:
    """Code that suspends its CPU, and notes when it goes on."""

    def __init__(self) -> None:
        self.noted: list[str] = []

    def enter(self, platform: Platform, _pc: int, _x0: int) -> Thread:
        platform.on_irq(lambda: self._take(platform))
        platform.msr("ICC_PMR_EL1", 0xFF)
        platform.msr("ICC_IGRPEN1_EL1", 1)
        answer = platform.smccc(Function.CPU_SUSPEND, 0, memmap.RAM_BASE, 0)
        self.noted.append(f"suspended: {answer}")
        yield
        self.noted.append("goes on")
        yield

    def _take(self, platform: Platform) -> None:
        self.noted.append(f"interrupt {platform.mrs('ICC_IAR1_EL1')}")


def test_a_cpu_that_is_suspended_goes_on_with_an_interrupt(board: Board) -> None:
    code = Napper()
    board.machine.power.engine_factory = lambda vcpu, _image: ModelEngine(vcpu, code)
    psci(off(board).vcpu(), CPU_ON_64, 2, memmap.RAM_BASE, 0)
    board.settle()
    assert code.noted == ["suspended: 0"]
    frame = board.slot(2).redistributor
    for register, value in ((GICR_WAKER, 0), (GICR_IGROUPR0, 1 << 7), (GICR_ISENABLER0, 1 << 7)):
        board.vcpu().store(frame + register, 4, value)
    board.vcpu().msr("ICC_SGI1R_EL1", SGI_7 | 1 << 2)
    board.settle()
    assert code.noted == ["suspended: 0", "interrupt 7", "goes on"]


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
    board.vcpu().store(SELECTOR, 4, 2)
    board.vcpu().store(FLAGS, 1, REMOVING)
    report(board, 2, EJECT_REQUEST, IN_PROGRESS)
    assert board.state().awaited == (2,)
    report(board, 2, EJECT_REQUEST, BUSY)
    assert board.state().awaited == ()
    board.machine.system_reset()
    board.machine.cont()
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


# Requests that meet one another


SYSTEM_OFF, SYSTEM_RESET = Function.SYSTEM_OFF, Function.SYSTEM_RESET


def test_a_reset_that_two_cpus_ask_for_at_once_is_one(board: Board) -> None:
    for cpu in (0, 1):
        psci(board.vcpu(cpu), SYSTEM_RESET)
    board.settle()
    assert board.story() == [WasReset(guest=True, reason="guest-reset")]


def test_a_power_off_goes_before_a_reset_and_nothing_comes_after_it(board: Board) -> None:
    psci(board.vcpu(0), SYSTEM_RESET)
    psci(board.vcpu(1), SYSTEM_OFF)
    board.settle()
    board.machine.system_reset()
    assert board.story() == [ShutdownRequested(guest=True, reason="guest-shutdown")]


def test_a_reset_from_outside_answers_the_guests_own(board: Board) -> None:
    psci(board.vcpu(0), SYSTEM_RESET)
    board.machine.system_reset()
    board.settle()
    assert board.story() == [WasReset(guest=False, reason="host-qmp-system-reset")]


def test_the_32_bit_cpu_on_is_the_vmms_to_answer_as_well(board: Board) -> None:
    assert psci(board.vcpu(), Function.CPU_ON, 2, memmap.RAM_BASE, 0) == Result.DENIED
    assert psci(board.vcpu(), Function.CPU_ON, 1, memmap.RAM_BASE, 0) == Result.ALREADY_ON


def test_a_cpu_that_ejects_itself_executes_nothing_more(board: Board) -> None:
    board.plug(2, "core2")
    vcpu = board.vcpu(2)
    engine = vcpu.engine
    assert isinstance(engine, ModelEngine)
    engine.store(SELECTOR, 4, 2)
    with pytest.raises(PowerOff):
        engine.store(FLAGS, 1, EJECT)
    assert vcpu.engine is None


def test_the_timers_of_a_parked_vcpu_stand_still(board: Board) -> None:
    board.plug(2, "core2")
    board.vcpu(2).msr("CNTP_CVAL_EL0", 1 << 30)
    board.vcpu(2).msr("CNTP_CTL_EL0", 1)
    board.unplug("core2")
    assert board.machine.clock.next_deadline is None
