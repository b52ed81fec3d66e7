"""Writes a recording while the machine runs: each line at once, so that none is lost.

Nothing here changes what is recorded: the machine does what it does without, but that the interval
of events that have a rate is measured in virtual time.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from daemon.connection import Connection
from daemon.recording.form import FORMAT, Entry, Header, What, line_of, text_of
from daemon.serial import SerialPort
from daemon.unfinished import Unfinished
from daemon.version import own_version

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from daemon.chardev.backend import Backend
    from daemon.config import DaemonConfig, RecordConfig
    from daemon.monitor import Monitor
    from daemon.runner import Pump
    from machine.clock import VirtualClock
    from machine.pl011 import Pl011

log = logging.getLogger(__name__)


class Recorder:
    """Writes one recording, until that fails: the machine is not to suffer from it.

    Args:
        config: where to.
        clock: the machine's.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, config: RecordConfig, clock: VirtualClock) -> None:
        self._path = config.path
        self._clock = clock
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._fd: int | None = os.open(config.path, flags, 0o600)

    def begin(self, config: DaemonConfig, rtc_base: int, thread_id: int) -> None:
        """Write the header."""
        self._write(
            Header(
                armvirtd=own_version(),
                format=FORMAT,
                argv=config.record.argv if config.record is not None else (),
                clock=config.clock.mode,
                seed=config.machine.seed,
                rtc_base=rtc_base,
                thread_id=thread_id,
            )
        )

    def __call__(self, what: What, who: str = "", data: str = "") -> None:
        """Write an entry, of what is or happens now."""
        self._write(Entry(self._clock.now, self._clock.fired, what, who, data))

    def close(self) -> None:
        """Write that it has ended, and close the file."""
        self(What.END)
        self._close()

    def _write(self, item: Header | Entry) -> None:
        if self._fd is None:
            return
        line = memoryview(line_of(item))
        try:
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            self._close()
            log.warning("%s: %s; the recording ends here", self._path, error.strerror)

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    # What is recorded

    def start(self) -> None:
        """Clients that were waited for have come."""
        self(What.START)

    def signal(self) -> None:
        """The daemon is told to end."""
        self(What.SIGNAL)

    def connection(
        self, monitor: Monitor, session: Any, dispatch: Callable[..., Any], pump: Pump
    ) -> Connection[Any]:
        """The connection of a client whose words are written down."""
        return RecordedConnection(self, monitor, session, dispatch, pump)

    def serial(self, device: Backend, pump: Pump) -> SerialPort:
        """A serial port whose input is written down."""
        return RecordedSerialPort(self, device, pump)


class RecordedConnection(Connection[Any]):
    """Writes down what its client says, and is told."""

    def __init__(
        self,
        record: Recorder,
        monitor: Monitor,
        session: Any,
        dispatch: Callable[..., Any],
        pump: Pump,
    ) -> None:
        super().__init__(session, dispatch, pump=pump, inbox=monitor.inbox)
        self._record = record
        self._label = monitor.config.chardev

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._record(What.OPEN, self._label)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what nobody waits for."""
        self._record(What.CLOSE, self._label)
        super().connection_lost(exc)

    def fds_received(self, fds: tuple[int, ...]) -> None:
        """Own these; how many is all that can be told of them."""
        self._record(What.FDS, self._label, str(len(fds)))
        super().fds_received(fds)

    def _hear(self, piece: bytes) -> None:
        self._record(What.IN, self._label, text_of(piece))
        super()._hear(piece)

    def _answer(self, item: Any) -> bytes | Unfinished:
        self._record(What.GO if type(item) is Unfinished else What.DO, self._label)
        answer = super()._answer(item)
        if isinstance(answer, bytes) and answer:
            self._record(What.OUT, self._label, text_of(answer))
        return answer

    def _send(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._record(What.OUT, self._label, text_of(data))
        super()._send(data)


class RecordedSerialPort(SerialPort):
    """Writes down what the UART received."""

    def __init__(self, record: Recorder, device: Backend, pump: Pump) -> None:
        super().__init__(device, pump)
        self._record = record

    def _receive(self, uart: Pl011, data: bytes) -> int:
        self._record(What.SERIAL, data=text_of(data[: uart.room]))
        return super()._receive(uart, data)
