"""Virtual time: deadlines in order, ties in the order of setting, and nothing by itself."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from machine.clock import VirtualClock
from tests.machine.cost import kept_by


def test_time_stands_until_somebody_moves_it() -> None:
    clock = VirtualClock()
    fired: list[int] = []
    clock.call_at(5, lambda: fired.append(clock.now))
    assert clock.now == 0
    assert fired == []


def test_a_timer_fires_once_when_time_reaches_its_deadline() -> None:
    clock = VirtualClock()
    fired: list[int] = []
    clock.call_at(5, lambda: fired.append(clock.now))
    clock.advance_to(4)
    assert fired == []
    clock.advance_to(5)
    clock.advance_to(100)
    assert fired == [5]
    assert clock.now == 100


def test_timers_of_one_instant_fire_in_the_order_of_setting() -> None:
    clock = VirtualClock()
    fired: list[str] = []
    for name in "abc":
        clock.call_at(7, partial(fired.append, name))
    clock.run_until_idle()
    assert fired == ["a", "b", "c"]


def test_timers_that_were_cancelled_do_not_pile_up() -> None:
    clock = VirtualClock()
    fired: list[int] = []
    for n in range(1000, 0, -1):
        clock.call_at(n, partial(fired.append, n))

    def set_anew() -> None:
        for _ in range(10_000):
            clock.call_at(1 << 40, lambda: None).cancel()

    assert kept_by(set_anew)[1] < 200_000, "what some thousand of them take"
    clock.run_until_idle()
    assert fired == list(range(1, 1001))
    assert clock.now == 1000


def test_a_delay_counts_from_now() -> None:
    clock = VirtualClock()
    clock.advance_to(30)
    assert clock.call_after(12, lambda: None).deadline == 42


def test_a_deadline_in_the_past_is_due_at_once_and_time_does_not_go_back() -> None:
    clock = VirtualClock()
    clock.advance_to(30)
    fired: list[int] = []
    clock.call_at(10, lambda: fired.append(clock.now))
    clock.run_until_idle()
    assert fired == [30]


def test_advancing_to_the_past_changes_nothing() -> None:
    clock = VirtualClock()
    clock.advance_to(30)
    clock.advance_to(10)
    assert clock.now == 30


def test_a_cancelled_timer_does_not_fire_and_is_no_deadline() -> None:
    clock = VirtualClock()
    fired: list[int] = []
    timer = clock.call_at(5, lambda: fired.append(5))
    clock.call_at(9, lambda: fired.append(9))
    timer.cancel()
    assert clock.next_deadline == 9
    clock.run_until_idle()
    assert fired == [9]


def test_cancelling_a_timer_that_has_fired_is_harmless() -> None:
    clock = VirtualClock()
    timer = clock.call_at(5, lambda: None)
    clock.run_until_idle()
    timer.cancel()
    assert clock.next_deadline is None


def test_what_a_timer_sets_for_the_same_instant_fires_in_the_same_advance() -> None:
    clock = VirtualClock()
    fired: list[str] = []

    def set_another() -> None:
        clock.call_at(5, partial(fired.append, "second"))

    clock.call_at(5, set_another)
    clock.advance_to(5)
    assert fired == ["second"]


def test_running_until_idle_stops_before_the_limit_is_passed() -> None:
    clock = VirtualClock()
    fired: list[int] = []
    for at in (1, 10, 11):
        clock.call_at(at, partial(fired.append, at))
    clock.run_until_idle(limit=10)
    assert fired == [1, 10]
    assert clock.now == 10
    assert clock.next_deadline == 11


def test_an_idle_clock_has_no_deadline() -> None:
    assert VirtualClock().next_deadline is None


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans())))
def test_timers_fire_by_deadline_then_by_order_of_setting(plan: list[tuple[int, bool]]) -> None:
    clock = VirtualClock()
    fired: list[tuple[int, int]] = []
    for n, (at, cancelled) in enumerate(plan):
        timer = clock.call_at(at, partial(fired.append, (at, n)))
        if cancelled:
            timer.cancel()
    clock.run_until_idle()
    assert fired == sorted((at, n) for n, (at, gone) in enumerate(plan) if not gone)
