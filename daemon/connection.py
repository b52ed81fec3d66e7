"""One client's connection: bytes to its session, requests to the dispatcher, replies back.

Three promises. Order: what a command causes is on the wire before its reply, whatever was asked
first is answered first, and a batch of replies is one write. Bounds: a client that does not read
is not read from either, and one that lets events pile up is disconnected. Fairness: after so many
requests, bytes of replies, or milliseconds, be it of finding out what is asked for or of doing it,
the event loop gets its turn.

Out-of-band requests, where they are enabled, overtake others (QMP specification, "Out-of-band
execution"), but only so many: who asks further behind is not heard yet.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from daemon.chardev.backend import Peer
from daemon.fds import FdInbox, PassedFds, close_all
from daemon.intake import Intake
from daemon.late import Late, Lateness
from daemon.unfinished import Unfinished
from protocol.session import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daemon.runner import Pump

log = logging.getLogger(__name__)


QUEUE_LENGTH = 8
"""Requests that may wait while one behind them is looked for that is out of band, as in QEMU."""

_SEEN = QUEUE_LENGTH + 2
"""What is pending when everything that may overtake is: those, one behind them, and its files."""


class Conversation(Protocol):
    """What a connection needs of `protocol.session.Session`, or of a terminal.

    What it makes of bytes are replies that are complete, and whatever else its `dispatch` answers.
    """

    def greeting(self) -> bytes:
        """Return what to say first."""

    def negotiated(self) -> bool:
        """Tell whether the client may receive events."""

    def oob_enabled(self) -> bool:
        """Tell whether what has a true `oob` overtakes what has not."""

    def receive_data(self, data: bytes) -> Sequence[Any]:
        """Return what the bytes ask for, in order."""


S = TypeVar("S", bound=Conversation)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a connection may hold up.

    Attributes:
        batch: requests executed before others get their turn.
        high_water: bytes waiting to be sent at which no more requests are read or executed.
        overflow: bytes waiting to be sent at which the client is given up.
        piece: bytes of input that are looked at before the clock is.
        turn: ns after which others get their turn.
    """

    batch: int = 64
    high_water: int = 256 << 10
    overflow: int = 16 << 20
    piece: int = 1 << 10
    turn: int = 5_000_000


