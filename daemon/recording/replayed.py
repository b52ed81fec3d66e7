"""The daemon that a recording is run again in: without sockets, its time moved from outside."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from daemon.app import App
from daemon.connection import Connection
from daemon.events import VirtualAlarm, wall_time
from daemon.stepped import SteppedRunner
from daemon.timekeeping import Timekeeping, stepped
from daemon.unfinished import Unfinished
from protocol.session import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.config import DaemonConfig
    from daemon.monitor import Monitor
    from daemon.recording.form import Header
    from daemon.runner import Pump
    from daemon.sessions import Carry
    from machine.clock import VirtualClock

OF_THE_HOST = frozenset({"query-chardev", "add-fd", "query-fdsets"})
"""Commands whose replies hold names and numbers that the host gave: they are not compared."""


class Said(NamedTuple):
    """What a client is told in the new run.

    Attributes:
        t: virtual time in ns.
        who: the label of the monitor's device.
        data: the bytes.
        compared: whether they follow from the machine alone.
    """

    t: int
    who: str
    data: bytes
    compared: bool = True


class NoTransport(asyncio.Transport):
    """Leads nowhere."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is no buffer."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nobody hears."""

    def close(self) -> None:
        """Nothing is open."""

    abort = close


class ReplayedConnection(Connection[Any]):
    """A client's, who says what the recording tells; what it is told is kept.

    Args:
        tell: called with what it is told, and whether that is to be compared.
    """

    def __init__(
        self,
        tell: Callable[[bytes, bool], None],
        session: Any,
        dispatch: Callable[..., Any],
        *,
        monitor: Monitor,
        pump: Pump,
    ) -> None:
        super().__init__(session, dispatch, pump=pump, inbox=monitor.inbox)
        self._told = tell
        self._compared = True

    @property
    def unfinished(self) -> bool:
        """Whether what it has asked for takes its time."""
        return bool(self._pending) and type(self._pending[0]) is Unfinished

    def hear(self, piece: bytes) -> None:
        """It says this."""
        self._hear(piece)

    def do(self) -> bool:
        """Do, or begin, the first thing that it wants; False if there is none."""
        if not self._pending:
            return False
        item = self._next() if self._urgent else self._pending.popleft()
        self._compared = not (type(item) is Request and item.command.name in OF_THE_HOST)
        self._do(item)
        return True

    def proceed(self) -> None:
        """Go on with what is unfinished."""
        self._do(self._pending.popleft())

    def _do(self, item: Any) -> None:
        answer = self._answer(item)
        if isinstance(answer, Unfinished):
            self._pending.appendleft(answer)
        elif answer:
            self._told(answer, self._compared)

    def _send(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._told(data, True)

    def _work(self) -> None:
        """Do nothing: what is done, and when, is the recording's to say."""

    _settle = _work


class ReplayedApp(App):
    """A daemon without sockets, whose time is moved from outside.

    Args:
        config: the recorded one's.
        header: of the recording.
    """

    def __init__(
        self, config: DaemonConfig, header: Header, *, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._header = header
        self.outputs: deque[Said] = deque()
        self.aborted = False
        super().__init__(config, loop=loop)

    def _timekeeping(
        self, clock: VirtualClock, rtc_base: int, loop: asyncio.AbstractEventLoop
    ) -> Timekeeping[SteppedRunner]:
        del loop
        if self._header.clock == "stepped":
            return stepped(clock, rtc_base, slice_=0)
        thread_id = self._header.thread_id
        return Timekeeping(SteppedRunner(clock), None, wall_time, VirtualAlarm(clock), thread_id)

    def _carrier(self) -> Carry:
        return self._replayed

    def _replayed(
        self, monitor: Monitor, session: Any, dispatch: Callable[..., Any], pump: Pump
    ) -> ReplayedConnection:
        def tell(data: bytes, compared: bool) -> None:  # noqa: FBT001 - as it is called
            if not self.aborted:
                label = monitor.config.chardev
                self.outputs.append(Said(self.clock.now, label, data, compared))

        return ReplayedConnection(tell, session, dispatch, monitor=monitor, pump=pump)

    @property
    def clock(self) -> VirtualClock:
        """The machine's."""
        return self.stage.current.clock

    def _abort(self) -> None:
        self.aborted = True

    def _end(self) -> None:
        """As ever; and clients, whom no device leads to, are told in the order of theirs."""
        super()._end()
        by_label = {monitor.config.chardev: monitor for monitor in self.server.monitors}
        for label in self.server.chardevs:
            connection = by_label[label].connection if label in by_label else None
            if connection is not None:
                connection.finish()

    def begin(self) -> None:
        """As `start`, but that nobody listens, and no time passes."""
        self.context.follow_run_state()
        if self._serial is not None:
            self._serial.opened()

    def receive(self, data: bytes) -> None:
        """The serial port receives this."""
        self.machine.uart.receive(data)

    def close(self) -> None:
        """Give everything back."""
        for monitor in self.server.monitors:
            monitor.close()
        self._resources.close()
