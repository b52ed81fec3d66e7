"""A host that does not schedule the vCPUs for a while: nothing is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.events import DeviceDeleted, WasReset
from tests.machine.faults.stages import MS, SECOND, inject, pass_time
from tests.machine.guest_side import inserted, removed

if TYPE_CHECKING:
    from tests.machine.board import Board, Make


def hang(board: Board, name: str = "hang", duration: int | None = None) -> None:
    inject(board.machine, "now", "hang", name=name, duration=duration)
    pass_time(board, 1)


def test_a_guest_that_hangs_answers_nothing_before_it_goes_on(board: Board) -> None:
    hang(board)
    board.plug(2, "c2")
    assert board.story() == []
    assert board.plugged() == [0, 1, 2]
    board.machine.faults.clear()
    board.settle()
    assert board.story() == inserted(2, "c2")
    assert board.online() == [0, 1, 2]


def test_it_goes_on_by_itself_when_the_time_is_over(board: Board) -> None:
    hang(board, duration=10 * MS)
    board.add(2, "c2")
    pass_time(board, 9 * MS)
    assert board.story() == []
    pass_time(board, 2 * MS)
    assert board.story() == inserted(2, "c2")


def test_a_removal_is_delivered_however_long_it_took(board: Board) -> None:
    board.plug(2, "c2")
    hang(board)
    board.story()
    board.machine.device_del("c2")
    pass_time(board, 600 * SECOND)
    assert board.story() == []
    board.machine.faults.clear()
    board.settle()
    assert board.story() == removed(2, "c2")


def test_a_removal_is_delivered_to_a_guest_that_hung_while_it_booted(boards: Make) -> None:
    board = boards(boot=False)
    clock = board.machine.clock
    while not board.machine.power.guest_has_begun:
        assert clock.next_deadline is not None
        clock.advance_to(clock.next_deadline)
    board.add(2, "c2")
    hang(board)
    board.machine.device_del("c2")
    pass_time(board, 600 * SECOND)
    board.machine.faults.clear()
    board.settle()
    assert DeviceDeleted("c2", "/machine/peripheral/c2") in board.story()
    assert board.online() == [0, 1]


def test_a_reset_while_it_hangs_boots_the_guest_afterwards(board: Board) -> None:
    hang(board)
    board.machine.system_reset()
    board.settle()
    assert board.story() == [WasReset(guest=False, reason="host-qmp-system-reset")]
    assert board.online() == []
    board.machine.faults.clear()
    board.settle()
    assert board.online() == [0, 1]


def test_two_hangs_last_until_both_are_over(board: Board) -> None:
    hang(board, "a")
    hang(board, "b")
    board.add(2, "c2")
    board.machine.faults.clear("a")
    board.settle()
    assert board.story() == []
    board.machine.faults.clear("b")
    board.settle()
    assert board.story() == inserted(2, "c2")


def test_a_cpu_on_its_way_when_the_hang_begins_arrives_afterwards(board: Board) -> None:
    inject(board.machine, "cpu-on", "accept", name="slow", delay=20 * MS)
    board.add(2, "c2")
    pass_time(board, 10 * MS)
    hang(board)
    pass_time(board, SECOND)
    assert board.online() == [0, 1]
    board.machine.faults.clear("hang")
    board.settle()
    assert board.online() == [0, 1, 2]


def test_a_stage_that_never_hung_ends_nothing(board: Board) -> None:
    hang(board, "a")
    inject(board.machine, "unplug", "hang", name="b")
    board.machine.faults.clear("b")
    board.plug(2, "c2")
    assert board.story() == []
