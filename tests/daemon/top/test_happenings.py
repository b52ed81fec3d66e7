"""Events in the list."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.top.happenings import happening

WORDS = st.sampled_from(["info", "index", "path", "slot", "source", "status", "seconds"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=8,
)


def event(name: str, seconds: int = 0, **data: Any) -> dict[str, Any]:
    stamp = {"seconds": seconds, "microseconds": 234567}
    return {"event": name, "timestamp": stamp, **({"data": data} if data else {})}


@pytest.mark.parametrize(
    ("seconds", "time"),
    [(1_700_000_000, "22:13:20.234"), (5, "5.234567"), (-1, "-"), (2**62, f"{2**62}.234567")],
)
def test_times_are_those_of_the_wall_or_of_the_machine(seconds: int, time: str) -> None:
    assert happening(event("STOP", seconds), UTC).time == time


def test_a_report_is_told_in_words() -> None:
    info = {"device": "core2", "slot": "2", "slot-type": "CPU", "source": 3, "status": 0x84}
    told = happening(event("ACPI_DEVICE_OST", info=info))
    assert (told.name, told.text) == ("ACPI_DEVICE_OST", "slot 2 core2: eject request: in progress")


def test_other_data_is_told_as_it_is() -> None:
    told = happening(event("ANY", guest=True, reason="guest-reset", more=[1]))
    assert told.text == "guest=True reason=guest-reset more=..."
    assert happening(event("STOP")).text == ""


@given(st.dictionaries(st.sampled_from(["event", "data", "timestamp"]), JSON))
def test_no_event_is_too_strange_to_be_listed(strange: dict[str, Any]) -> None:
    assert happening(strange).time


@given(st.dictionaries(WORDS, JSON))
def test_no_data_is_too_strange(strange: dict[str, Any]) -> None:
    for shape in ({"data": strange}, {"data": {"info": strange}}, {"timestamp": strange}):
        happening({"event": "X_VCPU_ERROR", **shape})
