"""Asking a machine: ours, others, and what only looks like one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from daemon.top import client as client_module
from daemon.top.address import parse
from daemon.top.client import Client, Gone, TopError
from daemon.top.model import CpuState, counted
from tests.daemon.top.monitors import Monitor, Silent, recorded, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from daemon.top.model import Snapshot
    from tests.daemon.conftest import Run

Q35 = recorded("q35.jsonl")
VCPU = {
    "index": 0,
    "props": {"core-id": 0},
    "vmm": {"plugged": True, "qom-path": "/machine/unattached/device[0]"},
}
OURS: dict[str, dict[str, Any]] = {
    "query-status": {"return": {"status": "running", "running": True}},
    "query-name": {"return": {}},
    "x-query-vcpus": {"return": [VCPU]},
}


@contextlib.asynccontextmanager
async def asking(monitor: Monitor, folder: Path) -> AsyncIterator[tuple[Client, list[Any]]]:
    """A client of a monitor, and the events that it hears."""
    events: list[Any] = []
    client = Client(parse(str(folder / "m")), events.append)
    async with served(monitor, folder / "m"):
        await client.connect()
        try:
            yield client, events
        finally:
            await client.close()


async def snapshots(monitor: Monitor, folder: Path, count: int = 1) -> list[Snapshot]:
    async with asking(monitor, folder) as (client, _):
        return [await client.snapshot() for _ in range(count)]


def test_our_own_machine_is_asked_for_all_at_once(run: Run, tmp_path: Path) -> None:
    monitor = Monitor(OURS)
    (shown,) = run(snapshots(monitor, tmp_path))
    assert (shown.status, shown.name, shown.version) == ("running", "", "QEMU 9.9.9")
    assert (counted(shown.cpus), shown.unknown) == ("1 plugged", ())
    assert monitor.asked == ["qmp_capabilities", "query-status", "query-name", "x-query-vcpus"]


def test_a_recorded_x86_machine_is_shown_and_asked_once_for_what_it_has_not(
    run: Run, tmp_path: Path
) -> None:
    greeting, answers = Q35
    monitor = Monitor(answers, greeting)
    first, second = run(snapshots(monitor, tmp_path, 2))
    assert first == second
    assert first.name == "q35"
    assert first.version.startswith("QEMU 7.2.22 (Debian")
    assert (counted(first.cpus), len(first.unknown)) == ("4 present, 12 absent", 1)
    assert monitor.asked.count("x-query-vcpus") == 1


def test_a_machine_that_knows_no_command_at_all_is_shown_empty(run: Run, tmp_path: Path) -> None:
    (shown,) = run(snapshots(Monitor({}), tmp_path))
    assert (shown.cpus, shown.status, len(shown.unknown)) == ((), "", 3)


def test_a_refusal_that_passes_is_asked_again(run: Run, tmp_path: Path) -> None:
    refusal = {"error": {"class": "GenericError", "desc": "not yet"}}
    monitor = Monitor({**OURS, "x-query-vcpus": refusal})

    async def twice() -> list[Snapshot]:
        async with asking(monitor, tmp_path) as (client, _):
            before = await client.snapshot()
            monitor.answers.update(OURS)
            return [before, await client.snapshot()]

    before, after = run(twice())
    assert (len(before.cpus), len(after.cpus)) == (0, 1)
    assert after.cpus[0].state is CpuState.PLUGGED


@pytest.mark.parametrize("nonsense", [7, [7], [{}], {"a": 1}, [{**VCPU, "vmm": None}], "text"])
def test_a_reply_that_makes_no_sense_is_one_clear_line(
    run: Run, tmp_path: Path, nonsense: Any
) -> None:
    monitor = Monitor({**OURS, "x-query-vcpus": {"return": nonsense}})
    with pytest.raises(TopError, match=r"m: a reply is not understood: .*") as caught:
        run(snapshots(monitor, tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "greeting",
    [b"HTTP/1.1 400 Bad Request\r\n", b"\xff\xfe\r\n", b"[1]\r\n", b"{}\r\n", {"QMP": 1}, b"\r\n"],
)
def test_what_does_not_greet_as_a_monitor_is_none(
    run: Run, tmp_path: Path, greeting: bytes | dict[str, Any]
) -> None:
    with pytest.raises(TopError) as caught:
        run(snapshots(Monitor({}, greeting), tmp_path))
    assert str(caught.value).startswith(f"unix:{tmp_path}/m: ")
    assert "\n" not in str(caught.value)


def test_a_monitor_that_is_taken_does_not_greet(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PATIENCE", 0.05)
    with pytest.raises(TopError, match=r"no greeting: .* has a client"):
        run(snapshots(Silent(), tmp_path))


def test_events_are_passed_on_and_not_kept(run: Run, tmp_path: Path) -> None:
    monitor = Monitor(OURS)

    async def two() -> tuple[list[Any], int]:
        async with asking(monitor, tmp_path) as (client, events):
            monitor.says({"event": "STOP", "timestamp": {}})
            monitor.says({"event": "NEWS", "data": [None], "timestamp": 1})
            await client.snapshot()
            return [event["event"] for event in events], len(client._qmp.events.history)

    assert run(two()) == (["STOP", "NEWS"], 0)


def test_replies_to_nobody_do_no_harm(run: Run, tmp_path: Path) -> None:
    monitor = Monitor(OURS)

    async def go() -> int:
        async with asking(monitor, tmp_path) as (client, _):
            monitor.says({"return": {}, "id": "somebody else's"})
            return len((await client.snapshot()).cpus)

    assert run(go()) == 1


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (b"", ""),
        (b"{{\r\n", "Failed to deserialize QMP message."),
        (b"\xff{\r\n", "'utf-8' codec"),
        (b'"x"\r\n', "QMP message is not a JSON object."),
    ],
)
def test_the_end_of_a_connection_is_noticed_and_told(
    run: Run, tmp_path: Path, last: bytes, why: str
) -> None:
    monitor = Monitor(OURS)

    async def end() -> str:
        client = Client(parse(str(tmp_path / "m")), lambda _event: None)
        async with served(monitor, tmp_path / "m"):
            await client.connect()
            assert monitor.writer is not None
            monitor.says(last)
            monitor.writer.close()
            await client.gone()
            with pytest.raises(Gone):
                await client.snapshot()
            return await client.close()

    told = run(end())
    assert (bool(told), told.startswith(why)) == (bool(why), True)


def test_nobody_there_is_one_line(run: Run, tmp_path: Path) -> None:
    client = Client(parse(str(tmp_path / "m")), lambda _event: None)
    with pytest.raises(TopError, match=r"Failed to connect to '.*': No such file or directory"):
        run(client.connect())


def test_it_waits_for_the_end_without_asking(run: Run, tmp_path: Path) -> None:
    monitor = Monitor(OURS)

    async def watch() -> bool:
        async with asking(monitor, tmp_path) as (client, _):
            waiting = asyncio.ensure_future(client.gone())
            await client.snapshot()
            early = waiting.done()
            assert monitor.writer is not None
            monitor.writer.close()
            await waiting
            return early

    assert run(watch()) is False
