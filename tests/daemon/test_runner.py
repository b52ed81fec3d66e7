import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from daemon.runner import MAX_LAG, QUANTUM, SLICE, Runner
from daemon.stepped import SteppedRunner
from machine.clock import VirtualClock

MS = 1_000_000
S = 1000 * MS


class FakeHandle(asyncio.Handle):
    def __init__(self) -> None:  # no loop behind it
        self.called_off = False

    def cancel(self) -> None:
        self.called_off = True


class FakeLoop:
    """Remembers what it is asked to call, and when; `now` is the wall."""

    def __init__(self) -> None:
        self.now = 1000 * S
        self.asked: list[tuple[float | None, Callable[[], None], FakeHandle]] = []
        self.failures: list[dict[str, Any]] = []

    def call_soon(self, callback: Callable[[], None]) -> FakeHandle:
        return self._ask(None, callback)

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeHandle:
        return self._ask(delay, callback)

    def _ask(self, delay: float | None, callback: Callable[[], None]) -> FakeHandle:
        handle = FakeHandle()
        self.asked.append((delay, callback, handle))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def live(self) -> list[float | None]:
        return [delay for delay, _, handle in self.asked if not handle.called_off]

    def turn(self) -> None:
        """Call the one that is due next."""
        [(delay, callback, handle)] = [ask for ask in self.asked if not ask[2].called_off]
        self.asked.clear()
        del handle
        self.now += round((delay or 0) * 1e9)
        callback()


class World:
    def __init__(self, rate: float = 1) -> None:
        self.clock = VirtualClock()
        self.loop = FakeLoop()
        self.fired: list[str] = []
        self.runner = Runner(
            self.clock,
            loop=self.loop,  # type: ignore[arg-type]
            now=lambda: self.loop.now,
            rate=rate,
        )

    def at(self, delay: int, name: str) -> None:
        self.clock.call_after(delay, lambda: self.fired.append(name))

    def started(self) -> "World":
        self.runner.resume()
        self.loop.turn()
        return self


def test_time_stands_still_until_the_machine_is_resumed() -> None:
    world = World()
    world.at(0, "a")
    world.loop.now += S
    world.runner.sync()
    world.runner.kick()
    assert (world.clock.now, world.fired, world.loop.live()) == (0, [], [])


def test_nothing_happens_within_resume_but_soon_after_it() -> None:
    world = World()
    world.at(0, "a")
    world.runner.resume()
    world.runner.resume()
    assert world.fired == []
    world.loop.turn()
    assert world.fired == ["a"]


def test_a_machine_with_nothing_to_do_asks_for_no_timer() -> None:
    assert World().started().loop.live() == []


def test_the_clock_follows_the_wall() -> None:
    world = World().started()
    world.loop.now += 5 * S
    world.runner.sync()
    assert world.clock.now == 5 * S


def test_the_clock_runs_ahead_as_far_as_timers_take_it_and_a_quantum_at_most() -> None:
    world = World().started()
    world.runner.kick()
    assert world.clock.now == 0
    world.at(QUANTUM - 1, "a")
    world.at(QUANTUM + 1, "b")
    for _ in range(10):
        world.runner.kick()
    assert (world.clock.now, world.fired) == (QUANTUM - 1, ["a"])


def test_delays_count_from_the_present_and_not_from_the_last_pump() -> None:
    world = World().started()
    world.loop.now += 100 * S
    world.runner.sync()
    world.at(10 * MS, "a")
    world.runner.kick()
    assert world.fired == []
    assert world.loop.live() == [pytest.approx(0.010)]
    world.loop.turn()
    assert world.fired == ["a"]


def test_a_chain_of_timers_microseconds_apart_is_one_pump() -> None:
    world = World().started()

    def link(left: int) -> None:
        if left:
            world.clock.call_after(1000, lambda: link(left - 1))
        else:
            world.fired.append("end")

    world.runner.sync()
    link(100)
    world.runner.kick()
    assert world.fired == ["end"]
    assert world.loop.live() == []


def test_it_sleeps_until_the_next_deadline_and_never_less_than_a_quantum() -> None:
    world = World().started()
    world.runner.sync()
    world.at(2 * QUANTUM + 1, "a")
    world.runner.kick()
    [delay] = world.loop.live()
    assert delay is not None
    assert delay >= QUANTUM / 1e9
    world.runner.kick()
    assert len(world.loop.live()) == 1


