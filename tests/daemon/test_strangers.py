"""The whole door with the real session: qemu.qmp's client, and bytes that no client would send."""

import asyncio
import sys
from pathlib import Path
from typing import Self

import pytest
from qemu.qmp import QMPClient

from daemon.chardev.errors import ChardevError
from daemon.config import MonitorConfig, SocketChardev, UnixAddress
from daemon.connection import Connection
from daemon.monitor import Monitor
from daemon.server import Server
from daemon.stepped import SteppedRunner
from machine.clock import VirtualClock
from protocol import capabilities
from protocol.command import collect, command
from protocol.errors import QmpError
from protocol.greeting import Greeting
from protocol.qapi.control import VersionInfo, VersionTriple
from protocol.session import Request, Session
from tests.daemon.conftest import Run

EVENT = b'{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}\r\n'
VERSION = VersionInfo(qemu=VersionTriple(major=9, minor=1, micro=50), package="")


@command("stop")
def stop(server: Server) -> None:
    """Stop, saying so."""
    server.broadcast(EVENT)


@command("echo")
def echo(_server: Server, text: str) -> str:
    """Repeat."""
    return text


class Daemon:
    """Commands, monitors and a clock, without a machine."""

    def __init__(self, path: Path) -> None:
        self.commands = collect([capabilities, sys.modules[__name__]])
        self.greeting = Greeting.of(VERSION)
        self.runner = SteppedRunner(VirtualClock())
        device = SocketChardev(id="s", address=UnixAddress(path=str(path)))
        self.server = Server([device], [MonitorConfig(chardev="s")], self.connect)

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.server.close()

    def connect(self, monitor: Monitor) -> Connection[Session]:
        session = Session(self.commands, self.greeting, pretty=monitor.config.pretty)
        return Connection(session, self.dispatch, pump=self.runner)

    def dispatch(self, session: Session, request: Request) -> bytes:
        try:
            return session.encode_return(request, request.execute(self.server))
        except QmpError as error:
            return session.encode_error(request, error)


def test_qemus_own_client_negotiates_executes_and_hears_events(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "s"
        async with Daemon(path):
            client = QMPClient("test")
            await client.connect(str(path))
            assert await client.execute("echo", {"text": "\u00e9"}) == "\u00e9"
            with client.listener("STOP") as events:
                await client.execute("stop")
                assert not events.empty()  # it came before the reply
            await client.disconnect()

    run(story())


def test_no_bytes_end_a_session(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "s"
        async with Daemon(path):
            reader, writer = await asyncio.open_unix_connection(path)
            await reader.readline()
            writer.write(b'garbage }{"execute":"qmp_capabilities"}\n\xff"x" [[[\xff')
            writer.write(b'{"execute": "stop"}{"execute": "echo", "arguments": {"text": "a"}}')
            writer.write_eof()
            lines = (await reader.read()).split(b"\r\n")
            assert lines[-4:] == [EVENT.rstrip(), b'{"return": {}}', b'{"return": "a"}', b""]
            writer.close()
            await writer.wait_closed()

    run(story())


def test_two_daemons_cannot_have_one_socket(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "s"
        async with Daemon(path):
            with pytest.raises(ChardevError, match="Address already in use"):
                await Daemon(path).server.start()
            assert path.exists()

    run(story())
