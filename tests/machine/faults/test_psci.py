"""Firmware that does not do as it is asked: CPU_ON, CPU_OFF, AFFINITY_INFO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.events import VcpuChanged
from machine.kvm.smccc import Function, Result
from machine.kvm.vcpu import MpState
from tests.machine.faults.stages import (
    MS,
    OFF,
    ON,
    ON_PENDING,
    SECOND,
    affinity_info,
    cpu_on,
    inject,
    log,
    online_file,
    pass_time,
    watched,
)
from tests.machine.guest_side import inserted, psci, removed

if TYPE_CHECKING:
    from machine.events import MachineEvent
    from tests.machine.board import Board

REFUSALS = {
    "denied": Result.DENIED,
    "invalid-parameters": Result.INVALID_PARAMETERS,
    "already-on": Result.ALREADY_ON,
    "internal-failure": Result.INTERNAL_FAILURE,
}


def is_whole(board: Board, index: int = 2) -> None:
    """The CPU that had a fault can be taken out, and come back."""
    board.story()
    board.unplug("c2")
    assert board.story() == removed(index, "c2")
    board.plug(index, "c2")
    assert board.story() == inserted(index, "c2")
    assert board.online() == [0, 1, index]


# CPU_ON


@pytest.mark.parametrize("outcome", REFUSALS)
def test_a_cpu_that_cpu_on_refuses_is_enabled_and_offline(board: Board, outcome: str) -> None:
    calls = watched(board.machine, "psci")
    inject(board.machine, "cpu-on", outcome)
    board.plug(2, "c2")
    assert [point.fields["result"] for point in calls] == [REFUSALS[outcome]]
    assert board.story() == inserted(2, "c2")
    assert board.online() == [0, 1]
    assert board.vcpu(2).mp_state is MpState.STOPPED
    assert affinity_info(board, 2) == OFF


@pytest.mark.parametrize("outcome", REFUSALS)
def test_once_cpu_on_does_not_refuse_any_more_the_cpu_can_be_onlined(
    board: Board, outcome: str
) -> None:
    inject(board.machine, "cpu-on", outcome)
    board.plug(2, "c2")
    board.machine.faults.clear()
    assert board.write(online_file(2), "1") == 0
    assert board.online() == [0, 1, 2]
    is_whole(board)


def test_only_a_cpu_that_could_be_started_is_a_matter_for_a_stage(board: Board) -> None:
    inject(board.machine, "cpu-on", "internal-failure")
    assert cpu_on(board, 4) == Result.DENIED, "it is not there"
    assert cpu_on(board, 1) == Result.ALREADY_ON
    (armed,) = board.machine.faults.armed()
    assert armed.seen == 0


def test_a_cpu_that_is_pending_for_good_never_comes_online(board: Board) -> None:
    inject(board.machine, "cpu-on", "pending")
    board.plug(2, "c2")
    assert "CPU2: failed to come online" in log(board)
    assert board.online() == [0, 1]
    assert affinity_info(board, 2) == ON_PENDING
    assert cpu_on(board, 2) == Result.ON_PENDING
    assert board.vcpu(2).engine is None


def test_a_cpu_that_is_pending_begins_when_the_stage_is_cleared(board: Board) -> None:
    inject(board.machine, "cpu-on", "pending")
    board.add(2, "c2")
    pass_time(board, SECOND)
    assert affinity_info(board, 2) == ON_PENDING
    board.machine.faults.clear()
    pass_time(board, MS)
    assert affinity_info(board, 2) == ON
    assert board.online() == [0, 1, 2]
    is_whole(board)


def test_a_stage_of_another_cpu_leaves_one_pending_that_is(board: Board) -> None:
    inject(board.machine, "cpu-on", "pending", "two", cpu=2)
    inject(board.machine, "cpu-on", "pending", "three", cpu=3)
    board.add(2, "c2")
    pass_time(board, MS)
    board.machine.faults.clear("three")
    assert affinity_info(board, 2) == ON_PENDING


def test_a_cpu_that_is_pending_can_be_unplugged(board: Board) -> None:
    inject(board.machine, "cpu-on", "pending")
    board.plug(2, "c2")
    board.story()
    board.unplug("c2")
    assert board.story() == removed(2, "c2")
    assert affinity_info(board, 2) == OFF
    board.machine.faults.clear()
    board.settle()
    assert board.vcpu(2).mp_state is MpState.STOPPED
    board.plug(2, "c2")
    assert board.online() == [0, 1, 2]


def test_a_reset_forgets_what_was_pending(board: Board) -> None:
    inject(board.machine, "cpu-on", "pending", count=1)
    board.plug(2, "c2")
    board.machine.system_reset()
    assert affinity_info(board, 2) == OFF
    board.settle()
    assert board.online() == [0, 1, 2]
    is_whole(board)


def test_a_cpu_that_is_pending_is_not_off_for_a_system_that_wants_to_sleep(board: Board) -> None:
    inject(board.machine, "cpu-on", "pending")
    board.plug(2, "c2")
    board.write(online_file(1), "0")
    answer = board.machine.psci.system_suspend(board.vcpu(), 0x4000_0000, 0)
    assert answer == Result.DENIED


def test_cpu_on_may_take_a_while(board: Board) -> None:
    inject(board.machine, "cpu-on", "accept", delay=30 * MS)
    board.add(2, "c2")
    pass_time(board, 29 * MS)
    assert affinity_info(board, 2) == ON_PENDING
    assert cpu_on(board, 2) == Result.ON_PENDING
    assert board.online() == [0, 1]
    pass_time(board, 2 * MS)
    assert affinity_info(board, 2) == ON
    assert board.online() == [0, 1, 2]
    board.machine.faults.clear()
    is_whole(board)


def test_a_cpu_on_its_way_stays_where_it_is_while_the_machine_is_stopped(board: Board) -> None:
    inject(board.machine, "cpu-on", "accept", delay=30 * MS)
    board.add(2, "c2")
    pass_time(board, 10 * MS)
    board.machine.stop()
    board.settle()
    assert affinity_info(board, 2) == ON_PENDING
    board.machine.cont()
    board.settle()
    assert board.online() == [0, 1, 2]


@pytest.mark.parametrize("clears", [True, False])
def test_a_reset_in_the_meantime_starts_the_cpu_only_once(
    board: Board,
    clears: bool,  # noqa: FBT001 - both ways
) -> None:
    inject(board.machine, "cpu-on", "accept", delay=30 * MS)
    board.add(2, "c2")
    pass_time(board, 10 * MS)
    board.machine.system_reset()
    assert affinity_info(board, 2) == OFF
    if clears:
        board.machine.faults.clear()
    board.settle()
    assert board.online() == [0, 1, 2]


# CPU_OFF


def test_a_cpu_whose_cpu_off_is_denied_stays_on_and_can_be_ejected_all_the_same(
    board: Board,
) -> None:
    board.plug(2, "c2")
    inject(board.machine, "cpu-off", "denied")
    assert board.write(online_file(2), "0") == 0
    assert affinity_info(board, 2) == ON
    assert "CPU2 may not have shut down cleanly (AFFINITY_INFO reports 0)" in log(board)
    assert board.online() == [0, 1]
    board.machine.faults.clear()
    is_whole(board)


def test_a_cpu_that_is_long_in_going_off_is_waited_for(board: Board) -> None:
    board.plug(2, "c2")
    inject(board.machine, "cpu-off", "accept", delay=40 * MS)
    assert board.write(online_file(2), "0") == 0
    assert "psci: CPU2 killed (polled 40 ms)" in log(board)
    assert affinity_info(board, 2) == OFF
    board.machine.faults.clear()
    is_whole(board)


def test_a_guest_gives_up_waiting_after_100_ms_and_goes_on(board: Board) -> None:
    board.plug(2, "c2")
    inject(board.machine, "cpu-off", "accept", delay=SECOND)
    board.story()
    board.machine.device_del("c2")
    pass_time(board, 500 * MS)
    assert "CPU2 may not have shut down cleanly (AFFINITY_INFO reports 0)" in log(board)
    assert board.story() == removed(2, "c2"), "an eject in the meantime"
    assert affinity_info(board, 2) == OFF
    board.settle()
    board.machine.faults.clear()
    board.plug(2, "c2")
    assert board.online() == [0, 1, 2]


def test_cpu_on_of_a_cpu_that_is_still_going_off_says_that_it_is_on(board: Board) -> None:
    inject(board.machine, "cpu-off", "accept", delay=SECOND)
    psci(board.vcpu(1), Function.CPU_OFF)
    assert cpu_on(board, 1) == Result.ALREADY_ON
    pass_time(board, 2 * SECOND)
    assert cpu_on(board, 1) == Result.SUCCESS


def test_a_reset_ends_a_slow_cpu_off(board: Board) -> None:
    inject(board.machine, "cpu-off", "accept", delay=SECOND)
    psci(board.vcpu(1), Function.CPU_OFF)
    board.machine.system_reset()
    assert affinity_info(board, 1) == OFF
    board.settle()
    assert board.online() == [0, 1]


def test_whoever_follows_the_states_of_a_cpu_is_told_of_those_in_between(board: Board) -> None:
    seen: list[int] = []

    def look(event: MachineEvent) -> None:
        if event == VcpuChanged(2):
            seen.append(affinity_info(board, 2))

    inject(board.machine, "cpu-on", "accept", delay=20 * MS)
    board.machine.events.listen(look)
    board.add(2, "c2")
    pass_time(board, 10 * MS)
    assert seen[-1] == ON_PENDING
    board.settle()
    assert seen[-1] == ON
    inject(board.machine, "cpu-off", "accept", delay=20 * MS)
    psci(board.vcpu(2), Function.CPU_OFF)
    assert seen[-1] == ON
    pass_time(board, 30 * MS)
    assert seen[-1] == OFF