def test_a_stopped_machine_goes_on_from_where_it_stood() -> None:
    world = World().started()
    world.runner.sync()
    world.at(10 * MS, "a")
    world.loop.now += 4 * MS
    world.runner.sync()
    stood = world.clock.now
    world.runner.pause()
    world.loop.now += 500 * S
    world.runner.kick()
    assert (world.clock.now, world.loop.live()) == (stood, [])
    world.started()
    assert world.fired == []
    world.loop.turn()
    assert world.fired == ["a"]


def test_a_timer_that_stops_the_machine_is_the_last_one_to_fire() -> None:
    world = World().started()
    world.runner.sync()
    world.clock.call_after(1000, world.runner.pause)
    world.at(2000, "never")
    world.runner.kick()
    assert (world.fired, world.runner.running, world.loop.live()) == ([], False, [])


def test_a_pump_yields_to_the_loop_when_its_slice_is_over() -> None:
    world = World().started()

    def work(name: str) -> None:
        world.loop.now += SLICE
        world.fired.append(name)

    world.runner.sync()
    for delay in (1, 2, 3):
        world.clock.call_after(delay, lambda name=str(delay): work(name))  # type: ignore[misc]
    world.runner.kick()
    assert world.fired == ["1"]
    assert world.loop.live() == [None]
    world.loop.turn()
    world.loop.turn()
    assert world.fired == ["1", "2", "3"]


def test_a_machine_that_is_far_too_late_is_let_off_and_does_not_race() -> None:
    world = World().started()
    world.runner.sync()
    world.at(10 * MS, "tick")
    world.at(20 * MS, "tock")
    world.runner.kick()
    world.loop.now += MAX_LAG * 100
    world.runner.kick()
    assert world.fired == ["tick"]
    assert world.clock.now < S


def test_kicking_from_within_a_timer_is_harmless() -> None:
    world = World().started()
    world.runner.sync()
    world.clock.call_after(1, world.runner.kick)
    world.clock.call_after(1, world.runner.sync)
    world.at(2, "a")
    world.runner.kick()
    assert world.fired == ["a"]


def test_a_failing_timer_is_reported_and_costs_only_itself() -> None:
    world = World().started()
    world.runner.sync()

    def fail() -> None:
        raise ZeroDivisionError

    world.clock.call_after(1, fail)
    world.at(2, "a")
    world.runner.kick()
    assert len(world.loop.failures) == 1
    world.loop.turn()
    assert world.fired == ["a"]


def test_on_a_real_loop_a_deadline_comes_by_itself(run: Callable[[Any], Any]) -> None:
    async def story() -> int:
        clock = VirtualClock()
        runner = Runner(clock, loop=asyncio.get_running_loop())
        fired = asyncio.Event()
        clock.call_after(3 * MS, fired.set)
        runner.resume()
        await fired.wait()
        runner.close()
        return clock.now

    assert run(story()) >= 3 * MS


def test_a_stepped_runner_moves_only_when_told_to() -> None:
    clock = VirtualClock()
    runner = SteppedRunner(clock)
    fired: list[int] = []
    for delay in (10, 20, 30):
        clock.call_after(delay, lambda: fired.append(clock.now))
    runner.run_until_idle()
    assert fired == []
    runner.resume()
    runner.sync()
    runner.kick()
    assert fired == []
    runner.run_until_idle(limit=20)
    assert fired == [10, 20]
    runner.advance(5)
    assert (fired, clock.now) == ([10, 20], 25)
    runner.run_until_idle()
    assert fired == [10, 20, 30]


def test_a_stepped_runner_stops_where_the_machine_does() -> None:
    clock = VirtualClock()
    runner = SteppedRunner(clock)
    runner.resume()
    clock.call_after(10, runner.pause)
    clock.call_after(20, lambda: None)
    runner.run_until_idle()
    assert clock.now == 10


@pytest.mark.parametrize(("rate", "passed"), [(10, 50 * S), (0.5, 2500 * MS), (0.1, 500 * MS)])
def test_a_clock_with_a_rate_goes_as_many_times_as_fast(rate: float, passed: int) -> None:
    world = World(rate).started()
    world.loop.now += 5 * S
    world.runner.sync()
    assert abs(world.clock.now - passed) <= 1


@pytest.mark.parametrize("rate", [10, 0.25])
def test_a_clock_with_a_rate_sleeps_by_the_wall(rate: float) -> None:
    world = World(rate).started()
    world.runner.sync()
    world.at(S, "a")
    world.runner.kick()
    assert world.loop.live() == [pytest.approx(1 / rate)]
    world.loop.turn()
    assert world.fired == ["a"]
