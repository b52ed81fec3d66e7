"""The whole daemon against a real broker: what a subscriber sees of a plug, and of a crash."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.daemon.broker import Broker, Subscriber, needs_mosquitto, subscribed
from tests.daemon.test_process import DRIVER, connected
from tests.process import daemon

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = needs_mosquitto

BASE = "armvirtd/vm1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


async def until(subscriber: Subscriber, done: Callable[[str, str], Any]) -> list[tuple[str, str]]:
    """Collect topics and payloads up to the first that is `done`."""
    heard: list[tuple[str, str]] = []
    async with asyncio.timeout(30):
        while not heard or not done(*heard[-1]):
            topic, payload, _ = await subscriber.hears()
            heard.append((topic, payload))
    return heard


def started(folder: Path, broker: Broker) -> Any:
    return daemon(folder, "-name", "vm1", "--mqtt", f"mqtt://127.0.0.1:{broker.port}")


def test_a_plug_is_published_as_event_and_as_retained_state(tmp_path: Path, broker: Broker) -> None:
    def online(topic: str, payload: str) -> Any:
        return topic == f"{BASE}/cpu/2" and json.loads(payload).get("guest", {}).get("online")

    async def story(process: subprocess.Popen[str]) -> None:
        async with (
            subscribed(broker, f"{BASE}/event/#") as events,
            subscribed(broker, f"{BASE}/cpu/#") as states,
        ):
            client = await connected(tmp_path / "qmp.sock", process)
            await client.execute("device_add", {"driver": DRIVER, "id": "core2", "core-id": 2})
            topic, payload, retained = await events.hears()
            assert (topic, retained) == (f"{BASE}/event/ACPI_DEVICE_OST", False)
            assert json.loads(payload)["data"]["info"]["device"] == "core2"
            await until(states, online)
            await client.disconnect()
        async with subscribed(broker, f"{BASE}/cpu/2") as late:
            topic, payload, retained = await late.hears()
            assert (topic, retained) == (f"{BASE}/cpu/2", True)
            assert json.loads(payload)["vmm"]["id"] == "core2"

    with started(tmp_path, broker) as process:
        asyncio.run(story(process))


def test_a_daemon_that_is_killed_leaves_its_will(tmp_path: Path, broker: Broker) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        async with subscribed(broker, f"{BASE}/$state") as subscriber:
            await until(subscriber, lambda _topic, payload: payload == "ready")
            process.kill()
            await until(subscriber, lambda _topic, payload: payload == "lost")

    with started(tmp_path, broker) as process:
        asyncio.run(story(process))


def test_a_daemon_that_ends_says_so_and_shutdown_is_its_last_event(
    tmp_path: Path, broker: Broker
) -> None:
    async def story(process: subprocess.Popen[str]) -> None:
        async with subscribed(broker, f"{BASE}/#") as subscriber:
            await until(subscriber, lambda _topic, payload: payload == "ready")
            process.terminate()
            heard = await until(subscriber, lambda _topic, payload: payload == "disconnected")
            events = [topic for topic, _ in heard if "/event/" in topic]
            assert events == [f"{BASE}/event/SHUTDOWN"]

    with started(tmp_path, broker) as process:
        asyncio.run(story(process))
        assert process.wait(20) == 0
