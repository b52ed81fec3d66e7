"""What stages cause: done as whoever would do it, and harmless where it can't be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.errors import MachineError
from machine.events import (
    Aborted,
    AcpiDeviceOst,
    DeviceDeleted,
    ErrorSeverity,
    ShutdownRequested,
    Stopped,
    VcpuChanged,
    VcpuError,
    WasReset,
)
from machine.faults.table import ACTIONS
from machine.kvm.run import InternalError, InternalErrorExit
from machine.runstate import RunState
from tests.machine.faults.stages import MS, inject, log, online_file, pass_time, watched
from tests.machine.guest_side import inserted, removed

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

NEEDS_RESET = "Resetting the Virtual Machine is required"


def do(board: Board, action: str, cpu: int | None = None) -> None:
    """Have it happen now, and what follows."""
    inject(board.machine, "now", action, name=action, target=cpu)
    board.settle()
    if action in {stage.stage.name for stage in board.machine.faults.armed()}:
        board.machine.faults.clear(action)


# The guest's user


def test_a_user_of_the_guest_offlines_and_onlines_a_cpu(board: Board) -> None:
    do(board, "offline", 1)
    assert board.online() == [0]
    do(board, "online", 1)
    assert board.online() == [0, 1]


def test_a_user_of_the_guest_ejects_a_cpu(board: Board) -> None:
    board.plug(4, "c4")
    board.story()
    do(board, "eject", 4)
    assert DeviceDeleted("c4", "/machine/peripheral/c4") in board.story()
    assert board.plugged() == [0, 1]
    board.plug(4, "c4")
    assert board.online() == [0, 1, 4]


def test_the_guest_reboots(board: Board) -> None:
    do(board, "reboot")
    assert board.story() == [WasReset(guest=True, reason="guest-reset")]
    assert board.online() == [0, 1]


def test_the_guest_powers_off(board: Board) -> None:
    do(board, "poweroff")
    assert "reboot: Power down" in log(board)
    assert board.story() == [ShutdownRequested(guest=True, reason="guest-shutdown")]


def test_a_reboot_in_the_middle_of_an_unplug_completes_it(board: Board) -> None:
    board.plug(2, "c2")
    inject(board.machine, "unplug-request", "reboot")
    board.story()
    board.unplug("c2")
    assert [type(event) for event in board.story()][-1] is WasReset
    assert board.plugged() == [0, 1]


# Hardware errors


@pytest.mark.parametrize("severity", ErrorSeverity)
def test_a_hardware_error_of_a_cpu_is_told_and_counted(
    board: Board, severity: ErrorSeverity
) -> None:
    board.plug(2, "c2")
    board.told.clear()
    do(board, f"{severity.value}-error", 2)
    told = [event for event in board.told if isinstance(event, VcpuError | VcpuChanged)]
    assert told[:2] == [
        VcpuError(2, "c2", "/machine/peripheral/c2", severity),
        VcpuChanged(2),
    ]
    cpu = board.slot(2).cpu
    assert cpu is not None
    assert cpu.errors == {severity: 1}


def test_the_next_cpu_in_the_slot_has_had_no_errors(board: Board) -> None:
    board.plug(2, "c2")
    do(board, "corrected-error", 2)
    board.unplug("c2")
    board.plug(2, "c2")
    cpu = board.slot(2).cpu
    assert cpu is not None
    assert not cpu.errors


# KVM_RUN fails


def broken(board: Board) -> Board:
    board.plug(2, "c2")
    board.story()
    do(board, "internal-error", 2)
    return board


def test_a_kvm_run_that_fails_stops_the_machine(board: Board) -> None:
    broken(board)
    assert board.story() == [Stopped()]
    assert board.machine.run_state is RunState.INTERNAL_ERROR
    assert not board.machine.running
    assert board.vcpu(2).kvm_run == InternalErrorExit(InternalError.EMULATION)


def test_only_a_reset_leads_on_from_an_internal_error(board: Board) -> None:
    broken(board).story()
    board.machine.stop()
    with pytest.raises(MachineError, match=NEEDS_RESET):
        board.machine.cont()
    assert board.machine.run_state is RunState.INTERNAL_ERROR
    assert board.story() == []
    board.machine.system_reset()
    assert board.machine.run_state.value == "prelaunch"
    assert board.vcpu(2).kvm_run is None
    board.machine.cont()
    board.settle()
    assert board.online() == [0, 1, 2]
    board.story()
    board.unplug("c2")
    assert board.story() == removed(2, "c2")


def test_cpus_are_plugged_and_asked_for_in_an_internal_error_as_in_any_machine_that_stands(
    board: Board,
) -> None:
    broken(board)
    board.add(3, "c3")
    board.machine.device_del("c2")
    board.story()
    board.machine.system_reset()
    assert DeviceDeleted("c2", "/machine/peripheral/c2") in board.story()
    board.machine.cont()
    board.settle()
    assert board.online() == [0, 1, 3]


def test_a_machine_with_an_internal_error_can_be_ended(board: Board) -> None:
    broken(board).story()
    board.machine.shutdown("host-qmp-quit")
    assert board.machine.run_state is RunState.SHUTDOWN


# The VMM


def test_a_vmm_that_aborts_says_so_to_the_daemon_only(board: Board) -> None:
    do(board, "abort")
    assert board.told == [Aborted()]


# What can't be done


@pytest.mark.parametrize("action", [name for name, action in ACTIONS.items() if action.cpu])
def test_what_can_not_be_done_to_an_absent_cpu_changes_nothing(board: Board, action: str) -> None:
    points = watched(board.machine, "fault")
    before = board.state()
    do(board, action, 4)
    told = [point.fields["reason"] for point in points if point.name == "not_done"]
    assert len(told) == 1
    assert (board.state(), board.told) == (before, [])
    board.plug(4, "c4")
    assert board.story() == inserted(4, "c4")


@pytest.mark.parametrize("action", ["online", "offline", "eject", "reboot", "poweroff", "panic"])
def test_a_guest_that_is_not_up_does_nothing(boards: Make, action: str) -> None:
    board = boards(boot=False)
    points = watched(board.machine, "fault")
    target = 1 if ACTIONS[action].cpu else None
    inject(board.machine, "now", action, target=target)
    pass_time(board, 0)
    (point,) = [point for point in points if point.name == "not_done"]
    assert point.fields["reason"] in {
        "the guest is not up",
        "the guest knows no CPU with arch-id 1",
    }
    board.settle()
    assert board.online() == [0, 1]
    assert board.machine.run_state is RunState.RUNNING


def test_what_the_guest_refuses_its_user_later_is_told_then(board: Board) -> None:
    points = watched(board.machine, "fault")
    board.write(online_file(1), "0")
    do(board, "offline", 0)
    (point,) = [point for point in points if point.name == "not_done"]
    assert point.fields == {"path": online_file(0), "reason": "Device or resource busy"}
    assert board.online() == [0]


def test_an_action_is_done_by_a_machine_in_its_time(board: Board) -> None:
    """What is to come waits while the machine stands still."""
    board.plug(2, "c2")
    board.told.clear()
    inject(board.machine, "now", "internal-error", target=2, delay=10 * MS)
    board.machine.stop()
    board.settle()
    assert board.machine.run_state is RunState.PAUSED
    board.machine.cont()
    board.settle()
    assert board.machine.run_state.value == "internal-error"


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_can_be_done(board: Board, action: str) -> None:
    board.plug(2, "c2")
    points = watched(board.machine, "fault")
    duration = MS if ACTIONS[action].lasts else None
    target = 2 if ACTIONS[action].cpu else None
    inject(board.machine, "now", action, target=target, duration=duration)
    board.settle()
    assert [point.name for point in points] == [action]


def test_an_ejection_of_a_boot_cpu_is_refused_by_the_machine_and_told(board: Board) -> None:
    do(board, "eject", 1)
    last = board.story()[-1]
    assert isinstance(last, AcpiDeviceOst)
    assert last.status == 1
    assert board.plugged() == [0, 1]
