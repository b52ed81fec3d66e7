import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import cast

import pytest

from daemon.chardev.backend import NullBackend, Peer, Unheard
from daemon.chardev.errors import ChardevError
from daemon.chardev.sockets import RETRY, SocketBackend
from daemon.chardev.transport import READ_SIZE
from daemon.config import Address, FdAddress, SocketChardev, TcpAddress, UnixAddress
from tests.daemon.conftest import Run
from tests.daemon.descriptors import open_fds


class Echo(Peer):
    """Says hello, repeats what it hears, and says goodbye when it is finished."""

    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"hello")

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self.closed.set()

    def finish(self) -> None:
        if self._transport is None:
            self.closed.set()
        else:
            self._transport.write(b"bye")
            self._transport.close()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()


class Pause:
    """Waits until it is let go; remembers for how long it was asked to."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[float] = asyncio.Queue()
        self.go = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.put_nowait(seconds)
        await self.go.wait()
        self.go.clear()


def backend(address: Address, *, server: bool = True, reconnect: int = 0) -> SocketBackend:
    config = SocketChardev(id="x", address=address, server=server, reconnect=reconnect)
    made = SocketBackend(config, memoryview(bytearray(READ_SIZE)), pause=Pause())
    made.attach(Echo)
    return made


async def received(client: socket.socket, size: int = 5) -> bytes:
    """So many bytes of a client, or what there is up to its end."""
    client.setblocking(False)
    data = b""
    while len(data) < size and (
        more := await asyncio.get_running_loop().sock_recv(client, size - len(data))
    ):
        data += more
    return data


def test_a_device_has_one_front_end() -> None:
    device = NullBackend("x")
    assert not device.frontend_open
    device.attach(Echo)
    assert device.frontend_open
    with pytest.raises(ChardevError) as refused:
        device.attach(Echo)
    assert str(refused.value) == "Device 'x' is in use"


def test_null_is_nobody(run: Run) -> None:
    async def story() -> None:
        device = NullBackend("x")
        await device.start()
        assert device.filename == "null"
        assert not device.connected
        await device.close(0)

    run(story())


def test_a_unix_socket_is_named_as_qemu_names_it(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        path = str(tmp_path / "s")
        device = backend(UnixAddress(path=path))
        await device.start()
        assert device.filename == f"disconnected:unix:{path},server=on"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            assert await received(client) == b"hello"
            assert device.filename == f"unix:{path},server=on"
        await device.close(1)

    run(story())


def test_a_tcp_socket_is_named_with_both_its_ends(run: Run) -> None:
    async def story() -> None:
        device = backend(TcpAddress(host="127.0.0.1", port=0))
        await device.start()
        address = device.address
        assert isinstance(address, TcpAddress)
        assert device.filename == f"disconnected:tcp:127.0.0.1:{address.port},server=on"
        with socket.create_connection((address.host, address.port)) as client:
            assert await received(client) == b"hello"
            ends = f"tcp:127.0.0.1:{address.port},server=on <-> 127.0.0.1:"
            assert device.filename == f"{ends}{client.getsockname()[1]}"
        await device.close(1)

    run(story())


def test_all_ipv6_addresses_by_themselves_are_all_ipv4_ones_too(run: Run) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")

    async def story() -> None:
        device = backend(TcpAddress(host="::", port=0))
        await device.start()
        assert isinstance(device.address, TcpAddress)
        with socket.create_connection(("127.0.0.1", device.address.port)) as client:
            assert await received(client) == b"hello"
        await device.close(1)

    run(story())


@pytest.mark.parametrize("host", ["", "localhost"])
def test_all_addresses_of_a_host_are_listened_on_with_one_port(run: Run, host: str) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        device = backend(TcpAddress(host=host, port=0))
        await device.start()
        address = device.address
        assert isinstance(address, TcpAddress)
        found = await loop.getaddrinfo(host or "localhost", address.port, type=socket.SOCK_STREAM)
        for info in found:
            with socket.socket(info[0]) as client:
                client.connect(info[4])
                assert await received(client) == b"hello"
        await device.close(1)

    run(story())


def test_a_second_client_is_not_heard_before_the_first_one_leaves(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        path = str(tmp_path / "s")
        device = backend(UnixAddress(path=path))
        await device.start()
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(path)
            second.connect(path)
            second.sendall(b"me")
            assert await received(first) == b"hello"
            peer = device.peer
            first.close()
            assert await received(second, 7) == b"hellome"
            assert device.peer is not peer
        await device.close(1)

    run(story())


def left_to_us(sock: socket.socket) -> int:
    """The number of a socket, as a process has it that was started with it."""
    sock.set_inheritable(True)
    return sock.detach()


def test_an_inherited_socket_may_be_bound_or_listening(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        for listening in (False, True):
            path = str(tmp_path / f"s{listening}")
            inherited = socket.socket(socket.AF_UNIX)
            inherited.bind(path)
            if listening:
                inherited.listen()
            device = backend(FdAddress(fd=left_to_us(inherited)))
            await device.start()
            assert device.filename == f"disconnected:unix:{path},server=on"
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                assert await received(client) == b"hello"
            await device.close(1)

    run(story())


def test_an_inherited_socket_may_be_connected(run: Run) -> None:
    async def story() -> None:
        ours, theirs = socket.socketpair()
        device = backend(FdAddress(fd=str(left_to_us(ours))), server=False)
        await device.start()
        assert await received(theirs) == b"hello"
        assert device.filename == "unix:"
        await device.close(1)
        assert await received(theirs, 99) == b"bye"
        theirs.close()

    run(story())


def refusal(run: Run, device: SocketBackend) -> str:
    with pytest.raises(ChardevError) as refused:
        run(device.start())
    return str(refused.value)


@pytest.mark.parametrize("server", [True, False])
@pytest.mark.parametrize(
    ("fd", "words"),
    [
        ("foo", "Unable to parse FD number foo"),
        ("", "Unable to parse FD number "),
        ("-1", "File descriptor '-1' is not a socket"),
        (99999, "File descriptor '99999' is not a socket"),
        (2**40, "Unable to parse FD number 1099511627776: Numerical result out of range"),
    ],
)
def test_what_is_no_inherited_socket_is_refused(
    run: Run, fd: int | str, words: str, *, server: bool
) -> None:
    assert refusal(run, backend(FdAddress(fd=fd), server=server)) == words


def test_inherited_files_and_datagram_sockets_are_left_open(run: Run) -> None:
    file = os.open(os.devnull, os.O_RDONLY)
    words = f"File descriptor '{file}' is not a socket"
    assert refusal(run, backend(FdAddress(fd=file))) == words
    os.close(file)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        os.set_inheritable(fd := datagrams.fileno(), True)
        words = f"File descriptor '{fd}' is not a stream socket"
        assert refusal(run, backend(FdAddress(fd=fd), server=False)) == words


def test_a_socket_that_is_ours_already_is_refused_and_left_open(run: Run) -> None:
    ours, theirs = socket.socketpair()
    fd = ours.fileno()
    words = f"File descriptor '{fd}' is not inherited, or in use already"
    assert refusal(run, backend(FdAddress(fd=fd), server=False)) == words
    ours.sendall(b"x")
    assert theirs.recv(9) == b"x"
    ours.close()
    theirs.close()


def test_an_inherited_socket_that_leads_nowhere_is_refused(run: Run) -> None:
    fd = left_to_us(socket.socket(socket.AF_UNIX))
    words = f"Failed to connect to 'fd:{fd}': Transport endpoint is not connected"
    assert refusal(run, backend(FdAddress(fd=fd), server=False)) == words


def test_an_inherited_socket_of_the_other_kind_is_refused(run: Run) -> None:
    ours, theirs = socket.socketpair()
    words = "Failed to listen on fd socket: Invalid argument"
    assert refusal(run, backend(FdAddress(fd=left_to_us(ours)))) == words
    theirs.close()
    listening = socket.create_server(("127.0.0.1", 0))
    fd = left_to_us(listening)
    words = f"File descriptor '{fd}' is a listening socket: that needs server=on"
    assert refusal(run, backend(FdAddress(fd=fd), server=False)) == words


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (
            UnixAddress(path="/nonexistent/s"),
            "Failed to connect to '/nonexistent/s': No such file or directory",
        ),
        (
            TcpAddress(host="127.0.0.1", port=1),
            "Failed to connect to '127.0.0.1:1': Connection refused",
        ),
        (
            TcpAddress(host="host.invalid", port=1),
            "address resolution failed for host.invalid:1: ",
        ),
    ],
)
def test_who_is_not_there_cannot_be_connected_to(run: Run, address: Address, words: str) -> None:
    assert refusal(run, backend(address, server=False)).startswith(words)


def test_a_connection_is_tried_again_after_a_failure_and_after_its_end(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        path = str(tmp_path / "s")
        device = backend(UnixAddress(path=path), server=False, reconnect=7)
        pause = device._pause
        assert isinstance(pause, Pause)
        await device.start()
        for _ in range(2):
            assert await pause.asked.get() == 7
            assert device.filename == f"disconnected:unix:{path}"
            pause.go.set()
        assert await pause.asked.get() == 7
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            for _ in range(2):
                pause.go.set()
                listener.setblocking(False)
                client, _ = await asyncio.get_running_loop().sock_accept(listener)
                with client:
                    assert await received(client) == b"hello"
                assert await pause.asked.get() == 7
        for _ in range(2):
            pause.go.set()
            assert await pause.asked.get() == 7
        await device.close(1)

    with caplog.at_level(logging.WARNING):
        run(story())
    told = f"Unable to connect character device x: Failed to connect to '{tmp_path}/s': "
    assert caplog.messages == [f"{told}No such file or directory", f"{told}Connection refused"]


def test_a_failure_to_accept_is_no_end(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        device = backend(UnixAddress(path=str(tmp_path / "s")))
        pause = device._pause
        assert isinstance(pause, Pause)
        await device.start()
        listener = device._listener
        assert listener is not None
        accept = listener.accept

        async def fail() -> socket.socket:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(listener, "accept", fail)
        assert await pause.asked.get() == RETRY
        monkeypatch.setattr(listener, "accept", accept)
        pause.go.set()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(tmp_path / "s"))
            assert await received(client) == b"hello"
        await device.close(1)

    run(story())
    assert "Too many open files" in caplog.text


def test_a_device_that_serves_nobody_any_more_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        device = backend(UnixAddress(path=str(tmp_path / "s")))
        await device.start()
        listener, task = device._listener, device._task
        assert listener is not None
        assert task is not None

        async def fail() -> socket.socket:
            raise ZeroDivisionError

        monkeypatch.setattr(listener, "accept", fail)
        await asyncio.wait([task])
        await device.close(1)

    run(story())
    assert "nobody is served any more: ZeroDivisionError()" in caplog.text


def test_a_device_without_a_front_end_takes_clients_and_loses_what_they_say(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        path = str(tmp_path / "s")
        config = SocketChardev(id="x", address=UnixAddress(path=path))
        device = SocketBackend(config, memoryview(bytearray(READ_SIZE)))
        await device.start()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"anybody?")
            await device.opened.wait()
        peer = device.peer
        assert isinstance(peer, Unheard)
        await peer.closed.wait()
        await device.close(1)

    run(story())


def test_a_hundred_clients_that_come_and_go_leave_nothing_behind(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        before = open_fds()
        path = str(tmp_path / "s")
        device = backend(UnixAddress(path=path))
        await device.start()
        for _ in range(10):
            clients = [socket.socket(socket.AF_UNIX) for _ in range(10)]
            for client in clients:
                client.connect(path)
            for client in clients:
                assert await received(client) == b"hello"
                client.close()
        await device.close(1)
        assert open_fds() == before

    run(story())
