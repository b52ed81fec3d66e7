"""Stages: what can be said, and how the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest

from machine.errors import MachineError
from machine.faults.stage import Stage
from machine.faults.table import ACTIONS, EVENTS


@pytest.mark.parametrize(
    ("when", "do"), [(name, do) for name, event in EVENTS.items() for do in event.outcomes]
)
def test_each_outcome_of_an_event_can_be_decided(when: str, do: str) -> None:
    assert Stage(when=when, do=do).is_decision


@pytest.mark.parametrize("when", EVENTS)
@pytest.mark.parametrize("do", ACTIONS)
def test_any_event_can_cause_each_action(when: str, do: str) -> None:
    target = 1 if ACTIONS[do].cpu else None
    assert Stage(when=when, do=do, target=target).is_action


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"when": "noon", "do": "panic"}, "Parameter 'when' does not accept value 'noon'"),
        ({"when": "up", "do": "busy"}, "Parameter 'do' does not accept value 'busy'"),
        (
            {"when": "up", "do": "eject"},
            "Parameter 'target' is missing: do=eject needs a CPU",
        ),
        (
            {"when": "up", "do": "panic", "cpu": 1},
            "Parameter 'cpu' does not go with when=up",
        ),
        (
            {"when": "cpu-on", "do": "denied", "target": 1},
            "Parameter 'target' does not go with do=denied",
        ),
        (
            {"when": "plug", "do": "panic", "command": "stop"},
            "Parameter 'command' needs when=command",
        ),
        (
            {"when": "unpark", "do": "enomem", "delay": 1},
            "Parameter 'delay' does not go with when=unpark",
        ),
        (
            {"when": "plug", "do": "panic", "duration": 1},
            "Parameter 'duration' does not go with do=panic",
        ),
        ({"when": "plug", "do": "panic", "delay": -1}, "Parameter 'delay' expects a number"),
        (
            {"when": "plug", "do": "panic", "probability": 1.5},
            "Parameter 'probability' expects a number from 0 to 1",
        ),
        (
            {"when": "plug", "do": "panic", "probability": float("nan")},
            "Parameter 'probability' expects a number from 0 to 1",
        ),
        (
            {"when": "plug", "do": "panic", "count": 0},
            "Parameter 'count' expects a positive number",
        ),
        (
            {"when": "now", "do": "panic", "count": 2},
            "Parameter 'count' does not go with when=now",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(MachineError) as caught:
        Stage(**given)
    assert str(caught.value).startswith(text)


def test_a_refused_word_comes_with_those_that_are_allowed() -> None:
    with pytest.raises(MachineError, match="it is one of: enomem, ebusy, online,"):
        Stage(when="unpark", do="denied")


@pytest.mark.parametrize("key", ["cpu", "target"])
@pytest.mark.parametrize("index", [-1, 6])
def test_a_cpu_that_there_can_not_be_is_refused(key: str, index: int) -> None:
    given: dict[str, Any] = {"when": "plug", "do": "offline", key: index}
    with pytest.raises(MachineError) as caught:
        Stage(**given).check_cpus(6)
    assert str(caught.value) == (
        f"Parameter '{key}' does not accept value '{index}'; correct range is 0:5"
    )
