"""Stages in force: which of them fire, when, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from machine.clock import VirtualClock
from machine.errors import DeviceNotFoundError, MachineError
from machine.faults.faults import AS_EVER, Decision, Faults
from machine.faults.stage import Stage
from machine.trace import Trace, TracePoint


class Diary:
    """An actor that only writes down what it was to do, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.entries: list[tuple[int, str, int | None]] = []

    def act(self, stage: Stage, cpu: int | None) -> None:
        self.entries.append((self._clock.now, stage.do, cpu))

    def end(self, stage: Stage) -> None:
        self.entries.append((self._clock.now, f"end {stage.do}", None))


class Bench:
    """Stages without a machine."""

    def __init__(self, seed: int = 0) -> None:
        self.clock = VirtualClock()
        self.trace = Trace(self.clock)
        self.diary = Diary(self.clock)
        self.faults = Faults(self.clock, self.trace, self.diary, seed=seed, possible=6)

    def inject(self, when: str, do: str, **rest: Any) -> None:
        name = rest.pop("name", None) or self.faults.free_name(when)
        self.faults.inject(Stage(when=when, do=do, name=name, **rest))

    def outcomes(self, event: str, times: int, cpu: int | None = 2) -> list[str]:
        return [self.faults.decide(event, cpu).outcome for _ in range(times)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_without_stages_everything_goes_as_ever(bench: Bench) -> None:
    assert not bench.faults.on
    assert bench.faults.decide("cpu-on", 3) is AS_EVER


def test_a_stage_for_a_cpu_leaves_the_others_alone(bench: Bench) -> None:
    bench.inject("cpu-on", "denied", cpu=2)
    assert bench.faults.decide("cpu-on", 2) == Decision("denied")
    assert bench.faults.decide("cpu-on", 3) is AS_EVER
    assert bench.faults.decide("cpu-off", 2) is AS_EVER


def test_a_stage_for_a_command_leaves_the_others_alone(bench: Bench) -> None:
    bench.inject("command", "drop-unexecuted", command="device_add")
    dropped = bench.faults.decide("command", command="device_add")
    assert dropped.outcome == "drop-unexecuted"
    assert bench.faults.decide("command", command="device_del") is AS_EVER


def test_skip_and_count_choose_which_ones(bench: Bench) -> None:
    bench.inject("cpu-on", "denied", skip=1, count=2)
    assert bench.outcomes("cpu-on", 5) == ["accept", "denied", "denied", "accept", "accept"]


def test_the_first_stage_decides_and_the_next_one_takes_over_when_it_is_spent(bench: Bench) -> None:
    bench.inject("cpu-on", "denied", count=1)
    bench.inject("cpu-on", "internal-failure")
    assert bench.outcomes("cpu-on", 3) == ["denied", "internal-failure", "internal-failure"]


def test_an_action_comes_after_its_delay_and_decides_nothing(bench: Bench) -> None:
    bench.inject("unplug-request", "reboot", delay=500)
    assert bench.faults.decide("unplug-request", 2) is AS_EVER
    bench.clock.advance_to(499)
    assert bench.diary.entries == []
    bench.clock.advance_to(500)
    assert bench.diary.entries == [(500, "reboot", 2)]


def test_an_action_is_done_to_its_target(bench: Bench) -> None:
    bench.inject("plug", "offline", target=4)
    bench.faults.decide("plug", 2)
    bench.clock.run_until_idle()
    assert bench.diary.entries == [(0, "offline", 4)]


def test_a_stage_for_now_acts_once_by_itself(bench: Bench) -> None:
    bench.inject("now", "panic", delay=7)
    bench.clock.run_until_idle()
    assert bench.diary.entries == [(7, "panic", None)]


def test_what_lasts_ends_when_its_duration_is_over(bench: Bench) -> None:
    bench.inject("now", "hang", delay=10, duration=20)
    bench.clock.run_until_idle()
    assert bench.diary.entries == [(10, "hang", None), (30, "end hang", None)]


def test_what_is_caused_again_before_it_is_over_lasts_anew(bench: Bench) -> None:
    bench.inject("plug", "hang", duration=20)
    bench.faults.decide("plug", 2)
    bench.clock.advance_to(15)
    bench.faults.decide("plug", 3)
    bench.clock.run_until_idle()
    assert bench.diary.entries == [(0, "hang", 2), (15, "hang", 3), (35, "end hang", None)]


def test_what_is_cleared_does_not_come_and_what_lasts_ends(bench: Bench) -> None:
    bench.inject("now", "hang", name="a")
    bench.inject("now", "panic", name="b", delay=50)
    bench.clock.advance_to(10)
    bench.faults.clear()
    bench.clock.run_until_idle()
    assert bench.diary.entries == [
        (0, "hang", None),
        (10, "end hang", None),
        (10, "end panic", None),
    ]
    assert not bench.faults.on


def test_one_of_several_can_be_cleared(bench: Bench) -> None:
    bench.inject("cpu-on", "denied", name="a")
    bench.inject("cpu-on", "internal-failure", name="b")
    bench.faults.clear("a")
    assert bench.outcomes("cpu-on", 1) == ["internal-failure"]
    with pytest.raises(DeviceNotFoundError, match="Fault 'a' not found"):
        bench.faults.clear("a")


def test_a_name_is_given_once(bench: Bench) -> None:
    bench.inject("cpu-on", "denied", name="a")
    with pytest.raises(MachineError, match="Duplicate ID 'a' for fault"):
        bench.inject("cpu-off", "denied", name="a")
    assert len(bench.faults.armed()) == 1


def test_a_stage_that_is_refused_is_not_in_force(bench: Bench) -> None:
    with pytest.raises(MachineError, match=r"does not accept value .6.; correct range is 0:5"):
        bench.inject("cpu-on", "denied", cpu=6)
    assert not bench.faults.on


def test_what_is_seen_and_done_is_counted(bench: Bench) -> None:
    bench.inject("cpu-on", "denied", skip=1)
    bench.outcomes("cpu-on", 3)
    (armed,) = bench.faults.armed()
    assert (armed.seen, armed.done) == (3, 2)


def test_chance_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    def luck(seed: int) -> list[str]:
        bench = Bench(seed)
        bench.inject("cpu-on", "denied", name="a", probability=0.5)
        return bench.outcomes("cpu-on", 64)

    assert luck(1) == luck(1)
    assert luck(1) != luck(2)
    assert 16 < luck(1).count("denied") < 48


def test_a_stage_that_is_added_changes_no_other_s_luck() -> None:
    def luck(*, more: bool) -> list[str]:
        bench = Bench()
        if more:
            bench.inject("cpu-off", "denied", name="b", probability=0.5)
        bench.inject("cpu-on", "denied", name="a", probability=0.5)
        found = []
        for _ in range(32):
            bench.faults.decide("cpu-off", 2)
            found.append(bench.faults.decide("cpu-on", 2).outcome)
        return found

    assert luck(more=True) == luck(more=False)


def test_jitter_makes_a_delay_longer_by_a_part_of_it(bench: Bench) -> None:
    bench.inject("eject-request", "accept", delay=100, jitter=50)
    delays = [bench.faults.decide("eject-request", 2).delay for _ in range(100)]
    assert all(100 <= delay < 150 for delay in delays)
    assert len(set(delays)) > 10


def test_what_is_decided_is_traced(bench: Bench) -> None:
    points: list[TracePoint] = []
    bench.trace.listen(points.append)
    bench.inject("cpu-on", "denied", name="a")
    bench.faults.decide("cpu-on", 2)
    assert [(p.layer, p.name, p.fields) for p in points] == [
        ("fault", "denied", {"stage": "a", "when": "cpu-on", "cpu": 2})
    ]
