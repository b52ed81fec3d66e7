"""A kernel that panics: what it says, that it stops its CPUs, tells the host, and is dead then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine import memmap
from machine.acpi.pvpanic import CRASH_LOADED, PANICKED, SHUTDOWN
from machine.actions import Actions, PanicAction
from machine.engine.model import ModelEngine
from machine.errors import MachineError
from machine.events import (
    GuestCrashLoaded,
    GuestPanicked,
    GuestPvShutdown,
    MachineEvent,
    ShutdownRequested,
    Stopped,
)
from machine.guest import panic as guest_panic
from machine.guest import timer
from machine.guest.smp import IPI_CPU_STOP
from machine.runstate import RunState

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu
    from tests.machine.board import Board, Make

SYSRQ = "/proc/sysrq-trigger"
CRASH = "Kernel panic - not syncing: sysrq triggered crash"
IGNORED = Actions(panic=PanicAction.NONE)
PAUSED = Actions(panic=PanicAction.PAUSE)
SECOND = 1_000_000_000


def kernel_of(board: Board) -> Kernel:
    kernel = board.machine.power.kernel
    assert kernel is not None
    return kernel


def log(board: Board) -> list[str]:
    """The lines of the kernel's log, without their times."""
    return [line.split("] ", 1)[1].rstrip() for line in kernel_of(board).log.lines]


def wake(board: Board, index: int) -> None:
    """Let a CPU look for what there is to do."""
    engine = board.vcpu(index).engine
    assert isinstance(engine, ModelEngine)
    engine.wake()


def panicking(kernel: Kernel, cpu: Cpu) -> Thread:
    """A thread that does not come far."""
    yield from ()
    raise guest_panic.Panic(guest_panic.panic(kernel, cpu.hardware, f"on CPU{cpu.id}"))


def crash(board: Board) -> list[MachineEvent]:
    """A user crashes the kernel; what is told."""
    board.story()
    assert board.write(SYSRQ, "c") is None
    return board.story()


@pytest.fixture
def dying(boards: Make) -> Board:
    """Its guest can say that it panics, and nothing is done about it."""
    return boards(pvpanic=True, actions=IGNORED)


# What the guest does


def test_it_says_why_stops_the_others_tells_the_host_and_says_that_this_was_all(
    dying: Board,
) -> None:
    assert crash(dying) == [GuestPanicked("run")]
    assert log(dying)[-4:] == [
        "sysrq: Trigger a crash",
        CRASH,
        "SMP: stopping secondary CPUs",
        f"---[ end {CRASH} ]---",
    ]


def test_the_host_is_told_once_the_other_cpus_have_stopped(
    boards: Make,
) -> None:
    board = boards(pvpanic=True, actions=PAUSED)
    seen: list[list[int]] = []
    board.machine.events.listen(
        lambda event: seen.append(board.online()) if isinstance(event, GuestPanicked) else None
    )
    crash(board)
    assert seen == [[0]]


def test_of_its_cpus_only_the_one_that_panicked_is_online(dying: Board) -> None:
    dying.plug(2, "c2")
    crash(dying)
    assert dying.online() == [0]


def test_one_with_a_single_cpu_has_nobody_to_stop(dying: Board) -> None:
    dying.write("/sys/devices/system/cpu/cpu1/online", "0")
    crash(dying)
    assert "SMP: stopping secondary CPUs" not in log(dying)


def test_one_that_does_not_stop_is_not_waited_for_for_ever(dying: Board) -> None:
    kernel_of(dying).gic.handle(IPI_CPU_STOP, lambda _platform: None)
    began = dying.machine.clock.now
    assert crash(dying) == [GuestPanicked("run")]
    assert "SMP: failed to stop secondary CPUs 1" in log(dying)
    assert SECOND <= dying.machine.clock.now - began < 2 * SECOND


def test_without_a_panic_device_nobody_learns_of_it(boards: Make) -> None:
    board = boards()
    assert crash(board) == []
    assert log(board)[-1] == f"---[ end {CRASH} ]---"
    assert board.machine.run_state is RunState.RUNNING


def test_without_acpi_the_device_is_found_in_the_device_tree(boards: Make) -> None:
    board = boards(pvpanic=True, acpi=False, actions=IGNORED)
    assert crash(board) == [GuestPanicked("run")]


