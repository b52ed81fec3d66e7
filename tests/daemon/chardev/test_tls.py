import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.chardev import tls
from daemon.chardev.errors import ChardevError
from daemon.chardev.sockets import SocketBackend
from daemon.chardev.transport import READ_SIZE
from daemon.config import SocketChardev, TcpAddress
from daemon.objects.store import Objects
from tests.daemon.chardev.test_sockets import Echo
from tests.daemon.conftest import Run
from tests.daemon.objects.pki import ALICE, BOB, SERVER, create, folder

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """A server's credentials, two clients', and a list with only one of them in it."""
    made = Objects()
    for id_, files in (("server", SERVER), ("alice", ALICE), ("bob", BOB)):
        endpoint = "server" if id_ == "server" else "client"
        create(made, "tls-creds-x509", id_, dir=folder(tmp_path, files), endpoint=endpoint)
    create(made, "authz-simple", "list", identity="C=GB,ST=London,L=London,O=Example,CN=alice")
    return made


def backend(
    objects: Objects,
    authz: str | None = None,
    creds: str = "server",
    front_end: Callable[[], Echo] = Echo,
) -> SocketBackend:
    config = SocketChardev(
        id="x",
        address=TcpAddress(host="localhost", port=0),
        tls_creds=creds,
        tls_authz=authz,
    )
    made = SocketBackend(config, memoryview(bytearray(READ_SIZE)), tls=objects)
    made.attach(front_end)
    return made


def port_of(device: SocketBackend) -> int:
    assert isinstance(device.address, TcpAddress)
    return device.address.port


async def client_of(device: SocketBackend, context: ssl.SSLContext | None) -> Stream:
    return await asyncio.open_connection("localhost", port_of(device), ssl=context)


async def leaves(client: Stream) -> None:
    client[1].close()
    with contextlib.suppress(OSError):  # it was thrown out before
        await client[1].wait_closed()


async def is_served(device: SocketBackend, objects: Objects, name: str = "alice") -> None:
    """The next client comes, and is heard."""
    client = await client_of(device, objects.client_context(name))
    assert await client[0].readexactly(5) == b"hello"
    client[1].write(b"me")
    assert await client[0].readexactly(2) == b"me"
    await leaves(client)


async def nothing_but_the_end(client: Stream) -> None:
    with contextlib.suppress(OSError):  # an end, too
        assert await client[0].read() == b""
    await leaves(client)


def test_clients_with_certificates_are_served_one_after_the_other(
    run: Run, objects: Objects
) -> None:
    async def story() -> None:
        device = backend(objects)
        await device.start()
        for name in ("alice", "bob"):
            await is_served(device, objects, name)
        assert device.opened.is_set()
        await device.close(1)

    run(story())


def test_who_is_not_on_the_list_hears_nothing_and_makes_room(
    run: Run, objects: Objects, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        device = backend(objects, "list")
        await device.start()
        await nothing_but_the_end(await client_of(device, objects.client_context("bob")))
        assert not device.opened.is_set()
        await is_served(device, objects)
        await device.close(1)

    with caplog.at_level(logging.WARNING):
        run(story())
    [record] = caplog.records
    assert record.getMessage() == "'list' does not let a client in"


def test_without_its_credentials_it_does_not_start(run: Run, objects: Objects) -> None:
    async def story() -> None:
        device = backend(objects)
        objects.delete("server")
        with pytest.raises(ChardevError, match="No TLS credentials with id 'server'"):
            await device.start()
        device._tls = None
        with pytest.raises(ChardevError, match="No TLS credentials with id 'server'"):
            await device.start()

    run(story())


def speak_plainly(client: socket.socket) -> None:
    client.sendall(b'{"execute": "qmp_capabilities"}\n')


def leave(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_RDWR)


def say_nothing(_client: socket.socket) -> None:
    """Let it wait for a handshake that does not come."""


@pytest.mark.parametrize("behave", [speak_plainly, leave, say_nothing])
def test_who_does_not_speak_tls_makes_room(
    run: Run,
    objects: Objects,
    behave: Callable[[socket.socket], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    timeouts = iter([0.01 if behave is say_nothing else 10.0, 10.0])

    def front_end() -> Echo:
        monkeypatch.setattr(tls, "HANDSHAKE_TIMEOUT", next(timeouts))
        return Echo()

    async def story() -> None:
        device = backend(objects, front_end=front_end)
        await device.start()
        with socket.create_connection(("localhost", port_of(device))) as client:
            behave(client)
            await is_served(device, objects)
        await device.close(1)

    with caplog.at_level(logging.WARNING):
        run(story())
    [record] = [record for record in caplog.records if record.name.startswith("daemon")]
    _, told, reason = record.getMessage().partition("a client is let go: ")
    assert told
    assert reason


def test_a_device_may_end_in_the_middle_of_a_handshake(run: Run, objects: Objects) -> None:
    async def story() -> None:
        came = asyncio.Event()

        def front_end() -> Echo:
            came.set()
            return Echo()

        device = backend(objects, front_end=front_end)
        await device.start()
        with socket.create_connection(("localhost", port_of(device))):
            await came.wait()
            await device.close(0)
            assert not device.connected

    run(story())


def test_it_may_be_the_client_that_connects_out(run: Run, objects: Objects) -> None:
    async def story() -> None:
        arrived: asyncio.Queue[Stream] = asyncio.Queue()
        server = await asyncio.start_server(
            lambda reader, writer: arrived.put_nowait((reader, writer)),
            "localhost",
            0,
            ssl=objects.server_context("server"),
        )
        port = server.sockets[0].getsockname()[1]
        config = SocketChardev(
            id="x",
            address=TcpAddress(host="localhost", port=port),
            server=False,
            tls_creds="alice",
        )
        device = SocketBackend(config, memoryview(bytearray(READ_SIZE)), tls=objects)
        device.attach(Echo)
        await device.start()
        client = await arrived.get()
        assert await client[0].readexactly(5) == b"hello"
        await leaves(client)
        assert device.peer is not None
        await device.peer.closed.wait()
        await device.close(1)
        server.close()

    run(story())


def test_credentials_of_the_other_end_are_refused(run: Run, objects: Objects) -> None:
    with pytest.raises(ChardevError, match="Expected TLS credentials for a server endpoint"):
        run(backend(objects, creds="alice").start())
