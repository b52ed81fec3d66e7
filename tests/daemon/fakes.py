"""Stand-ins: a session that speaks lines, a pump that counts, a transport that remembers."""

import asyncio
from dataclasses import replace
from typing import Any, cast

from daemon.connection import Connection, Limits
from protocol.session import Reply, Request

AGES = 1 << 62
"""ns, for who is not to be stopped by a machine that is slow today."""


class FakeSession:
    """A line is a request, `^text` an urgent one, `!text` a complete reply; `hello` negotiates."""

    def __init__(self) -> None:
        self.ready = False
        self.oob = False
        self.pieces: list[bytes] = []

    def greeting(self) -> bytes:
        return b"welcome\n"

    def negotiated(self) -> bool:
        return self.ready

    def oob_enabled(self) -> bool:
        return self.oob

    def receive_data(self, data: bytes) -> list[Request | Reply]:
        self.pieces.append(data)
        return [self._item(line) for line in data.splitlines()]

    def _item(self, line: bytes) -> Request | Reply:
        if line == b"hello":
            self.ready = True
            return Reply(b"ok\n")
        if line.startswith(b"!"):
            return Reply(line[1:] + b"\n")
        urgent = line.startswith(b"^")
        return Request(cast("Any", None), {}, line.decode().lstrip("^"), urgent)


class FakePump:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def sync(self) -> None:
        self.calls.append("sync")

    def kick(self) -> None:
        self.calls.append("kick")


class FakeTransport(asyncio.Transport):
    """Keeps what is written; `waiting` is how much of it the client has not taken."""

    def __init__(self, connection: Connection[Any]) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.waiting = 0
        self.reading = True
        self.ended: str | None = None
        self._connection = connection

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.ended is not None

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Line:
    """A connection on a fake transport whose requests are answered `did NAME`.

    Its turns do not end by the clock, unless the limits say that they do at once.
    """

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        limits = replace(limits, turn=AGES) if limits.turn else limits
        self.pump = FakePump()
        self.session = FakeSession()
        self.connection = Connection(self.session, self.dispatch, pump=self.pump, limits=limits)
        self.transport = FakeTransport(self.connection)
        self.connection.connection_made(self.transport)

    def dispatch(self, _session: FakeSession, request: Request) -> bytes:
        name = str(request.id)
        if name == "stop":
            self.connection.send_event(b"STOP\n")
        if name == "quit":
            self.connection.send_event(b"SHUTDOWN\n")
            self.connection.finish()
        return b"x" * 1000 if name == "big" else b"did " + name.encode() + b"\n"

    def sent(self) -> list[bytes]:
        """What was written since last asked."""
        sent, self.transport.written = self.transport.written, []
        return sent
