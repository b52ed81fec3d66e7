"""A real mosquitto on a port of its own, and a subscriber to it."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import aiomqtt
import pytest

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

needs_mosquitto = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto here (Debian: mosquitto)"),
]

Heard = tuple[str, str, bool]


class Broker:
    """Remembers retained messages, and durable subscriptions, over a restart only if told to."""

    def __init__(self, folder: Path, *, memory: bool = False) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._memory = memory
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence {str(memory).lower()}\npersistence_location {folder}/\n"
            "user root\nlog_dest stderr\nlog_type error\nlog_type notice\nlog_type information\n",
        )
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._config)], stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        told = ""
        for line in self._process.stderr:
            told += line
            if "running" in line:
                return
        raise AssertionError(told)

    def stop(self) -> None:
        if self._process is not None:
            # It writes its memory down when it is asked to end; asked too early it does not hear.
            (self._process.terminate if self._memory else self._process.kill)()
            self._process.communicate(timeout=20)
            self._process = None


class Subscriber:
    def __init__(self, client: aiomqtt.Client) -> None:
        self._messages = client.messages

    async def hears(self) -> Heard:
        async for message in self._messages:
            assert isinstance(message.payload, bytes)
            return str(message.topic), message.payload.decode(), message.retain
        raise AssertionError

    async def hears_until(self, topic: str, payload: str) -> list[Heard]:
        """Collect up to this one."""
        heard = [await self.hears()]
        while heard[-1][:2] != (topic, payload):
            heard.append(await self.hears())
        return heard


@asynccontextmanager
async def subscribed(
    broker: Broker, topic: str = "#", durable: str | None = None
) -> AsyncIterator[Subscriber]:
    """Listen; under a durable name, the broker keeps what comes meanwhile for the next time."""
    client = aiomqtt.Client(
        "127.0.0.1", broker.port, identifier=durable, clean_session=durable is None
    )
    async with asyncio.timeout(20), client:
        await client.subscribe(topic, qos=1)
        yield Subscriber(client)
