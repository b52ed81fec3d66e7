"""CPUs that come and go on a machine with a guest."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.config import MachineConfig
from machine.events import (
    AcpiDeviceOst,
    DeviceDeleted,
    Resumed,
    Stopped,
)
from machine.runstate import RunState
from machine.topology import Topology
from tests.machine.board import CPU, SMALL, Board
from tests.machine.guest_side import (
    EJECT_REQUEST,
    FLAGS,
    IN_PROGRESS,
    eject,
    inserted,
    removed,
    report,
)

if TYPE_CHECKING:
    from tests.machine.board import Make


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


@pytest.mark.parametrize("name", ["core2", None])
def test_a_cpu_is_asked_back_by_its_path(board: Board, name: str | None) -> None:
    board.plug(2, name)
    board.story()
    path = "/machine/peripheral/core2" if name else "/machine/peripheral-anon/device[0]"
    board.unplug(path)
    assert board.story() == [
        AcpiDeviceOst(2, name, EJECT_REQUEST, IN_PROGRESS),
        DeviceDeleted(name, path),
        AcpiDeviceOst(2, None, EJECT_REQUEST, 0),
    ]


def test_a_cpu_plugged_right_after_a_reset_boots_with_the_guest(board: Board) -> None:
    board.machine.system_reset()
    board.story()
    board.plug(2, "core2")
    assert board.story() == []
    assert board.online() == [0, 1, 2]


def test_a_cpu_asked_back_right_after_a_reset_goes_at_once(board: Board) -> None:
    board.plug(2, "core2")
    board.machine.system_reset()
    board.story()
    board.machine.device_del("core2")
    assert board.story() == [DeviceDeleted("core2", "/machine/peripheral/core2")]
    board.settle()
    assert board.online() == [0, 1]


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


# Properties


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