def test_a_device_that_does_not_want_to_know_is_not_told(
    dying: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machine.acpi.pvpanic.EVENTS", CRASH_LOADED)
    dying.machine.power.reset()
    dying.settle()
    assert crash(dying) == []


def test_what_was_going_on_on_another_cpu_is_not_gone_on_with(dying: Board) -> None:
    kernel, done = kernel_of(dying), []

    def work(cpu: Cpu) -> Thread:
        yield from timer.sleep(cpu, timer.MS)
        done.append(cpu.id)

    kernel.cpus[1].tasks.append(work(kernel.cpus[1]))
    wake(dying, 1)
    dying.machine.clock.advance_to(dying.machine.clock.now + timer.MS // 2)
    crash(dying)
    assert done == []


def test_what_waits_on_the_cpu_that_panics_never_gets_its_turn(dying: Board) -> None:
    kernel, done = kernel_of(dying), []

    def work(cpu: Cpu) -> Thread:
        yield from ()
        done.append(cpu.id)

    dying.machine.power.guest_write(SYSRQ, "c")
    kernel.cpus[0].tasks.append(work(kernel.cpus[0]))
    dying.settle()
    assert (kernel.panicked, done) == (True, [])


# And then it is dead


def test_it_reacts_to_nothing_any_more(dying: Board) -> None:
    crash(dying)
    lines = log(dying)
    dying.add(2, "c2")
    dying.machine.system_powerdown()
    dying.settle()
    dying.story()
    dying.machine.device_del("c2")
    dying.settle()
    assert dying.story() == []
    assert (log(dying), dying.online()) == (lines, [0])


@pytest.mark.parametrize("index", [0, 1])
def test_its_cpus_take_no_interrupt(dying: Board, index: int) -> None:
    crash(dying)
    assert dying.vcpu(index).mrs("DAIF") == guest_panic.DAIF


def test_nobody_can_write_to_its_files(dying: Board) -> None:
    crash(dying)
    with pytest.raises(MachineError, match="the guest has panicked"):
        dying.write(SYSRQ, "b")


def test_a_reset_brings_it_back_with_the_cpus_that_were_plugged_meanwhile(dying: Board) -> None:
    crash(dying)
    dying.add(2, "c2")
    dying.machine.system_reset()
    dying.settle()
    assert dying.online() == [0, 1, 2]
    dying.unplug("c2")
    assert dying.plugged() == [0, 1]
    assert crash(dying) == [GuestPanicked("run")]


def test_a_second_panic_at_the_same_time_says_nothing(dying: Board) -> None:
    kernel = kernel_of(dying)
    for cpu in kernel.online_cpus():
        cpu.tasks.append(panicking(kernel, cpu))
        wake(dying, cpu.id)
    dying.settle()
    said = [line for line in log(dying) if line.startswith("Kernel panic")]
    assert said == ["Kernel panic - not syncing: on CPU0"]
    assert dying.story() == [GuestPanicked("run")]


# What the VMM does about it


@pytest.mark.parametrize(
    ("action", "told", "state", "status"),
    [
        (
            PanicAction.SHUTDOWN,
            [GuestPanicked("poweroff"), ShutdownRequested(guest=True, reason="guest-panic")],
            RunState.SHUTDOWN,
            0,
        ),
        (
            PanicAction.EXIT_FAILURE,
            [GuestPanicked("poweroff"), ShutdownRequested(guest=True, reason="guest-panic")],
            RunState.SHUTDOWN,
            1,
        ),
        (PanicAction.PAUSE, [GuestPanicked("pause"), Stopped()], RunState.GUEST_PANICKED, 0),
        (PanicAction.NONE, [GuestPanicked("run")], RunState.RUNNING, 0),
    ],
    ids=lambda value: value.value if isinstance(value, PanicAction) else "",
)
def test_a_panic_leads_to_what_was_chosen(
    boards: Make,
    action: PanicAction,
    told: list[MachineEvent],
    state: RunState,
    status: int,
) -> None:
    board = boards(pvpanic=True, actions=Actions(panic=action))
    assert crash(board) == told
    machine = board.machine
    assert (machine.run_state, machine.exit_status) == (state, status)
    assert machine.ended == (state is RunState.SHUTDOWN)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (PANICKED, [GuestPanicked("run")]),
        (CRASH_LOADED, [GuestCrashLoaded("run")]),
        (SHUTDOWN, [GuestPvShutdown(), ShutdownRequested(guest=True, reason="guest-shutdown")]),
    ],
)
def test_each_event_is_told_as_what_it_is(
    dying: Board, event: int, told: list[MachineEvent]
) -> None:
    dying.vcpu().store(memmap.PVPANIC.base, 1, event)
    dying.settle()
    assert dying.story() == told


def test_without_the_option_there_is_no_device(boards: Make) -> None:
    board = boards()
    assert board.machine.pvpanic is None
    assert board.vcpu().load(memmap.PVPANIC.base, 1) == 0
