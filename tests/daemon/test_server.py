import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from daemon.chardev.errors import ChardevError
from daemon.chardev.sockets import SocketBackend
from daemon.config import MonitorConfig, SocketChardev, TcpAddress, UnixAddress
from daemon.connection import Connection
from daemon.monitor import Monitor
from daemon.server import Server
from protocol.session import Request
from tests.daemon.conftest import Run
from tests.daemon.fakes import FakePump, FakeSession

LOCAL = SocketChardev(id="local", address=TcpAddress(host="127.0.0.1", port=0))


def unix(path: Path, *, server: bool = True, wait: bool = False) -> SocketChardev:
    address = UnixAddress(path=str(path))
    return SocketChardev(id="unix", address=address, server=server, wait=wait)


def server_of(*devices: SocketChardev, pretty: bool = False) -> Server:
    """A server with a monitor on each of these devices."""
    named = [device.model_copy(update={"id": f"c{n}"}) for n, device in enumerate(devices)]
    monitors = [MonitorConfig(chardev=device.id, pretty=pretty) for device in named]
    return Server(named, monitors, connect)


def connect(monitor: Monitor) -> Connection[FakeSession]:
    return Connection(FakeSession(), dispatch, pump=FakePump(), inbox=monitor.inbox)


def dispatch(_session: FakeSession, request: Request) -> bytes:
    return b"x" * (32 << 20) if request.id == "huge" else f"did {request.id}\n".encode()


