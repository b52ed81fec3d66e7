"""docs/guest.md: what the guest is like, is made to do, and takes, is what the code says."""

from __future__ import annotations

from dataclasses import fields

from machine.faults.table import EVENTS
from machine.guest.acpi_hotplug import EJECT_REFUSALS, INSERT_FAILURES
from machine.guest.behaviour import Behaviour, KernelKind, OnlinePolicy
from machine.guest.latency import Latency
from machine.guest.timer import MS
from tests.docs.pages import codes, read, rows, section

PAGE = read("docs/guest.md")
LIKE = list(rows(section(PAGE, "What it is like")))
EVENTS_OF_THE_GUEST = ("device-check", "eject-request", "boot")


def outcomes() -> dict[str, dict[str, str]]:
    """What is seen, by outcome, by event."""
    found: dict[str, dict[str, str]] = {}
    for when, do, seen in rows(section(PAGE, "What it is made to do")):
        found.setdefault(codes(when)[0], {})[codes(do)[0]] = seen
    return found


def test_every_latency_is_in_the_table_and_no_other() -> None:
    shown = [tuple(row) for row in rows(section(PAGE, "How long it takes"))]
    assert shown == [
        (each.value.help, f"{each.value.ns // MS} ms", each.value.source) for each in Latency
    ]


def test_the_sums_are_right() -> None:
    ged, check, udev, up, ask, refuse, down, eject, remove = (
        each.value.ns // MS for each in Latency
    )
    check, ask = ged + check, ged + ask
    text = " ".join(PAGE.split())
    assert f"reported after {check} ms and online after {check + udev + up} ms" in text
    gone = ask + down + eject
    assert f"going after {ask} ms, is gone after {gone} ms" in text
    assert f"reported so after {gone + remove} ms" in text
    assert f"a refusal comes after {ask + refuse} ms" in text


def test_every_field_of_a_behaviour_is_described() -> None:
    shown = dict.fromkeys(row[0] for row in LIKE)
    assert list(shown) == [field.name.replace("_", "-") for field in fields(Behaviour)]


def test_every_kernel_and_every_policy_is_described() -> None:
    shown = [code for row in LIKE for code in codes(row[1])]
    assert set(shown) == {each.value for kind in (KernelKind, OnlinePolicy) for each in kind}


def test_every_outcome_is_described_by_what_is_seen() -> None:
    assert {event: list(seen) for event, seen in outcomes().items()} == {
        event: list(EVENTS[event].outcomes) for event in EVENTS_OF_THE_GUEST
    }


def test_what_is_reported_is_as_described() -> None:
    shown = outcomes()
    for do, status in INSERT_FAILURES.items():
        assert f"`_OST` (1, {_code(status)})" in shown["device-check"][do]
    for do, refusal in EJECT_REFUSALS.items():
        seen = shown["eject-request"][do]
        assert seen.startswith(f"`_OST` (3, 0x84), `_OST` (3, {_code(refusal.status)})")
        assert refusal.line in seen
        assert ("console" in seen) is bool(refusal.line)


def _code(status: int) -> str:
    return f"{status:#x}" if status >= 0x80 else str(status)
