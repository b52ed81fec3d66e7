"""Transports on file descriptors of which the event loop knows only when they are ready.

uvloop's own can't receive what comes beside the bytes of a unix socket (`SCM_RIGHTS`, unix(7)),
and none of them can carry a terminal; these do, and are as quick: one system call and one copy for
what has arrived, one system call for what is sent.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket
from abc import abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Buffer = bytes | bytearray | memoryview

READ_SIZE = 64 << 10
"""Bytes that are received at once, at most."""

MAX_FDS = 16
"""File descriptors that may come with one message, as in QEMU; the kernel closes the others."""

RIGHTS_SIZE = socket.CMSG_SPACE(MAX_FDS * array.array("i").itemsize)


class Receiver(asyncio.Protocol):
    """A protocol that is told of file descriptors, too."""

    def fds_received(self, fds: tuple[int, ...]) -> None:
        """Own these: they came with the bytes that come next."""
        for fd in fds:
            os.close(fd)


class DescriptorTransport(asyncio.Transport):
    """What all of them share; a subclass knows how to receive, send and close.

    Args:
        loop: the event loop.
        protocol: whom it serves; told of everything from `start` on.
        fds: the descriptors to receive from and to send to.
        send: sends a part, and returns how much; raises BlockingIOError for nothing.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        fds: tuple[int, int],
        send: Callable[[Buffer], int],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._reader, self._writer = fds
        self._send = send
        self._backlog = bytearray()
        self.set_write_buffer_limits()
        self._full = False
        self._reading = False
        self._ended = False
        self._closing = False
        self._lost = False

    def start(self) -> None:
        """Tell the protocol that the connection is made, and receive."""
        self._protocol.connection_made(self)
        self.resume_reading()

    # --- what asyncio.Transport promises

    def is_closing(self) -> bool:
        """Whether nothing more is received or taken for sending."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not taken yet."""
        return len(self._backlog)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set at how many waiting bytes the protocol is told to pause, and to go on."""
        self._high = READ_SIZE if high is None else high
        self._low = self._high // 4 if low is None else low

    def pause_reading(self) -> None:
        """Receive no more."""
        if self._reading:
            self._reading = False
            self._stop_watching()

    def resume_reading(self) -> None:
        """Receive again."""
        if not (self._reading or self._ended or self._closing):
            self._reading = True
            self._watch(self._readable)

    def write(self, data: Buffer) -> None:
        """Send now what the peer takes, and keep the rest for later."""
        if self._closing or not data:
            return
        if not self._backlog:
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._fail(error)
                return
            if sent == len(data):
                return
            data = memoryview(data)[sent:]
            self._loop.add_writer(self._writer, self._writable)
        self._backlog += data
        if len(self._backlog) > self._high and not self._full:
            self._full = True
            self._protocol.pause_writing()

    def close(self) -> None:
        """Receive no more, send what is kept, and end."""
        if self._closing:
            return
        self.pause_reading()
        self._closing = True
        if not self._backlog:
            self._lose(None)

    def abort(self) -> None:
        """End now."""
        self._fail(None)

    # --- what a subclass adds

    @abstractmethod
    def _receive(self) -> bytes:
        """Return what has arrived, nothing at its end; raises BlockingIOError if nothing has."""

    @abstractmethod
    def _release(self) -> None:
        """Give the descriptors back."""

    def _watch(self, callback: Callable[[], None]) -> None:
        self._loop.add_reader(self._reader, callback)

    def _stop_watching(self) -> None:
        self._loop.remove_reader(self._reader)

    # --- the work

    def _readable(self) -> None:
        try:
            data = self._receive()
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end()

    def _end(self) -> None:
        """The peer sends nothing more; it may still want to hear."""
        self.pause_reading()
        self._ended = True
        if not self._protocol.eof_received():
            self.close()

    def _writable(self) -> None:
        try:
            sent = self._send(self._backlog)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error)
            return
        del self._backlog[:sent]
        if not self._backlog:
            self._loop.remove_writer(self._writer)
            if self._closing:
                self._lose(None)
                return
        if self._full and len(self._backlog) <= self._low:
            self._full = False
            self._protocol.resume_writing()

    def _fail(self, error: OSError | None) -> None:
        if self._lost:
            return
        self.pause_reading()
        self._closing = True
        if self._backlog:
            self._loop.remove_writer(self._writer)
            self._backlog.clear()
        self._lose(error)

    def _lose(self, error: OSError | None) -> None:
        """Tell the protocol; later, because it may be at work."""
        self._lost = True
        self._loop.call_soon(self._told_lost, error)

    def _told_lost(self, error: OSError | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._release()


class SocketTransport(DescriptorTransport):
    """A connected stream socket, which is its own from now on.

    Args:
        loop: the event loop.
        protocol: whom it serves.
        sock: the socket; it does not block.
        buffer: where bytes are received for the moment; transports of one loop may share it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: Receiver,
        sock: socket.socket,
        buffer: memoryview,
    ) -> None:
        super().__init__(loop, protocol, (sock.fileno(), sock.fileno()), sock.send)
        self._receiver = protocol
        self._socket = sock
        self._buffer = buffer
        self._buffers = (buffer,)
        self._rights_size = RIGHTS_SIZE if sock.family == socket.AF_UNIX else 0

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return the socket."""
        return self._socket if name == "socket" else default

    def _receive(self) -> bytes:
        size, rights, _flags, _address = self._socket.recvmsg_into(
            self._buffers,
            self._rights_size,
            socket.MSG_CMSG_CLOEXEC,
        )
        if rights:
            self._take(rights)
        return bytes(self._buffer[:size])

    def _take(self, rights: list[tuple[int, int, bytes]]) -> None:
        fds = array.array("i")
        for level, kind, data in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        if fds:
            self._receiver.fds_received(tuple(fds))

    def _release(self) -> None:
        self._socket.close()