class Connection(Peer, Generic[S]):
    """Carries one session over one transport.

    Args:
        session: the client's; nobody else's.
        dispatch: executes a request and returns the complete reply, or what goes on with it if
            it takes more than a turn; never raises.
        pump: the machine's, told before and after each batch.
        inbox: where the client's file descriptors go, in the order of its requests.
        limits: bounds, for tests to lower.
    """

    def __init__(
        self,
        session: S,
        dispatch: Callable[[S, Any], bytes | Unfinished],
        *,
        pump: Pump,
        inbox: FdInbox | None = None,
        limits: Limits = Limits(),
    ) -> None:
        super().__init__()
        self._session = session
        self._dispatch = dispatch
        self._pump = pump
        self._inbox = inbox or FdInbox()
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._intake = Intake()
        self._pending: deque[Any] = deque()
        self._urgent = 0
        self._late = Lateness()
        self._batch: list[bytes] | None = None
        self._turn: asyncio.Handle | None = None
        self._full = False
        self._reading = True
        self._ending = False

    # --- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast("asyncio.Transport", transport)
        if self._ending:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=self._limits.high_water)
        self._transport.write(self._session.greeting())

    def data_received(self, data: bytes) -> None:
        """Execute what the bytes ask for."""
        self._intake.put(data)
        self._work()

    def fds_received(self, fds: tuple[int, ...]) -> None:
        """Own these; they are there for what the bytes that come next ask for."""
        self._pending.append(PassedFds(fds))

    def eof_received(self) -> bool:
        """Answer what was asked, then close: a client may have finished asking."""
        self._ending = True
        return self._busy or bool(self._late)

    def pause_writing(self) -> None:
        """Stop executing: the client does not read."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._work()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what nobody waits for."""
        del exc
        self._transport = None
        self._late.clear()
        self._forget()
        self._inbox.close()
        self._cancel_turn()
        self.closed.set()

    # --- what the daemon tells

    def send_event(self, data: bytes) -> None:
        """Send an event, if the client has negotiated; before the reply of a command at work."""
        if self._transport is not None and self._session.negotiated():
            self._send(data)

    def _send(self, data: bytes) -> None:
        """Send this; what is being answered goes together."""
        if self._batch is not None:
            self._batch.append(data)
        elif self._transport is not None and data:
            self._transport.write(data)
            self._check_overflow(self._transport)

    def finish(self) -> None:
        """Execute nothing more, and close once everything is sent (see `closed`)."""
        self._send(self._late.take())
        self._forget()
        self._ending = True
        if self._transport is None:
            self.closed.set()
        elif self._batch is None:
            self._settle()

    def abort(self) -> None:
        """Close now, whatever was not sent."""
        if self._transport is not None:
            self._transport.abort()

    def wait(self, late: Late) -> None:
        """Have the client wait for this, until it is released or the connection ends."""
        self._late.append(late)

    def release(self, late: Late) -> None:
        """Its time has come; harmless if the client has left."""
        if late not in self._late:
            return
        self._late.remove(late)
        self._send(late.reply)
        if late.drops:
            self.finish()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """What has waited is done in a turn of its own."""
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._work)

    # --- the work

    @property
    def _busy(self) -> bool:
        """Whether something was said that is not answered yet."""
        return bool(self._pending or self._intake)

    def _work(self) -> None:
        """Execute a batch, send its replies as one write, and see how to go on."""
        self._cancel_turn()
        if not self._full and self._busy:
            end = time.monotonic_ns() + self._limits.turn
            self._look(end)
            if self._pending:
                self._pump.sync()
                self._execute(end)
                self._pump.kick()
        self._settle()

    def _look(self, end: int) -> None:
        """Find out what is asked for: as much as a batch and those that may overtake it."""
        while self._intake and len(self._pending) < self._limits.batch + _SEEN:
            self._hear(self._intake.take(self._limits.piece))
            if self._intake and time.monotonic_ns() >= end:
                break

    def _hear(self, piece: bytes) -> None:
        """Add what a piece of input asks for to what is pending."""
        items = self._session.receive_data(piece)
        self._pending.extend(items)
        if self._session.oob_enabled():
            self._urgent += sum(item.oob for item in items)

    def _ready(self) -> bool:
        """Tell whether what is next is certain: nothing unseen could overtake it."""
        return not self._intake or len(self._pending) >= _SEEN or not self._session.oob_enabled()

    def _execute(self, end: int) -> None:
        batch = self._batch = []
        size = 0
        try:
            while self._pending and len(batch) < self._limits.batch and self._ready():
                if self._late and self._blocked:
                    break
                item = self._next() if self._urgent else self._pending.popleft()
                answer = self._answer(item)
                if isinstance(answer, Unfinished):
                    self._pending.appendleft(answer)
                    break
                batch.append(answer)
                size += len(answer)
                if size >= self._limits.high_water or time.monotonic_ns() >= end:
                    break
        finally:
            self._batch = None
            if self._transport is not None and batch:
                self._transport.write(b"".join(batch))
                self._check_overflow(self._transport)

    def _answer(self, item: Any) -> bytes | Unfinished:
        kind = type(item)
        if kind is Reply:
            return cast("Reply", item).data
        if kind is PassedFds:
            self._inbox.put(item)
            return b""
        if kind is Unfinished:
            return cast("Unfinished", item).proceed()
        return self._dispatch(self._session, item)

    @property
    def _blocked(self) -> bool:
        """Whether all that is pending waits for something that is late."""
        return self._late.blocks and self._overtaker() is None

    def _next(self) -> Any:
        """Take what is out of band and not too far behind, or else what is first."""
        place = self._overtaker()
        if place is None:
            return self._pending.popleft()
        item = self._pending[place]
        del self._pending[place]
        self._urgent -= 1
        return item

    def _overtaker(self) -> int | None:
        """Where what overtakes others stands, if there is any."""
        if not self._urgent:
            return None
        waiting = 0
        for place, item in enumerate(self._pending):
            if type(item) is PassedFds:
                continue
            if item.oob:
                return place
            waiting += 1
            if waiting > QUEUE_LENGTH:
                break
        return None

    def _forget(self) -> None:
        """Execute nothing of what is pending."""
        for item in self._pending:
            if type(item) is PassedFds:
                close_all(item)
            elif type(item) is Unfinished:
                item.close()
        self._pending.clear()
        self._intake.clear()
        self._urgent = 0

    def _settle(self) -> None:
        """Read on, take another turn, wait for the client, or end."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        busy = self._busy
        if self._ending and not (busy or self._late):
            transport.close()
            return
        hears = not busy or self._hears
        self._read(transport, wanted=hears and not (self._full or self._ending))
        if busy and not self._full and self._goes_on:
            self._go_on()

    @property
    def _hears(self) -> bool:
        """Whether to read on though there is work: what comes may overtake what waits."""
        waits = bool(self._late) and self._blocked
        takes_time = bool(self._pending) and type(self._pending[0]) is Unfinished
        return (waits or takes_time) and not self._intake and self._room

    @property
    def _goes_on(self) -> bool:
        """Whether another turn leads to anything: not if all waits for something that is late."""
        return not (self._late and self._blocked) or (bool(self._intake) and self._room)

    @property
    def _room(self) -> bool:
        """Whether to look further for what is out of band."""
        return self._session.oob_enabled() and len(self._pending) < _SEEN

    def _read(self, transport: asyncio.Transport, *, wanted: bool) -> None:
        if wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _check_overflow(self, transport: asyncio.Transport) -> None:
        waiting = transport.get_write_buffer_size()
        if waiting > self._limits.overflow and not transport.is_closing():
            log.warning("a client does not read: %d bytes wait, disconnecting it", waiting)
            transport.abort()

    def _cancel_turn(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
