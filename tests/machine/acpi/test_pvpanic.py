"""The panic device: what it says that it knows, and what each bit causes."""

from __future__ import annotations

from functools import partial

import pytest

from machine.acpi.pvpanic import CRASH_LOADED, PANICKED, SHUTDOWN, PvPanic

NAMES = {PANICKED: "panicked", CRASH_LOADED: "crash loaded", SHUTDOWN: "shutdown"}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def device(told: list[str]) -> PvPanic:
    return PvPanic({bit: partial(told.append, name) for bit, name in NAMES.items()})


def test_it_knows_three_events(device: PvPanic) -> None:
    assert device.read(0, 1) == 0b111


@pytest.mark.parametrize(
    ("value", "events"),
    [
        (0, []),
        (1, ["panicked"]),
        (2, ["crash loaded"]),
        (4, ["shutdown"]),
        (7, ["panicked"]),
        (6, ["crash loaded"]),
        (8, []),
    ],
)
def test_of_several_events_in_a_write_the_first_counts(
    device: PvPanic, told: list[str], value: int, events: list[str]
) -> None:
    device.write(0, 1, value)
    assert told == events


def test_an_unknown_event_beside_a_known_one_does_not_hide_it(
    device: PvPanic, told: list[str]
) -> None:
    device.write(0, 1, 0xF8 | PANICKED)
    assert told == ["panicked"]


def test_there_is_nothing_behind_the_register(device: PvPanic, told: list[str]) -> None:
    assert device.read(1, 1) == 0
    device.write(1, 1, PANICKED)
    assert (told, device.stray_accesses) == ([], 2)
