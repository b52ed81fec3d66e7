"""Timers of a CPU, and threads that sleep side by side on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from machine.engine.model import ModelEngine
from machine.guest import timer
from machine.guest.workqueue import Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu
    from tests.machine.board import Board, Make

MS = 1_000_000


class Guest:
    """A guest that is up, and code that runs in it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        kernel = board.machine.power.kernel
        assert kernel is not None
        self.kernel = kernel
        self.start = board.machine.clock.now
        self.seen: list[tuple[str, int, int]] = []
        """Who did something, on which CPU, how many ms after the start."""

    def note(self, name: str, cpu: Cpu) -> None:
        passed = self.board.machine.clock.now - self.start
        self.seen.append((name, cpu.id, passed // MS))

    def spawn(self, number: int, *sleeps: tuple[str, int]) -> None:
        """Threads of one CPU: each sleeps for some ms."""
        cpu = self.kernel.cpus[number]
        cpu.tasks += [self._sleeper(name, ms, cpu) for name, ms in sleeps]
        self.kick(number)

    def _sleeper(self, name: str, ms: int, cpu: Cpu) -> Thread:
        yield from timer.sleep(cpu, ms * MS)
        self.note(name, cpu)

    def kick(self, number: int) -> None:
        engine = self.board.vcpu(number).engine
        assert isinstance(engine, ModelEngine)
        engine.wake()

    def call(self, number: int, *timers: tuple[str, int]) -> None:
        """Timers of one CPU, which is running when they are set."""
        cpu = self.kernel.cpus[number]
        for name, ms in timers:
            timer.start(cpu, ms * MS, partial(self.note, name))


@pytest.fixture
def guest(board: Board) -> Guest:
    return Guest(board)


def test_threads_of_one_cpu_sleep_side_by_side(guest: Guest) -> None:
    guest.spawn(0, ("long", 300), ("short", 100), ("none", 0), ("middle", 200))
    guest.board.settle()
    assert guest.seen == [("none", 0, 0), ("short", 0, 100), ("middle", 0, 200), ("long", 0, 300)]
    assert guest.kernel.cpus[0].tasks == []
    assert guest.kernel.cpus[0].timers == []
    assert guest.board.machine.clock.next_deadline is None


def test_each_cpu_has_a_timer_of_its_own(guest: Guest) -> None:
    guest.spawn(0, ("zero", 200))
    guest.spawn(1, ("one", 100))
    guest.board.settle()
    assert guest.seen == [("one", 1, 100), ("zero", 0, 200)]


def test_timers_are_called_in_the_order_in_which_they_are_due(guest: Guest) -> None:
    guest.call(0, ("c", 30), ("a", 10), ("b", 20), ("also a", 10))
    guest.board.settle()
    assert guest.seen == [("a", 0, 10), ("also a", 0, 10), ("b", 0, 20), ("c", 0, 30)]


def test_timers_of_a_cpu_that_goes_offline_are_called_elsewhere(guest: Guest) -> None:
    guest.call(1, ("soon", 10), ("later", 200), ("at last", 300))
    guest.call(0, ("own", 250))
    clock = guest.board.machine.clock
    clock.advance_to(clock.now + 100 * MS)
    guest.board.machine.power.guest_write("/sys/devices/system/cpu/cpu1/online", "0")
    guest.board.settle()
    assert guest.seen == [("soon", 1, 10), ("later", 0, 200), ("own", 0, 250), ("at last", 0, 300)]


def test_a_cpu_that_is_to_go_offline_lets_its_threads_end_first(guest: Guest) -> None:
    guest.spawn(1, ("thread", 50))
    answers: list[int] = []
    guest.board.machine.power.guest_write(
        "/sys/devices/system/cpu/cpu1/online", "0", answers.append
    )
    guest.board.settle()
    assert guest.seen == [("thread", 1, 50)]
    assert answers == [0]
    assert guest.board.online() == [0]


def test_work_is_done_on_another_cpu_than_the_one_that_it_takes_away(guest: Guest) -> None:
    """The worker sleeps on CPU 1, and then has to take CPU 1 offline."""

    def nap(on: Cpu) -> Generator[None, None, int]:
        yield from timer.sleep(on, 100 * MS)
        guest.note("nap", on)
        return 0

    guest.kernel.hotplug.submit(Work(nap), guest.kernel.cpus[1])
    guest.kick(1)
    assert guest.board.write("/sys/devices/system/cpu/cpu1/online", "0") == 0
    assert guest.seen == [("nap", 1, 100)]
    assert guest.board.online() == [0]


def test_a_sleeper_has_lost_nothing_when_the_system_was_asleep(boards: Make) -> None:
    board = boards(system_suspend=True)
    guest = Guest(board)
    guest.call(0, ("timer", 300))
    board.machine.power.guest_write("/sys/devices/system/cpu/cpu1/online", "0")
    board.machine.power.guest_write("/sys/power/state", "mem")
    clock = board.machine.clock
    clock.advance_to(clock.now + MS)
    assert not board.machine.running
    board.machine.system_wakeup()
    board.settle()
    assert guest.seen == [("timer", 0, 300)]
