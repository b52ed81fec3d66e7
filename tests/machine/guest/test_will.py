"""What the guest is made to do about a CPU that comes or is asked for, and what is seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from machine.events import (
    AcpiDeviceOst,
    DeviceDeleted,
    MachineEvent,
    ShutdownRequested,
    WasReset,
)
from machine.faults.stage import Stage
from machine.faults.table import ACCEPT, EVENTS
from machine.guest.acpi_hotplug import EJECT_REFUSALS, INSERT_FAILURES
from machine.guest.behaviour import Behaviour, OnlinePolicy
from tests.machine.guest_side import (
    DEVICE_CHECK,
    EJECT_REQUEST,
    IN_PROGRESS,
    inserted,
    refused,
    removed,
)

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from tests.machine.board import Board, Make

MS = 1_000_000
CPU2 = "/sys/devices/system/cpu/cpu2/online"
EJECT2 = "/sys/bus/acpi/devices/ACPI0007:02/eject"
SYSRQ = "/proc/sysrq-trigger"


def kernel(board: Board) -> Kernel:
    kernel = board.machine.power.kernel
    assert kernel is not None
    return kernel


def inject(board: Board, when: str, do: str, **options: Any) -> None:
    board.machine.faults.inject(Stage(when, do, name="made", **options))


def dmesg(board: Board) -> str:
    return "".join(kernel(board).log.lines)


def masks(board: Board, cpu: int) -> tuple[bool, bool]:
    """Whether the guest has a CPU enabled, and online."""
    found = kernel(board).cpus[cpu]
    return found.enabled, found.online


def advance(board: Board, ms: float) -> None:
    clock = board.machine.clock
    clock.advance_to(clock.now + round(ms * MS))


def check_that_it_recovers(board: Board) -> None:
    """Once nothing is made to go wrong, CPU 2, which is plugged, goes and comes back."""
    board.machine.faults.clear()
    board.told.clear()
    board.unplug("core2")
    assert board.story() == removed(2, "core2")
    assert masks(board, 2) == (False, False)
    board.plug(2, "core2")
    assert board.story() == inserted(2, "core2")
    assert masks(board, 2) == (True, True)


@pytest.fixture
def plugged(board: Board) -> Board:
    board.plug(2, "core2")
    board.story()
    return board


def test_the_guest_knows_every_outcome_of_the_table() -> None:
    assert {ACCEPT, "ignore", "no-report", "no-online", *INSERT_FAILURES} == set(
        EVENTS["device-check"].outcomes
    )
    assert {ACCEPT, "ignore", *EJECT_REFUSALS} == set(EVENTS["eject-request"].outcomes)
    assert set(EVENTS["boot"].outcomes) == {ACCEPT, "never"}


# A CPU has come


@pytest.mark.parametrize(("do", "status"), list(INSERT_FAILURES.items()))
def test_a_cpu_that_is_not_taken_in_is_reported_and_can_be_taken_away(
    board: Board, do: str, status: int
) -> None:
    inject(board, "device-check", do)
    board.plug(2, "core2")
    assert board.story() == [AcpiDeviceOst(2, "core2", DEVICE_CHECK, status)]
    assert masks(board, 2) == (False, False)
    assert "CPU2 has been hot-added" not in dmesg(board)
    check_that_it_recovers(board)


def test_a_cpu_that_is_ignored_is_never_reported(board: Board) -> None:
    inject(board, "device-check", "ignore")
    board.plug(2, "core2")
    assert board.story() == []
    assert masks(board, 2) == (False, False)
    check_that_it_recovers(board)


def test_a_cpu_that_was_ignored_is_there_after_a_reset(board: Board) -> None:
    inject(board, "device-check", "ignore")
    board.plug(2, "core2")
    board.machine.system_reset()
    board.settle()
    assert masks(board, 2) == (True, True)


def test_a_cpu_comes_online_without_a_report(board: Board) -> None:
    inject(board, "device-check", "no-report")
    board.plug(2, "core2")
    assert board.story() == []
    assert masks(board, 2) == (True, True)
    check_that_it_recovers(board)


def test_a_cpu_is_reported_that_nobody_brings_online(board: Board) -> None:
    inject(board, "device-check", "no-online")
    board.plug(2, "core2")
    assert board.story() == inserted(2, "core2")
    assert masks(board, 2) == (True, False)
    assert board.write(CPU2, "1") == 0
    assert masks(board, 2) == (True, True)
    check_that_it_recovers(board)


def test_a_cpu_is_taken_in_late(board: Board) -> None:
    inject(board, "device-check", ACCEPT, delay=700 * MS)
    board.add(2, "core2")
    advance(board, 699)
    assert board.story() == []
    assert masks(board, 2) == (False, False)
    advance(board, 2)
    assert board.story() == inserted(2, "core2")
    assert masks(board, 2) == (True, True)
    check_that_it_recovers(board)


def test_each_request_is_decided_once(board: Board) -> None:
    inject(board, "device-check", "fail", cpu=3)
    for core in (2, 3, 4):
        board.add(core, f"core{core}")
    board.settle()
    assert board.story() == [
        *inserted(2, "core2"),
        AcpiDeviceOst(3, "core3", DEVICE_CHECK, 1),
        *inserted(4, "core4"),
    ]
    (armed,) = board.machine.faults.armed()
    assert armed.seen == armed.done == 1


# A CPU is asked for

LINES = {"busy": "Offline failed.", "not-supported": "Offline disabled."}


@pytest.mark.parametrize("do", list(EJECT_REFUSALS))
def test_an_unplug_is_refused_after_it_was_said_to_be_in_progress(plugged: Board, do: str) -> None:
    inject(plugged, "eject-request", do)
    plugged.unplug("core2")
    assert plugged.story() == refused(2, "core2", EJECT_REFUSALS[do].status)
    assert masks(plugged, 2) == (True, True)
    said = [line for line in LINES.values() if f"processor cpu2: {line}" in dmesg(plugged)]
    assert said == ([LINES[do]] if do in LINES else [])
    check_that_it_recovers(plugged)


def test_an_unplug_that_is_ignored_ends_with_the_next_one(plugged: Board) -> None:
    inject(plugged, "eject-request", "ignore")
    plugged.unplug("core2")
    assert plugged.story() == []
    assert masks(plugged, 2) == (True, True)
    check_that_it_recovers(plugged)


def test_an_unplug_that_is_ignored_ends_with_a_reset(plugged: Board) -> None:
    inject(plugged, "eject-request", "ignore")
    plugged.unplug("core2")
    plugged.machine.system_reset()
    plugged.settle()
    assert any(isinstance(event, DeviceDeleted) for event in plugged.story())
    assert plugged.online() == plugged.plugged() == [0, 1]


def test_an_unplug_succeeds_late(plugged: Board) -> None:
    inject(plugged, "eject-request", ACCEPT, delay=6000 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 5999)
    assert plugged.story() == []
    advance(plugged, 2)
    assert plugged.story() == removed(2, "core2")
    plugged.plug(2, "core2")
    plugged.story()
    check_that_it_recovers(plugged)


def test_an_unplug_is_refused_late(plugged: Board) -> None:
    inject(plugged, "eject-request", "busy", delay=6000 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 5999)
    assert plugged.story() == []
    advance(plugged, 2)
    assert plugged.story() == refused(2, "core2", 0x82)


def test_what_comes_late_holds_up_what_is_queued_behind_it(plugged: Board) -> None:
    inject(plugged, "eject-request", ACCEPT, delay=6000 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 1)
    plugged.add(3, "core3")
    advance(plugged, 5000)
    assert plugged.story() == []
    plugged.settle()
    assert plugged.story() == [*removed(2, "core2"), *inserted(3, "core3")]
    assert plugged.online() == [0, 1, 3]


def test_a_users_own_eject_is_not_for_the_stages_to_refuse(plugged: Board) -> None:
    inject(plugged, "eject-request", "busy")
    plugged.write(EJECT2, "1")
    assert plugged.plugged() == [0, 1]


def test_a_late_unplug_of_a_cpu_that_the_user_has_ejected_meanwhile_fails(plugged: Board) -> None:
    inject(plugged, "eject-request", ACCEPT, delay=100 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 1)
    plugged.machine.power.guest_write(EJECT2, "1")
    plugged.settle()
    assert removed(2, "core2") == plugged.story()[:3]
    assert plugged.plugged() == plugged.online() == [0, 1]


@pytest.mark.parametrize(("key", "event"), [("b", WasReset), ("o", ShutdownRequested)])
def test_a_guest_reboots_or_powers_off_in_the_middle_of_an_unplug(
    plugged: Board, key: str, event: type[MachineEvent]
) -> None:
    inject(plugged, "eject-request", ACCEPT, delay=6000 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 100)
    plugged.machine.power.guest_write(SYSRQ, key)
    advance(plugged, 1)
    told = [type(event) for event in plugged.story()]
    assert event in told
    assert AcpiDeviceOst not in told
    assert (DeviceDeleted in told) is (key == "b")


def test_a_guest_takes_the_power_button_in_the_middle_of_an_unplug(plugged: Board) -> None:
    inject(plugged, "eject-request", ACCEPT, delay=6000 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 100)
    plugged.machine.system_powerdown()
    advance(plugged, 1)
    assert ShutdownRequested in [type(event) for event in plugged.story()]


def test_a_reset_in_the_middle_of_a_late_unplug_ends_it(plugged: Board) -> None:
    inject(plugged, "eject-request", ACCEPT, delay=6000 * MS)
    plugged.machine.device_del("core2")
    advance(plugged, 100)
    plugged.machine.system_reset()
    plugged.settle()
    assert AcpiDeviceOst not in [type(event) for event in plugged.story()]
    assert plugged.plugged() == plugged.online() == [0, 1]
    plugged.machine.faults.clear()
    plugged.plug(2, "core2")
    plugged.story()
    check_that_it_recovers(plugged)


# Boot


@pytest.fixture
def silent(boards: Make) -> Board:
    """A machine whose guest gets stuck while it boots."""
    board = boards(boot=False, stages=(Stage("boot", "never", name="made"),))
    board.settle()
    return board


def test_a_guest_that_never_comes_up_has_its_cpus_idle(silent: Board) -> None:
    assert silent.online() == [0, 1]
    assert not any(masks(silent, cpu)[0] for cpu in range(6))
    assert silent.machine.clock.next_deadline is None


def test_a_guest_that_never_comes_up_says_nothing_to_a_plug(silent: Board) -> None:
    silent.plug(2, "core2")
    silent.unplug("core2")
    assert silent.story() == []
    assert silent.plugged() == [0, 1, 2]
    assert silent.online() == [0, 1]


def test_a_guest_that_never_came_up_does_so_after_a_reset(silent: Board) -> None:
    silent.plug(2, "core2")
    silent.machine.faults.clear()
    silent.machine.system_reset()
    silent.settle()
    assert silent.online() == [0, 1, 2]
    check_that_it_recovers(silent)


def test_a_guest_that_boots_late_finds_what_came_meanwhile(boards: Make) -> None:
    board = boards(boot=False, stages=(Stage("boot", ACCEPT, name="made", delay=10_000 * MS),))
    advance(board, 5000)
    assert board.online() == [0, 1]
    board.add(2, "core2")
    advance(board, 4999)
    assert board.online() == [0, 1]
    board.settle()
    assert board.story() == []
    assert board.online() == [0, 1, 2]
    board.unplug("core2")
    assert board.story() == [*inserted(2, "core2"), *removed(2, "core2")]


def test_a_removal_that_a_booting_guest_missed_is_announced_again(boards: Make) -> None:
    board = boards(boot=False, behaviour=Behaviour(boot_time=10_000 * MS))
    advance(board, 5000)
    board.plug(2, "core2")
    board.story()
    board.machine.system_reset()
    advance(board, 5000)
    board.machine.device_del("core2")
    advance(board, 4999)
    assert [type(event) for event in board.story()] == [WasReset]
    board.settle()
    assert board.story() == removed(2, "core2")


def test_a_boot_takes_its_time_from_the_first_instruction_on(boards: Make) -> None:
    board = boards(boot=False, behaviour=Behaviour(boot_time=3000 * MS))
    advance(board, 2999.99)
    assert not masks(board, 0)[0]
    advance(board, 0.02)
    assert masks(board, 0)[0]


def test_a_guest_without_acpi_takes_its_time_to_boot_as_well(boards: Make) -> None:
    board = boards(boot=False, acpi=False, behaviour=Behaviour(boot_time=3000 * MS))
    advance(board, 2999)
    assert not masks(board, 0)[0]
    board.settle()
    assert masks(board, 1) == (True, True)


def test_what_is_late_at_boot_is_brought_online_by_the_rule(boards: Make) -> None:
    behaviour = Behaviour(boot_time=100 * MS, online_delay=50 * MS)
    board = boards(boot=False, behaviour=behaviour)
    advance(board, 50)
    board.add(2, "core2")
    advance(board, 99)
    assert masks(board, 2) == (True, False)
    board.settle()
    assert masks(board, 2) == (True, True)


def test_what_is_late_at_boot_is_brought_online_by_the_kernel(boards: Make) -> None:
    board = boards(boot=False, behaviour=Behaviour(boot_time=100 * MS, online=OnlinePolicy.KERNEL))
    advance(board, 50)
    board.add(2, "core2")
    board.settle()
    assert masks(board, 2) == (True, True)


def test_an_unplug_in_progress_is_nothing_that_a_stage_of_another_cpu_decides(
    plugged: Board,
) -> None:
    inject(plugged, "eject-request", "busy", cpu=3)
    plugged.unplug("core2")
    assert plugged.story()[0] == AcpiDeviceOst(2, "core2", EJECT_REQUEST, IN_PROGRESS)
    assert plugged.plugged() == [0, 1]