class Client:
    """A client that reads and writes lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def says(self, text: str) -> None:
        self.writer.write(text.encode())
        await self.writer.drain()

    async def hears(self) -> str:
        return (await self.reader.readline()).decode().rstrip("\n")

    async def negotiates(self) -> None:
        assert await self.hears() == "welcome"
        await self.says("hello\n")
        assert await self.hears() == "ok"

    async def leaves(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def client_of(server: Server, monitor: int = 0) -> Client:
    device = server.chardevs[server.monitors[monitor].config.chardev]
    assert isinstance(device, SocketBackend)
    address = device.address
    if isinstance(address, UnixAddress):
        return Client(*await asyncio.open_unix_connection(address.path))
    assert isinstance(address, TcpAddress)
    return Client(*await asyncio.open_connection(address.host, address.port))


def connection_of(server: Server) -> Connection[FakeSession]:
    connection = server.monitors[0].connection
    assert connection is not None
    return connection


@asynccontextmanager
async def serving(*devices: SocketChardev, pretty: bool = False) -> AsyncIterator[Server]:
    server = server_of(*devices, pretty=pretty)
    await server.start()
    try:
        yield server
    finally:
        await server.close(timeout=0)


def test_a_second_client_waits_ungreeted_until_the_first_one_leaves(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        async with serving(unix(tmp_path / "s")) as server:
            first = await client_of(server)
            await first.negotiates()
            second = await client_of(server)
            await second.says("a\n")
            greeting = asyncio.create_task(second.hears())
            await first.says("b\n")
            assert await first.hears() == "did b"
            assert not greeting.done()
            await first.leaves()
            assert await greeting == "welcome"
            server.broadcast(b"EVENT\n")  # the second one has not negotiated
            assert await second.hears() == "did a"
            await second.leaves()

    run(story())


def test_events_go_to_the_negotiated_clients_of_all_monitors(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(unix(tmp_path / "s"), LOCAL, LOCAL) as server:
            clients = [await client_of(server, number) for number in range(3)]
            for client in clients[:2]:
                await client.negotiates()
            assert await clients[2].hears() == "welcome"
            server.broadcast(b"EVENT\n")
            assert [await client.hears() for client in clients[:2]] == ["EVENT"] * 2
            await clients[2].says("a\n")
            assert await clients[2].hears() == "did a"
            assert all(device.connected for device in server.chardevs.values())
            for client in clients:
                await client.leaves()

    run(story())


def test_a_pretty_monitor_has_its_events_indented(run: Run) -> None:
    async def story() -> None:
        async with serving(LOCAL, pretty=True) as server:
            client = await client_of(server)
            await client.negotiates()
            server.broadcast(b'{"event": "STOP"}\r\n')
            assert [await client.hears() for _ in range(3)] == [
                "{\r",
                '    "event": "STOP"\r',
                "}\r",
            ]
            await client.leaves()

    run(story())


def test_replies_are_delivered_to_a_client_that_has_half_closed(run: Run) -> None:
    async def story() -> None:
        async with serving(LOCAL) as server:
            client = await client_of(server)
            client.writer.write(b"a\nb\n")
            client.writer.write_eof()
            assert await client.reader.read() == b"welcome\ndid a\ndid b\n"
            await client.leaves()

    run(story())


def test_clients_that_left_before_their_turn_cost_nothing(run: Run) -> None:
    async def story() -> None:
        async with serving(LOCAL) as server:
            first = await client_of(server)
            for _ in range(5):
                await (await client_of(server)).leaves()
            await first.leaves()
            last = await client_of(server)
            await last.negotiates()
            await last.leaves()

    run(story())


def test_a_machine_may_wait_for_a_client(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with serving(unix(tmp_path / "s", wait=True), LOCAL) as server:
            waiting = asyncio.create_task(server.wait_for_clients())
            other = await client_of(server, 1)
            await other.negotiates()
            assert not waiting.done()
            path = tmp_path / "s"
            assert caplog.messages == [
                f"info: waiting for connection on: disconnected:unix:{path},server=on"
            ]
            awaited = await client_of(server, 0)
            await waiting
            await awaited.leaves()
            await other.leaves()

    run(story())


def test_a_monitor_may_connect_out(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        arrived: asyncio.Queue[Client] = asyncio.Queue()
        path = tmp_path / "s"
        listener = await asyncio.start_unix_server(
            lambda reader, writer: arrived.put_nowait(Client(reader, writer)), path
        )
        async with serving(unix(path, server=False)) as server:
            client = await arrived.get()
            await client.negotiates()
            server.broadcast(b"EVENT\n")
            assert await client.hears() == "EVENT"
            await client.leaves()
        listener.close()

    run(story())


def test_a_monitor_that_cannot_connect_out_leaves_no_other_behind(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        here, nowhere = tmp_path / "here", tmp_path / "nowhere"
        server = server_of(unix(here), unix(nowhere, server=False))
        with pytest.raises(ChardevError) as refused:
            await server.start()
        expected = f"Failed to connect to '{nowhere}': No such file or directory"
        assert str(refused.value) == expected
        assert not here.exists()

    run(story())


def test_closing_sends_what_is_pending_then_ends_and_removes_the_file(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        path = tmp_path / "s"
        async with serving(unix(path)) as server:
            client = await client_of(server)
            await client.negotiates()
            waiting = await client_of(server)
            server.broadcast(b"SHUTDOWN\n")
            await server.close()
            assert await client.reader.read() == b"SHUTDOWN\n"
            assert not path.exists()
            await client.leaves()
            await waiting.leaves()

    run(story())


def test_quit_ends_every_conversation_before_the_server_is_closed(run: Run) -> None:
    async def story() -> None:
        async with serving(LOCAL) as server:
            client = await client_of(server)
            await client.negotiates()
            server.finish()
            assert await client.reader.read() == b""
            await client.leaves()

    run(story())


def test_a_client_that_takes_nothing_cannot_hold_up_the_end(run: Run) -> None:
    async def story() -> None:
        server = server_of(LOCAL)
        await server.start()
        client = await client_of(server)
        await client.negotiates()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        connection = connection_of(server)
        for _ in range(15):
            connection.send_event(b"x" * (1 << 20))
        await server.close(timeout=0.01)
        assert connection.closed.is_set()
        await client.leaves()

    run(story())


def test_a_client_that_takes_nothing_is_cut_off_by_the_events(run: Run) -> None:
    async def story() -> None:
        async with serving(LOCAL) as server:
            client = await client_of(server)
            await client.negotiates()
            connection = connection_of(server)
            while not connection.closed.is_set():
                server.broadcast(b"x" * (1 << 20))
                await asyncio.sleep(0)
            await client.leaves()

    run(story())
