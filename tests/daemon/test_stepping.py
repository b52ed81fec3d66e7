"""Time that passes by commands: how far a step goes, what ends it, what is refused."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from daemon.options.table import parse
from tests.box import Box
from tests.daemon.live import Client, client_at, greeted, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from daemon.app import App
    from tests.daemon.conftest import Run

MS = 1_000_000
S = 1000 * MS
PLUG: dict[str, Any] = {"driver": "cortex-a72-arm-cpu", "id": "c2", "core-id": 2}


@pytest.fixture
def box() -> Iterator[Box]:
    """A machine whose clock is stepped, booted."""
    box = Box(parse(["--clock", "stepped"]))
    yield box
    box.close()


def said(box: Box, name: str, **arguments: Any) -> list[dict[str, Any]]:
    """A command; all that comes, in its order."""
    wire = {key.replace("_", "-"): value for key, value in arguments.items()}
    return box.send(json.dumps({"execute": name, "arguments": wire}).encode())


def refusal(box: Box, name: str, **arguments: Any) -> str:
    before = box.returned("x-query-clock")
    desc = box.ask(name, **arguments)["error"]["desc"]
    assert box.returned("x-query-clock") == before
    return str(desc)


def test_time_stands_still_between_steps(box: Box) -> None:
    now = box.returned("x-query-clock")["now-ns"]
    assert said(box, "device_add", **PLUG) == [{"return": {}}]
    clock = box.returned("x-query-clock")
    assert clock["now-ns"] == now
    assert clock["next-ns"] > now


def test_a_step_takes_the_clock_just_so_far(box: Box) -> None:
    now = box.returned("x-query-clock")["now-ns"]
    assert box.returned("x-clock-step", time_ns=S) == {"now-ns": now + S, "reason": "time"}
    assert box.returned("x-clock-step", time_ns=0) == {"now-ns": now + S, "reason": "time"}


def test_what_happens_in_a_step_is_told_before_its_reply_and_at_its_time(box: Box) -> None:
    said(box, "device_add", **PLUG)
    event, reply = said(box, "x-clock-step", time_ns=S)
    assert event["event"] == "ACPI_DEVICE_OST"
    stamp = event["timestamp"]["seconds"] * S + event["timestamp"]["microseconds"] * 1000
    assert stamp < reply["return"]["now-ns"]


def test_a_run_ends_behind_the_event_that_it_waits_for(box: Box) -> None:
    said(box, "device_add", **PLUG)
    match = {"info": {"device": "c2", "source": 1}}
    event, reply = said(box, "x-clock-run-until", event="ACPI_DEVICE_OST", match=match)
    assert event["data"]["info"]["device"] == "c2"
    assert reply["return"]["reason"] == "event"


def test_an_event_that_does_not_match_ends_nothing(box: Box) -> None:
    said(box, "device_add", **PLUG)
    begin = box.returned("x-query-clock")["now-ns"]
    match = {"info": {"device": "c3"}}
    _, reply = said(
        box, "x-clock-run-until", event="ACPI_DEVICE_OST", match=match, timeout_ns=5 * S
    )
    assert reply["return"] == {"now-ns": begin + 5 * S, "reason": "time"}


def test_an_event_that_was_before_the_run_does_not_count(box: Box) -> None:
    said(box, "stop")
    said(box, "cont")
    reply = box.returned("x-clock-run-until", event="RESUME", idle=True)
    assert reply["reason"] == "idle"


def test_a_run_until_idle_ends_where_nothing_is_due(box: Box) -> None:
    said(box, "device_add", **PLUG)
    assert box.returned("x-clock-run-until", idle=True)["reason"] == "idle"
    assert "next-ns" not in box.returned("x-query-clock")


def test_a_run_without_a_timeout_gives_up_after_an_hour(box: Box) -> None:
    begin = box.returned("x-query-clock")["now-ns"]
    reply = box.returned("x-clock-run-until", event="DEVICE_DELETED")
    assert reply == {"now-ns": begin + 3600 * S, "reason": "time"}


def test_a_machine_that_stops_within_a_step_ends_it(box: Box) -> None:
    box.machine.clock.call_after(3 * MS, box.machine.stop)
    begin = box.returned("x-query-clock")["now-ns"]
    event, reply = said(box, "x-clock-step", time_ns=S)
    assert event["event"] == "STOP"
    assert reply["return"] == {"now-ns": begin + 3 * MS, "reason": "stopped"}


def test_a_guest_that_powers_off_ends_the_step_that_is_answered_all_the_same(box: Box) -> None:
    said(box, "x-guest-write", path="/proc/sysrq-trigger", data="o")
    *_, event, reply = said(box, "x-clock-step", time_ns=S)
    assert event["event"] == "SHUTDOWN"
    assert reply["return"]["reason"] == "stopped"
    assert box.ended


@pytest.mark.parametrize(
    ("arguments", "desc"),
    [
        ({"time_ns": -1}, "Parameter 'time-ns' expects a number that is not negative"),
        ({}, "Parameter 'time-ns' is missing"),
        ({"time_ns": 0.5}, "Invalid parameter type for 'time-ns', expected: integer"),
    ],
)
def test_a_step_that_can_not_be_is_refused(box: Box, arguments: Any, desc: str) -> None:
    assert refusal(box, "x-clock-step", **arguments) == desc


@pytest.mark.parametrize(
    ("arguments", "desc"),
    [
        ({}, "One of 'event' and 'idle' is needed: what is to be waited for?"),
        ({"event": "NEVER"}, "Parameter 'event' does not accept value 'NEVER'"),
        ({"match": {}, "idle": True}, "Parameter 'match' needs 'event'"),
        ({"event": "STOP", "match": 3}, "Invalid parameter type for 'match', expected: object"),
        (
            {"idle": True, "timeout_ns": -5},
            "Parameter 'timeout-ns' expects a number that is not negative",
        ),
    ],
)
def test_a_run_that_can_not_be_is_refused(box: Box, arguments: Any, desc: str) -> None:
    assert refusal(box, "x-clock-run-until", **arguments) == desc


def test_a_machine_that_does_not_run_is_not_stepped(box: Box) -> None:
    said(box, "stop")
    still = "The machine is not running: its time stands still"
    assert refusal(box, "x-clock-step", time_ns=1) == still
    said(box, "cont")
    assert box.returned("x-clock-step", time_ns=1)["reason"] == "time"


def test_a_clock_that_follows_the_wall_is_not_stepped() -> None:
    box = Box()
    desc = "The clock is not stepped: that needs --clock stepped"
    assert box.ask("x-clock-step", time_ns=1)["error"]["desc"] == desc
    assert box.ask("x-clock-run-until", idle=True)["error"]["desc"] == desc
    assert box.returned("x-query-clock")["mode"] == "wall"
    box.close()


def test_the_clock_of_a_machine_that_is_planned_is_told() -> None:
    box = Box(parse(["--clock", "rate=2.5", "--preconfig"]), boot=False)
    expected = {"mode": "rate", "rate": 2.5, "running": False, "stepping": False, "now-ns": 0}
    assert box.returned("x-query-clock") == expected
    box.close()


# With sockets: who waits, and who need not


def forever(app: App) -> None:
    """Something that is due again and again, a microsecond later."""
    app.machine.clock.call_after(1000, lambda: forever(app))


@asynccontextmanager
async def endless(folder: Path, *capabilities: str) -> AsyncIterator[tuple[App, Client, Client]]:
    """Two clients, of whom the first one waits for the end of a step that has none."""
    monitors = [
        word for name in "ab" for word in ("-qmp", f"unix:{folder / name},server=on,wait=off")
    ]
    async with serving(parse(["--clock", "stepped", *monitors])) as app:
        first, second = await greeted(folder / "a"), await client_at(folder / "b")
        await first.asks("qmp_capabilities", enable=list(capabilities))
        forever(app)
        first.says("x-clock-run-until", idle=True)
        while not (await second.asks("x-query-clock"))["stepping"]:
            pass
        yield app, first, second
        for client in (first, second):
            client.sock.close()


def test_a_step_without_end_leaves_other_clients_served_who_can_end_it(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        async with endless(tmp_path) as (_, first, second):
            busy = "The clock is being stepped by another client"
            assert await second.asks("x-clock-step", time_ns=1) == busy
            second.says("stop")
            assert (await first.hears())["event"] == "STOP"
            assert (await first.hears())["return"]["reason"] == "stopped"

    run(story())


def test_a_client_that_can_not_be_told_takes_its_step_along(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with endless(tmp_path) as (_, first, second):
            first.sock.close()
            assert await second.asks("device_add", **PLUG) == {}
            assert (await second.hears())["event"] == "ACPI_DEVICE_OST"
            while (await second.asks("x-query-clock"))["stepping"]:
                pass
            assert (await second.asks("x-clock-step", time_ns=MS))["reason"] == "time"

    run(story())


def test_an_out_of_band_request_overtakes_a_step(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with endless(tmp_path, "oob") as (_, first, second):
            first.sock.send(b'{"execute": "query-status"}{"exec-oob": "x-query-clock"}')
            assert (await first.hears())["return"]["stepping"] is True
            second.says("stop")
            assert (await first.hears())["event"] == "STOP"
            assert (await first.hears())["return"]["reason"] == "stopped"
            assert (await first.hears())["return"]["status"] == "paused"

    run(story())


def test_a_machine_that_ends_answers_the_step_that_ended_it(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with endless(tmp_path) as (app, first, _):
            app.machine.clock.call_after(MS, lambda: app.machine.shutdown("guest-shutdown"))
            assert (await first.hears())["event"] == "SHUTDOWN"
            assert (await first.hears())["return"]["reason"] == "stopped"

    run(story())
