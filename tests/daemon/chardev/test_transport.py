import array
import asyncio
import fcntl
import os
import socket
from collections.abc import Callable
from typing import cast

import pytest

from daemon.chardev.transport import MAX_FDS, READ_SIZE, Receiver, SocketTransport
from tests.daemon.conftest import Run
from tests.daemon.descriptors import open_fds


class Ear(Receiver):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.transport: SocketTransport
        self.half_open = False
        self.changed = asyncio.Event()

    def _note(self, what: object) -> None:
        self.told.append(what)
        self.changed.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("SocketTransport", transport)
        self._note("made")

    def data_received(self, data: bytes) -> None:
        self._note(data)

    def fds_received(self, fds: tuple[int, ...]) -> None:
        self._note(fds)

    def eof_received(self) -> bool:
        self._note("eof")
        return self.half_open

    def pause_writing(self) -> None:
        self._note("pause")

    def resume_writing(self) -> None:
        self._note("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self._note("lost" if exc is None else type(exc))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what it was told makes this true."""
        while not condition():
            self.changed.clear()
            await self.changed.wait()

    async def hears(self, what: object) -> None:
        await self.until(lambda: what in self.told)


def pair() -> tuple[Ear, socket.socket]:
    """A protocol on one end of a pair of sockets, and the other end, which blocks."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ear = Ear()
    buffer = memoryview(bytearray(READ_SIZE))
    SocketTransport(asyncio.get_running_loop(), ear, ours, buffer).start()
    return ear, theirs


def test_bytes_go_both_ways_until_the_peer_leaves(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        theirs.sendall(b"question")
        await ear.hears(b"question")
        ear.transport.write(b"answer")
        assert theirs.recv(100) == b"answer"
        theirs.close()
        await ear.hears("lost")
        assert ear.told == ["made", b"question", "eof", "lost"]

    run(story())


def test_a_peer_that_has_said_everything_may_still_be_answered(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        ear.half_open = True
        theirs.shutdown(socket.SHUT_WR)
        await ear.hears("eof")
        ear.transport.write(b"answer")
        ear.transport.close()
        assert theirs.recv(100) == b"answer"
        await ear.hears("lost")
        assert theirs.recv(100) == b""
        theirs.close()

    run(story())


def test_file_descriptors_are_told_before_their_bytes_and_no_child_inherits_them(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        reader, writer = os.pipe()
        socket.send_fds(theirs, [b"take"], [reader, writer])
        await ear.hears(b"take")
        made, fds, data = ear.told
        assert (made, data) == ("made", b"take")
        assert isinstance(fds, tuple)
        assert len(fds) == 2
        for fd, sent in zip(fds, (reader, writer), strict=True):
            assert os.fstat(fd).st_ino == os.fstat(sent).st_ino
            assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
            os.close(fd)
            os.close(sent)
        theirs.close()
        await ear.hears("lost")

    run(story())


def test_file_descriptors_beyond_the_bound_are_not_left_open(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        before = open_fds()
        null = os.open(os.devnull, os.O_RDONLY)
        socket.send_fds(theirs, [b"x"], [null] * (MAX_FDS + 4))
        await ear.hears(b"x")
        fds = ear.told[1]
        assert isinstance(fds, tuple)
        assert len(fds) == MAX_FDS
        for fd in (null, *fds):
            os.close(fd)
        assert open_fds() == before
        theirs.close()
        await ear.hears("lost")

    run(story())


def test_other_things_that_come_beside_the_bytes_are_no_file_descriptors(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        ear.transport.get_extra_info("socket").setsockopt(  # type: ignore[attr-defined]
            socket.SOL_SOCKET, socket.SO_PASSCRED, 1
        )
        theirs.sendall(b"x")
        await ear.hears(b"x")
        assert ear.told == ["made", b"x"]
        theirs.close()
        await ear.hears("lost")

    run(story())


def test_a_peer_that_does_not_read_is_waited_for(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        ear.transport.set_write_buffer_limits(high=1000)
        size = 0
        while "pause" not in ear.told:
            ear.transport.write(b"x" * 100_000)
            size += 100_000
        ear.transport.write(b"y" * 10)
        assert ear.transport.get_write_buffer_size() > 1000
        got = b""
        while len(got) < size + 10:
            got += await loop.sock_recv(theirs, 1 << 16)
        assert got == b"x" * size + b"y" * 10
        await ear.hears("resume")
        assert ear.transport.get_write_buffer_size() == 0
        theirs.close()
        await ear.hears("lost")

    run(story())


@pytest.mark.parametrize("end", ["close", "abort"])
def test_closing_sends_what_waits_and_aborting_does_not(run: Run, end: str) -> None:
    async def story() -> None:
        ear, theirs = pair()
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        ear.transport.set_write_buffer_limits(high=0)
        size = 0
        while "pause" not in ear.told:
            ear.transport.write(b"x" * 100_000)
            size += 100_000
        getattr(ear.transport, end)()
        assert ear.transport.is_closing()
        ear.transport.write(b"too late")
        got = 0
        while data := await loop.sock_recv(theirs, 1 << 16):
            got += len(data)
        assert got == size if end == "close" else got < size
        await ear.hears("lost")
        ear.transport.abort()
        theirs.close()

    run(story())


def test_a_peer_that_has_gone_is_an_error_for_what_is_sent(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        ear.transport.pause_reading()
        theirs.close()
        ear.transport.write(b"x")
        await ear.hears(BrokenPipeError)
        assert ear.transport.is_closing()

    run(story())


def test_nothing_is_received_while_reading_is_paused(run: Run) -> None:
    async def story() -> None:
        ear, theirs = pair()
        ear.transport.pause_reading()
        theirs.sendall(b"early")
        for _ in range(3):
            await asyncio.sleep(0)
        assert ear.told == ["made"]
        ear.transport.resume_reading()
        await ear.hears(b"early")
        ear.transport.close()
        await ear.hears("lost")
        theirs.close()

    run(story())


def test_a_protocol_that_does_not_ask_for_file_descriptors_does_not_keep_them() -> None:
    before = open_fds()
    Receiver().fds_received(tuple(array.array("i", os.pipe())))
    assert open_fds() == before
