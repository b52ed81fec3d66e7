"""What happens in the VMM and to the guest's masks, and can cause something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.events import DeviceDeleted, VcpuError
from machine.faults.stage import Stage
from tests.machine.board import SIX, SMALL, Board
from tests.machine.faults.stages import inject, online_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.machine.board import Make

PROBE = "corrected-error"
"""The action that leaves all else alone: what it was done to shows what the event was about."""


def probed(board: Board) -> list[int]:
    """The CPUs that events were about, in their order."""
    board.settle()
    return [event.index for event in board.story() if isinstance(event, VcpuError)]


def test_a_plug_is_an_event(board: Board) -> None:
    inject(board.machine, "plug", PROBE)
    board.plug(2, "c2")
    board.plug(4)
    assert probed(board) == [2, 4]


def test_asking_for_a_cpu_back_is_an_event(board: Board) -> None:
    board.plug(2, "c2")
    inject(board.machine, "unplug-request", PROBE)
    board.machine.device_del("c2")
    clock = board.machine.clock
    clock.advance_to(clock.now)
    assert [event.index for event in board.story() if isinstance(event, VcpuError)] == [2]


def test_a_cpu_that_has_left_is_an_event(board: Board) -> None:
    board.plug(2, "c2")
    inject(board.machine, "unplug", PROBE, target=1)
    board.unplug("c2")
    assert probed(board) == [1]


def test_a_removal_that_a_reset_completes_is_an_event(board: Board) -> None:
    board.plug(2, "c2")
    inject(board.machine, "unplug", PROBE, target=0)
    board.machine.device_del("c2")
    board.machine.system_reset()
    assert probed(board) == [0]


@pytest.mark.parametrize("by_guest", [True, False], ids=["guest", "client"])
def test_a_reset_is_an_event(board: Board, by_guest: bool) -> None:  # noqa: FBT001 - both ways
    inject(board.machine, "reset", PROBE, target=1)
    if by_guest:
        board.write("/proc/sysrq-trigger", "b")
    else:
        board.machine.system_reset()
    assert probed(board) == [1]


def test_coming_online_and_going_offline_are_events_of_the_cpu(board: Board) -> None:
    inject(board.machine, "online", PROBE, name="on")
    board.plug(2, "c2")
    assert probed(board) == [2]
    board.machine.faults.clear("on")
    inject(board.machine, "offline", PROBE)
    board.write(online_file(1), "0")
    assert probed(board) == [1]


def test_a_cpu_that_is_only_enabled_has_not_come_online(board: Board) -> None:
    inject(board.machine, "cpu-on", "denied")
    inject(board.machine, "online", PROBE)
    board.plug(2, "c2")
    assert probed(board) == []


def test_cpus_that_a_reset_takes_off_come_online_again_and_did_not_go_offline(
    board: Board,
) -> None:
    inject(board.machine, "offline", PROBE)
    inject(board.machine, "online", PROBE)
    board.machine.system_reset()
    assert probed(board) == [0, 1]


@pytest.fixture
def booting() -> Iterator[Board]:
    """A machine with a stage for `up` from the start, whose guest has not begun."""
    stage = Stage(when="up", do=PROBE, name="up", target=1)
    board = Board(MachineConfig(SIX, ram_size=SMALL, stages=(stage,)))
    yield board
    board.machine.close()


def test_a_guest_that_is_up_is_an_event_at_each_boot(booting: Board) -> None:
    assert probed(booting) == [1]
    booting.machine.system_reset()
    assert probed(booting) == [1]


def test_without_acpi_a_guest_that_is_up_is_one_too(boards: Make) -> None:
    board = boards(acpi=False, boot=False)
    inject(board.machine, "up", PROBE, target=0)
    assert probed(board) == [0]


def test_a_removal_that_needs_no_guest_is_asked_for_before_it_is_done(boards: Make) -> None:
    board = boards(paused=True, boot=False)
    board.add(2, "c2")
    board.story()
    inject(board.machine, "unplug-request", "offline", name="seen")
    board.machine.device_del("c2")
    (armed,) = board.machine.faults.armed()
    assert armed.seen == 1
    assert board.story() == [DeviceDeleted("c2", "/machine/peripheral/c2")]
