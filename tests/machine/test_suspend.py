"""A guest that suspends the system, and what happens to it while it sleeps."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine import memmap
from machine.config import MachineConfig
from machine.errors import MachineError
from machine.events import (
    PowerdownRequested,
    Resumed,
    ShutdownRequested,
    Stopped,
    Suspended,
    WasReset,
    WokenUp,
)
from machine.guest.behaviour import Behaviour
from machine.guest.image import RESUME_OFFSET
from machine.kvm.smccc import SMC64, Function, Result
from machine.kvm.vcpu import MpState
from machine.runstate import RunState
from tests.machine.board import SIX, SMALL, Board
from tests.machine.guest_side import inserted, psci, removed

if TYPE_CHECKING:
    from tests.machine.board import Make

STATE = "/sys/power/state"
SYSTEM_SUSPEND = Function.SYSTEM_SUSPEND | SMC64


@pytest.fixture
def sleepy(boards: Make) -> Board:
    """A machine whose guest may sleep; two hot-plugged CPUs are online, one cold one is not."""
    board = boards(system_suspend=True)
    board.plug(2, "core2")
    board.plug(4, "core4")
    board.write("/sys/devices/system/cpu/cpu1/online", "0")
    board.story()
    return board


@pytest.fixture
def asleep(sleepy: Board) -> Board:
    assert sleepy.write(STATE, "mem") is None
    assert sleepy.story() == [Suspended()]
    return sleepy


def state(board: Board) -> str:
    return str(board.machine.run_state.value)


def wake(board: Board) -> None:
    board.machine.system_wakeup()
    board.settle()


# Sleeping and waking


def test_a_guest_goes_to_sleep_with_all_cpus_but_the_last_one_off(asleep: Board) -> None:
    assert asleep.machine.run_state is RunState.SUSPENDED
    assert not asleep.machine.running
    assert asleep.online() == [0]
    on = [n for n in range(6) if asleep.vcpu(n).mp_state is not MpState.STOPPED]
    assert on == [0]
    assert asleep.plugged() == [0, 1, 2, 4]


def test_a_guest_that_wakes_up_brings_exactly_those_back_that_were_online(asleep: Board) -> None:
    wake(asleep)
    assert asleep.story() == [WokenUp()]
    assert asleep.machine.run_state is RunState.RUNNING
    assert asleep.online() == [0, 2, 4]


def test_the_last_cpu_begins_where_the_guest_said_with_its_context(asleep: Board) -> None:
    boot = asleep.vcpu()
    assert (boot.pc, boot.x0) == (memmap.RAM_BASE + RESUME_OFFSET + entry_offset(asleep), 0)
    assert boot.mrs("ICC_IGRPEN1_EL1") == 0


def entry_offset(board: Board) -> int:
    image = board.machine.power.image
    assert image is not None
    return image.base - memmap.RAM_BASE


def test_a_users_write_ends_when_the_guest_is_awake_again(sleepy: Board) -> None:
    answers: list[int] = []
    sleepy.machine.power.guest_write(STATE, "mem", answers.append)
    sleepy.settle()
    assert answers == []
    wake(sleepy)
    assert answers == [0]


def test_a_guest_sleeps_from_another_cpu_where_the_boot_cpu_is_offline(sleepy: Board) -> None:
    sleepy.write("/sys/devices/system/cpu/cpu0/online", "0")
    sleepy.write(STATE, "mem")
    assert sleepy.online() == [2]
    wake(sleepy)
    assert sleepy.online() == [2, 4]
    sleepy.story()
    sleepy.plug(3, "core3")
    assert sleepy.story() == inserted(3, "core3")


def test_a_guest_sleeps_as_often_as_it_likes(sleepy: Board) -> None:
    for _ in range(3):
        sleepy.write(STATE, "mem")
        wake(sleepy)
    assert sleepy.story() == [Suspended(), WokenUp()] * 3
    assert sleepy.online() == [0, 2, 4]


def test_two_who_ask_for_sleep_at_once_do_not_get_it_twice(sleepy: Board) -> None:
    sleepy.machine.power.guest_suspend()
    with pytest.raises(MachineError, match=r"^/sys/power/state: Device or resource busy$"):
        sleepy.machine.power.guest_suspend()
    sleepy.settle()
    wake(sleepy)
    assert sleepy.story() == [Suspended(), WokenUp()]
    sleepy.machine.power.guest_suspend()
    sleepy.settle()
    assert sleepy.story() == [Suspended()]


def test_a_cpu_that_stays_online_keeps_the_guest_awake(sleepy: Board) -> None:
    sleepy.machine.will.behaviour = Behaviour(isolated=frozenset({4}))
    assert sleepy.write(STATE, "mem") == -errno.EBUSY
    assert sleepy.story() == []
    sleepy.machine.will.behaviour = Behaviour()
    assert sleepy.write(STATE, "mem") is None
    assert sleepy.story() == [Suspended()]
    wake(sleepy)
    assert sleepy.online() == [0, 2, 4]


def test_a_guest_whose_machine_does_not_let_it_sleep_stays_awake(board: Board) -> None:
    for _ in range(2):
        assert board.write(STATE, "mem") == -errno.EINVAL
    assert board.story() == []
    assert board.online() == [0, 1]


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(2, 5)), st.sets(st.integers(1, 5)), st.sets(st.integers(2, 5)))
def test_whatever_comes_and_goes_meanwhile_is_there_or_gone_afterwards(
    plugged: set[int], offline: set[int], changed: set[int]
) -> None:
    board = Board(MachineConfig(SIX, ram_size=SMALL, system_suspend=True))
    board.settle()
    for core in sorted(plugged):
        board.plug(core, f"core{core}")
    for core in offline & (plugged | {1}):
        board.write(f"/sys/devices/system/cpu/cpu{core}/online", "0")
    before = set(board.online())
    board.write(STATE, "mem")
    for core in sorted(changed):
        if core in plugged:
            board.machine.device_del(f"core{core}")
        else:
            board.add(core, f"core{core}")
    wake(board)
    there = plugged ^ changed
    assert set(board.plugged()) == {0, 1} | there
    assert set(board.online()) == (before - changed) | (changed - plugged)
    assert board.state().pending == frozenset()
    board.machine.close()


# What happens meanwhile


def test_a_cpu_plugged_while_the_guest_sleeps_is_seen_when_it_wakes_up(asleep: Board) -> None:
    asleep.plug(3, "core3")
    assert asleep.story() == []
    wake(asleep)
    assert asleep.story() == [WokenUp(), *inserted(3, "core3")]
    assert asleep.online() == [0, 2, 3, 4]


def test_a_cpu_asked_back_while_the_guest_sleeps_goes_when_it_wakes_up(asleep: Board) -> None:
    asleep.unplug("core2")
    assert asleep.story() == []
    wake(asleep)
    assert asleep.story() == [WokenUp(), *removed(2, "core2")]
    assert asleep.online() == [0, 4]


def test_the_power_button_does_not_wake_a_guest_but_is_heard_afterwards(asleep: Board) -> None:
    asleep.machine.system_powerdown()
    asleep.settle()
    assert asleep.story() == [PowerdownRequested()]
    wake(asleep)
    assert asleep.story() == [WokenUp(), ShutdownRequested(guest=True, reason="guest-shutdown")]


def test_cont_does_not_wake_a_guest(asleep: Board) -> None:
    asleep.machine.cont()
    assert asleep.story() == []
    assert asleep.machine.run_state is RunState.SUSPENDED


def test_a_sleeping_machine_that_is_stopped_sleeps_on_afterwards(asleep: Board) -> None:
    asleep.machine.stop()
    assert state(asleep) == "paused"
    with pytest.raises(MachineError, match="Unable to wake up: guest is not in suspended state"):
        asleep.machine.system_wakeup()
    asleep.machine.cont()
    assert asleep.story() == [Stopped(), Resumed()]
    assert state(asleep) == "suspended"
    wake(asleep)
    assert asleep.online() == [0, 2, 4]


@pytest.mark.parametrize("stop", [False, True])
def test_a_reset_ends_the_sleep_and_waits_for_cont(asleep: Board, stop: bool) -> None:  # noqa: FBT001
    if stop:
        asleep.machine.stop()
        asleep.story()
    asleep.unplug("core2")
    asleep.machine.system_reset()
    assert state(asleep) == "prelaunch"
    deleted, reset = asleep.story()
    assert (deleted, reset) == (
        removed(2, "core2")[1],
        WasReset(guest=False, reason="host-qmp-system-reset"),
    )
    asleep.machine.cont()
    asleep.settle()
    assert asleep.story() == [Resumed()]
    assert state(asleep) == "running"
    assert asleep.online() == [0, 1, 4]


def test_a_sleeping_machine_can_be_ended(asleep: Board) -> None:
    asleep.machine.shutdown("host-qmp-quit")
    assert asleep.machine.run_state is RunState.SHUTDOWN
    assert asleep.story() == [ShutdownRequested(guest=False, reason="host-qmp-quit")]


def test_nobody_can_write_while_the_guest_sleeps(asleep: Board) -> None:
    with pytest.raises(MachineError, match="the guest is suspended"):
        asleep.machine.power.guest_write(STATE, "mem")


# Refusals


def test_a_guest_that_is_awake_cannot_be_woken_up(sleepy: Board) -> None:
    with pytest.raises(MachineError, match="Unable to wake up: guest is not in suspended state"):
        sleepy.machine.system_wakeup()
    assert sleepy.story() == []


def test_a_guest_that_never_sleeps_cannot_be_woken_up(board: Board) -> None:
    with pytest.raises(MachineError, match="wake-up from suspend is not supported by this guest"):
        board.machine.system_wakeup()


def test_system_suspend_is_denied_while_another_cpu_is_on(sleepy: Board) -> None:
    answer = psci(sleepy.vcpu(), SYSTEM_SUSPEND, memmap.RAM_BASE, 0)
    assert answer == Result.DENIED
    assert sleepy.online() == [0, 2, 4]
    sleepy.settle()
    assert sleepy.story() == []


@pytest.mark.parametrize(
    "entry",
    [0, memmap.RAM_BASE + 2, memmap.RAM_BASE - 4, memmap.RAM_BASE + SMALL, memmap.GICD.base],
)
def test_system_suspend_at_an_address_that_cannot_be_one_is_refused(
    sleepy: Board, entry: int
) -> None:
    for cpu in (4, 2):
        sleepy.write(f"/sys/devices/system/cpu/cpu{cpu}/online", "0")
    assert psci(sleepy.vcpu(), SYSTEM_SUSPEND, entry, 0) == Result.INVALID_ADDRESS
    sleepy.settle()
    assert sleepy.story() == []


def test_a_refused_sleep_brings_the_cpus_back(
    sleepy: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = sleepy.machine.psci
    monkeypatch.setattr(policy, "system_suspend", lambda *_args: int(Result.DENIED))
    assert sleepy.write(STATE, "mem") == -errno.EPERM
    assert sleepy.online() == [0, 2, 4]
    assert sleepy.story() == []


def test_a_power_off_that_was_asked_for_before_comes_first(sleepy: Board) -> None:
    for cpu in (4, 2):
        sleepy.write(f"/sys/devices/system/cpu/cpu{cpu}/online", "0")
    psci(sleepy.vcpu(), Function.CPU_ON, 2, memmap.RAM_BASE, 0)
    psci(sleepy.vcpu(2), Function.SYSTEM_OFF)
    assert psci(sleepy.vcpu(), SYSTEM_SUSPEND, memmap.RAM_BASE, 0) == Result.SUCCESS
    sleepy.settle()
    assert sleepy.story() == [ShutdownRequested(guest=True, reason="guest-shutdown")]
