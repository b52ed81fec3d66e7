"""Stages and behaviour by QMP, and the words for them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.options.table import parse
from machine.events import Aborted
from machine.faults.stage import Stage
from machine.faults.table import ACTIONS, EVENTS
from machine.guest.behaviour import Behaviour, KernelKind, OnlinePolicy
from protocol.model import wire_name
from protocol.qapi.faults import (
    FaultEvent,
    FaultOutcome,
    FaultStage,
    GuestBehaviour,
    GuestKernel,
    GuestOnlinePolicy,
)
from tests.box import Box
from tests.protocol.introspection import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator

DENY = {"when": "cpu-on", "do": "denied"}


@pytest.fixture
def box() -> Iterator[Box]:
    made = Box()
    yield made
    made.close()


def refused(box: Box, name: str, /, **arguments: Any) -> str:
    """A refusal, of the usual class, that has changed nothing and leaves the client served."""
    before = (box.returned("x-query-faults"), box.returned("x-guest-query-behaviour"))
    error = box.ask(name, **arguments)["error"]
    assert error["class"] == "GenericError"
    assert (box.returned("x-query-faults"), box.returned("x-guest-query-behaviour")) == before
    return str(error["desc"])


def test_the_wire_has_the_words_of_the_machine() -> None:
    outcomes = {outcome for event in EVENTS.values() for outcome in event.outcomes}
    assert list(FaultEvent) == list(EVENTS)
    assert set(FaultOutcome) == outcomes | set(ACTIONS)
    assert list(GuestKernel) == [kind.value for kind in KernelKind]
    assert list(GuestOnlinePolicy) == [policy.value for policy in OnlinePolicy]
    assert {field.name for field in fields(Stage)} == set(FaultStage.model_fields)
    assert {field.name for field in fields(Behaviour)} == set(GuestBehaviour.model_fields)


def test_introspection_tells_the_words(box: Box) -> None:
    schema = Schema(box.returned("query-qmp-schema"))
    for event in EVENTS:
        assert schema.has(f"x-inject-fault/arg-type/when/^{event}")
    for path in (
        "x-inject-fault/arg-type/do/^busy",
        "x-inject-fault/arg-type/*delay/!number",
        "x-inject-fault/ret-type/name/!str",
        "x-query-faults/ret-type/seen/!int",
        "x-clear-faults/arg-type/*name",
        "x-guest-set-behaviour/arg-type/*kernel/^no-ged",
        "x-guest-query-behaviour/ret-type/*load",
    ):
        assert schema.has(path), path


def test_a_stage_is_listed_as_it_was_given(box: Box) -> None:
    given = {
        "when": "eject-request",
        "do": "busy",
        "name": "a",
        "cpu": 3,
        "delay": 0.5,
        "jitter": 2,
        "probability": 0.25,
        "skip": 1,
        "count": 2,
    }
    assert box.returned("x-inject-fault", **given) == {"name": "a"}
    assert box.returned("x-query-faults") == [{**given, "seen": 0, "done": 0}]


def test_a_stage_without_a_name_gets_one_that_is_free(box: Box) -> None:
    assert box.returned("x-inject-fault", name="fault-1", **DENY) == {"name": "fault-1"}
    assert refused(box, "x-inject-fault", when="cpu-on", do="busy")
    assert box.returned("x-inject-fault", **DENY) == {"name": "fault-2"}


def test_what_a_stage_has_seen_and_done_is_counted(box: Box) -> None:
    box.returned("x-inject-fault", skip=1, count=1, **DENY)
    for cpu in (2, 3, 4):
        box.machine.faults.decide("cpu-on", cpu)
    (told,) = box.returned("x-query-faults")
    assert (told["seen"], told["done"]) == (3, 1)


def test_one_stage_or_all_are_cleared(box: Box) -> None:
    for name in ("a", "b", "c"):
        box.returned("x-inject-fault", name=name, **DENY)
    assert box.returned("x-clear-faults", name="b") == {}
    assert [told["name"] for told in box.returned("x-query-faults")] == ["a", "c"]
    assert box.returned("x-clear-faults") == {}
    assert box.returned("x-query-faults") == []
    assert not box.machine.faults.on


def test_a_stage_that_is_not_there_can_t_be_cleared(box: Box) -> None:
    box.returned("x-inject-fault", name="a", **DENY)
    error = {"class": "DeviceNotFound", "desc": "Fault 'b' not found"}
    assert box.ask("x-clear-faults", name="b") == {"error": error}
    assert len(box.returned("x-query-faults")) == 1


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "Parameter 'when' is missing"),
        ({"when": "up"}, "Parameter 'do' is missing"),
        ({**DENY, "x": 1}, "Parameter 'x' is unexpected"),
        ({**DENY, "cpu": None}, "Invalid parameter type for 'cpu', expected: integer"),
        ({**DENY, "cpu": 2**63}, "Invalid parameter type for 'cpu', expected: integer"),
        ({**DENY, "cpu": -1}, "Parameter 'cpu' does not accept value '-1'; correct range is 0:5"),
        ({**DENY, "delay": "1"}, "Invalid parameter type for 'delay', expected: number"),
        ({**DENY, "delay": 1e16}, "Parameter 'delay' is out of range"),
        ({**DENY, "name": ""}, "Parameter 'name' expects an identifier"),
        ({**DENY, "name": "taken"}, "Duplicate ID 'taken' for fault"),
        (
            {"when": "command", "do": "accept", "command": "nosuch"},
            ("Parameter 'command' does not accept value 'nosuch'; it is one of QEMU's own"),
        ),
        (
            {"when": "now", "do": "offline"},
            "Parameter 'target' is missing: do=offline needs a CPU",
        ),
    ],
)
def test_a_stage_that_can_t_be_is_refused(box: Box, given: dict[str, Any], complaint: str) -> None:
    box.returned("x-inject-fault", name="taken", **DENY)
    assert refused(box, "x-inject-fault", **given) == complaint


def test_a_word_that_there_is_not_is_refused_with_those_that_there_are(box: Box) -> None:
    told = refused(box, "x-inject-fault", when="never", do="busy")
    assert (
        told == f"Parameter 'when' does not accept value 'never'; it is one of: {', '.join(EVENTS)}"
    )


def test_behaviour_changes_only_where_it_is_given(box: Box) -> None:
    before = box.returned("x-guest-query-behaviour")
    box.returned("x-guest-set-behaviour", load=0.5, isolated=[3, 2])
    assert box.returned("x-guest-query-behaviour") == {**before, "load": 0.5, "isolated": [2, 3]}
    box.returned("x-guest-set-behaviour", speed=2, online_delay=1.5, kernel="no-ged")
    assert box.returned("x-guest-query-behaviour") == {
        **before,
        "load": 0.5,
        "isolated": [2, 3],
        "speed": 2,
        "online-delay": 1.5,
        "kernel": "no-ged",
    }
    box.returned("x-guest-set-behaviour", **before)
    assert box.returned("x-guest-query-behaviour") == before


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"load": 1}, "Parameter 'load' expects a number from 0 to below 1"),
        ({"load": -0.1}, "Parameter 'load' expects a number from 0 to below 1"),
        ({"speed": 0}, "Parameter 'speed' expects a positive number"),
        ({"speed": "slow"}, "Parameter 'speed' expects a number or 'instant'"),
        ({"boot-time": -1}, "Parameter 'boot-time' expects a number that is not negative"),
        ({"online-delay": 1e300}, "Parameter 'online-delay' is out of range"),
        ({"isolated": [6]}, "Parameter 'isolated' does not accept value '6'; correct range is 0:5"),
        (
            {"kernel": "x"},
            ("Parameter 'kernel' does not accept value 'x'; it is one of: hotplug, no-hotplug, "
            "no-ged"),
        ),
        ({"mood": "bad"}, "Parameter 'mood' is unexpected"),
        ({"load": 0.5, "isolated": [6]}, ("Parameter 'isolated' does not accept value '6'; "
         "correct range is 0:5")),
    ],
)  # fmt: skip
def test_a_guest_that_can_t_be_is_refused(box: Box, given: dict[str, Any], complaint: str) -> None:
    assert refused(box, "x-guest-set-behaviour", **given) == complaint


def test_the_wire_spells_keys_as_files_do() -> None:
    assert "online-delay" in set(map(wire_name, GuestBehaviour.model_fields))


def test_before_the_machine_is_created_there_is_nothing_to_meddle_with() -> None:
    box = Box(parse(["--preconfig", "--scenario", "busy-once"]), boot=False)
    for name in ("x-query-faults", "x-guest-query-behaviour", "x-clear-faults"):
        assert "only after machine initialization" in box.ask(name)["error"]["desc"]
    box.returned("x-exit-preconfig")
    assert [told["name"] for told in box.returned("x-query-faults")] == ["busy"]
    box.close()


def test_an_abort_tells_nobody_anything(box: Box) -> None:

    box.machine.events.emit(Aborted())
    assert box.aborted
    assert not box.ended
    assert box.received() == []


VALUES = st.one_of(
    st.sampled_from([*FaultEvent, *FaultOutcome, "a", "stop"]).map(str),
    st.integers(-1, 9),
    st.integers(-4, 400).map(lambda quarters: quarters / 4),
    st.booleans(),
)
GIVEN = st.fixed_dictionaries(
    {"when": st.sampled_from(list(EVENTS)), "do": st.sampled_from(list(FaultOutcome)).map(str)},
    optional={name: VALUES for name in FaultStage.model_fields if name not in {"when", "do"}},
)


@settings(max_examples=50)
@given(st.lists(GIVEN, max_size=4))
def test_whatever_is_given_is_taken_as_it_is_or_refused(stages: list[dict[str, Any]]) -> None:
    box = Box(boot=False)
    taken: list[dict[str, Any]] = []
    for stage in stages:
        answer = box.ask("x-inject-fault", **stage)
        if "return" in answer:
            taken.append({**stage, **answer["return"]})
        else:
            assert answer["error"]["class"] == "GenericError"
            assert "Internal" not in answer["error"]["desc"]
    told = box.returned("x-query-faults")
    again = Box(boot=False)
    for stage in told:
        counts = {name: stage.pop(name) for name in ("seen", "done")}
        assert counts["seen"] == (stage["when"] == "now")
        again.returned("x-inject-fault", **stage)
    assert [stage["name"] for stage in told] == [stage["name"] for stage in taken]
    assert all(stage.items() <= given.items() for stage, given in zip(told, taken, strict=True))
    box.close()
    again.close()
