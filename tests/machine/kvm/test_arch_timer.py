"""The generic timer: condition, mask, the two views of the instant, and a line on virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.clock import VirtualClock
from machine.kvm.arch_timer import ENABLE, FREQUENCY, IMASK, ISTATUS, TICK, ArchTimer

MASK32 = 0xFFFF_FFFF


class Bench:
    """A timer, its clock, and when its line changed (in ticks)."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.timer = ArchTimer(self.clock, "t")
        self.changes: list[tuple[int, bool]] = []
        self.timer.line.connect(lambda level: self.changes.append((self.timer.count, level)))

    def to(self, ticks: int) -> None:
        self.clock.advance_to(ticks * TICK)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_counter_is_virtual_time_at_its_frequency(bench: Bench) -> None:
    bench.clock.advance_to(1_000_000_000)
    assert bench.timer.count == FREQUENCY


def test_the_line_rises_when_the_counter_reaches_the_instant(bench: Bench) -> None:
    bench.timer.write_cval(100)
    bench.timer.write_ctl(ENABLE)
    bench.to(99)
    assert bench.changes == []
    bench.to(100)
    assert bench.changes == [(100, True)]


def test_a_timer_that_is_off_does_nothing_and_leaves_the_clock_idle(bench: Bench) -> None:
    bench.timer.write_cval(100)
    assert bench.clock.next_deadline is None
    bench.to(200)
    assert bench.changes == []
    assert bench.timer.ctl == 0


def test_istatus_tells_of_the_condition_while_the_timer_is_on(bench: Bench) -> None:
    bench.timer.write_cval(100)
    bench.timer.write_ctl(ENABLE)
    assert bench.timer.ctl == ENABLE
    bench.to(100)
    assert bench.timer.ctl == ENABLE | ISTATUS
    bench.timer.write_ctl(0)
    assert bench.timer.ctl == 0


def test_istatus_cannot_be_written(bench: Bench) -> None:
    bench.timer.write_cval(100)
    bench.timer.write_ctl(ENABLE | ISTATUS | 0xF8)
    assert bench.timer.ctl == ENABLE
    assert not bench.timer.line.level


def test_a_masked_timer_meets_its_condition_in_silence(bench: Bench) -> None:
    bench.timer.write_cval(100)
    bench.timer.write_ctl(ENABLE | IMASK)
    bench.to(150)
    assert bench.timer.ctl == ENABLE | IMASK | ISTATUS
    assert bench.changes == []
    bench.timer.write_ctl(ENABLE)
    assert bench.changes == [(150, True)]
    bench.timer.write_ctl(ENABLE | IMASK)
    assert bench.changes == [(150, True), (150, False)]


def test_the_line_stays_high_until_the_instant_is_moved_or_the_timer_off(bench: Bench) -> None:
    bench.timer.write_cval(100)
    bench.timer.write_ctl(ENABLE)
    bench.to(120)
    bench.timer.write_cval(200)
    assert bench.changes == [(100, True), (120, False)]
    bench.to(200)
    bench.timer.write_ctl(0)
    assert bench.changes[2:] == [(200, True), (200, False)]


def test_an_instant_in_the_past_is_met_at_once(bench: Bench) -> None:
    bench.to(50)
    bench.timer.write_cval(50)
    bench.timer.write_ctl(ENABLE)
    assert bench.changes == [(50, True)]


def test_moving_the_instant_forgets_the_old_one(bench: Bench) -> None:
    bench.timer.write_ctl(ENABLE | IMASK)
    bench.timer.write_cval(100)
    bench.timer.write_ctl(ENABLE)
    bench.timer.write_cval(300)
    bench.timer.write_cval(200)
    bench.to(400)
    assert bench.changes == [(200, True)]


def test_tval_sets_the_instant_relative_to_now(bench: Bench) -> None:
    bench.to(1000)
    bench.timer.write_tval(50)
    assert bench.timer.cval == 1050
    bench.to(1020)
    assert bench.timer.tval == 30
    bench.to(1060)
    assert bench.timer.tval == -10 & MASK32


def test_a_negative_tval_lies_in_the_past(bench: Bench) -> None:
    bench.to(1000)
    bench.timer.write_ctl(ENABLE)
    bench.timer.write_tval(-10 & MASK32)
    assert bench.timer.cval == 990
    assert bench.timer.line.level


def test_only_32_bits_of_tval_count(bench: Bench) -> None:
    bench.timer.write_tval(0xABC_0000_0007)
    assert bench.timer.cval == 7


def test_a_reset_switches_off(bench: Bench) -> None:
    bench.timer.write_ctl(ENABLE)
    bench.timer.write_cval(100)
    bench.to(100)
    bench.timer.reset()
    assert (bench.timer.ctl, bench.timer.cval, bench.timer.line.level) == (0, 0, False)
    assert bench.clock.next_deadline is None


@given(st.integers(0, 1 << 40), st.integers(-(1 << 31), (1 << 31) - 1))
def test_what_is_written_to_tval_is_read_back(now: int, value: int) -> None:
    bench = Bench()
    bench.to(now)
    bench.timer.write_tval(value & MASK32)
    assert bench.timer.tval == value & MASK32


STEP = st.one_of(
    st.tuples(st.just("ctl"), st.integers(0, 3)),
    st.tuples(st.just("cval"), st.integers(0, 60)),
    st.tuples(st.just("to"), st.integers(0, 60)),
)


@given(st.lists(STEP, max_size=20))
def test_the_line_is_high_exactly_while_on_unmasked_and_due(steps: list[tuple[str, int]]) -> None:
    bench = Bench()
    ctl = cval = 0
    for verb, value in steps:
        if verb == "ctl":
            ctl = value
            bench.timer.write_ctl(value)
        elif verb == "cval":
            cval = value
            bench.timer.write_cval(value)
        else:
            bench.to(max(value, bench.timer.count))
        due = bool(ctl & ENABLE) and bench.timer.count >= cval
        assert bench.timer.line.level is (due and not ctl & IMASK)
        assert bool(bench.timer.ctl & ISTATUS) is due
