"""Where trace points are written to: lines on standard error, trace events in a file.

The machine is not to suffer from it: the first failure ends the trace, with one warning. What can't
be written within a second, as to a pipe that nobody reads, is such a failure.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Protocol

from daemon.trace.chrome import ChromeTrace, encoded

if TYPE_CHECKING:
    from typing import TextIO

    from daemon.trace.tracks import Event
    from machine.trace import TracePoint

log = logging.getLogger(__name__)

STDERR = "-"
PATIENCE = 1.0
"""Seconds that a slow reader gets for each point."""


class TraceWriter(Protocol):
    """Takes trace points until it is closed."""

    def __call__(self, point: TracePoint) -> None:
        """Write one."""

    def close(self) -> None:
        """Finish; nothing comes any more."""


def open_trace(where: str) -> TraceWriter:
    """Begin a trace: a file's name, or `-` for lines on standard error.

    Raises:
        OSError: the file can't be opened.
    """
    return TextTrace(sys.stderr) if where == STDERR else FileTrace(where)


def _warn(name: str, error: OSError | UnicodeError) -> None:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    log.warning("%s: %s; the trace ends here", name, reason)


class TextTrace:
    """A line for each point."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: TextIO | None = stream

    def __call__(self, point: TracePoint) -> None:
        """Write one."""
        if self._stream is None:
            return
        try:
            print(point, file=self._stream, flush=True)
        except (OSError, UnicodeError) as error:
            self._stream = None
            _warn(STDERR, error)

    def close(self) -> None:
        """Standard error stays open."""
        self._stream = None


class FileTrace:
    """An array of trace events, a line for each; complete at any time but for its last bracket.

    Args:
        name: the file's.

    Raises:
        OSError: it can't be opened.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
        self._fd: int | None = os.open(name, flags, 0o666)
        self._chrome = ChromeTrace()
        self._separator = ""
        self._write("[\n")

    def __call__(self, point: TracePoint) -> None:
        """Write the events of one, at once."""
        if self._fd is not None:
            self._write(self._lines(self._chrome.take(point)))

    def close(self) -> None:
        """Write what is still open, and the last bracket."""
        if self._fd is not None:
            self._write(self._lines(self._chrome.close()) + "\n]\n")
        self._drop()

    def _lines(self, events: list[Event]) -> str:
        lines = []
        for event in events:
            lines.append(self._separator + encoded(event))
            self._separator = ",\n"
        return "".join(lines)

    def _write(self, text: str) -> None:
        try:
            self._write_all(text.encode())
        except OSError as error:
            _warn(self._name, error)
            self._drop()

    def _write_all(self, data: bytes) -> None:
        """Write all of it, as long as that gets on.

        Raises:
            OSError: it can't be written, or not in time.
        """
        fd, end = self._fd, time.monotonic() + PATIENCE
        if fd is None:
            return
        while data:
            try:
                data = data[os.write(fd, data) :]
            except BlockingIOError:
                if not _writable(fd, end - time.monotonic()):
                    raise

    def _drop(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def _writable(fd: int, seconds: float) -> bool:
    """Wait for a reader, for so long at most; whether more can be written."""
    if seconds <= 0:
        return False
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))
