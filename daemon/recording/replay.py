"""Runs a recording again, and says where it first goes otherwise.

The machine is a new one, behind the same commands, sessions and events, but without sockets, and
its clock moves as the recording says: timer by timer where it followed the wall, by the same steps
where it was stepped.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from daemon.recording.form import Entry, RecordingError, What, text_of
from daemon.recording.replayed import NoTransport, ReplayedConnection, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.recording.form import Recording
    from daemon.recording.replayed import ReplayedApp

_STAMP = re.compile(rb'"timestamp": \{\s*"seconds": \d+,\s*"microseconds": \d+\s*\}')


class Difference(Exception):  # noqa: N818 - what was looked for, and no error
    """The new run is not the recorded one.

    Args:
        line: of the recording.
        expected: what is there.
        got: what came instead.
    """

    def __init__(self, line: int, expected: str, got: str) -> None:
        super().__init__(line, expected, got)
        self.line, self.expected, self.got = line, expected, got


class Replay:
    """One run of a recording.

    Args:
        recording: what was recorded.
        app: the daemon that is to do the same.
    """

    def __init__(self, recording: Recording, app: ReplayedApp) -> None:
        self._recording = recording
        self._app = app
        self._stepped = recording.header.clock == "stepped"
        self._open: dict[str, ReplayedConnection] = {}
        self._busy: ReplayedConnection | None = None
        self._line = 1
        self.compared = 0
        self.ended = False

    def run(self) -> None:
        """Do all that was done.

        Raises:
            Difference: something comes otherwise.
            RecordingError: the file can't be right.
        """
        self._app.begin()
        for line, entry in self._recording.entries():
            self._line = line
            self._reach(entry)
            if _is_told(entry):
                self._compare(entry)
            else:
                self._expect_silence(str(entry.what))
                _ACTS[entry.what](self, entry)
        self._expect_silence("the end of the recording")

    def _reach(self, entry: Entry) -> None:
        """Let time pass as it did before an entry, or until something is said."""
        clock, wanted = self._app.clock, (entry.n, entry.t)
        while not self._app.outputs:
            there = (clock.fired, clock.now)
            busy = self._busy if self._busy is not None and self._busy.unfinished else None
            if busy is not None and (there < wanted or (there == wanted and _is_told(entry))):
                busy.proceed()
            elif busy is None and clock.fired < entry.n and clock.next_deadline is not None:
                clock.fire_next()
            else:
                clock.stand_at(entry.t)
                return

    def _compare(self, entry: Entry) -> None:
        if not self._app.outputs:
            raise Difference(self._line, _told(entry.t, entry.who, entry.bytes), "nothing")
        said = self._app.outputs.popleft()
        wanted = Said(entry.t, entry.who, entry.bytes if said.compared else said.data)
        if self._comparable(wanted) != self._comparable(said):
            raise Difference(self._line, _told(*wanted[:3]), _told(*said[:3]))
        self.compared += 1

    def _comparable(self, said: Said) -> Said:
        """What is to be equal: of a machine that follows the wall, not the wall's time."""
        data = said.data if self._stepped else _STAMP.sub(b"", said.data, count=1)
        return Said(said.t, said.who, data)

    def _expect_silence(self, instead: str) -> None:
        if self._app.outputs:
            raise Difference(self._line, instead, _told(*self._app.outputs[0][:3]))

    # What is done

    def _connection(self, entry: Entry) -> ReplayedConnection:
        if entry.who not in self._open:
            raise RecordingError(
                f"{self._recording.path}:{self._line}: nobody is connected to '{entry.who}'"
            )
        return self._open[entry.who]

    def _client_came(self, entry: Entry) -> None:
        for monitor in self._app.server.monitors:
            if monitor.config.chardev == entry.who:
                connection = monitor.open()
                if isinstance(connection, ReplayedConnection):
                    connection.connection_made(NoTransport())
                    self._open[entry.who] = connection
                return
        raise RecordingError(f"{self._recording.path}:{self._line}: no monitor '{entry.who}'")

    def _client_left(self, entry: Entry) -> None:
        self._connection(entry).connection_lost(None)
        del self._open[entry.who]

    def _client_said(self, entry: Entry) -> None:
        self._connection(entry).hear(entry.bytes)

    def _client_gave(self, entry: Entry) -> None:
        connection = self._connection(entry)
        count = int(entry.data) if entry.data.isdecimal() else 0
        connection.fds_received(tuple(os.open(os.devnull, os.O_RDWR) for _ in range(count)))

    def _do(self, entry: Entry) -> None:
        if not self._connection(entry).do():
            raise Difference(self._line, f"a request of {entry.who}", "none")

    def _go(self, entry: Entry) -> None:
        """What goes on does so when the next entry is to be reached."""
        self._busy = self._connection(entry)

    def _received(self, entry: Entry) -> None:
        self._app.receive(entry.bytes)

    def _start(self, _entry: Entry) -> None:
        self._app.clients_came()

    def _signal(self, _entry: Entry) -> None:
        self._app.end_by_signal()

    def _end(self, _entry: Entry) -> None:
        self.ended = True


_ACTS: Mapping[What, Callable[[Replay, Entry], None]] = {
    What.OPEN: Replay._client_came,  # noqa: SLF001 - all of these are of this file
    What.CLOSE: Replay._client_left,  # noqa: SLF001
    What.IN: Replay._client_said,  # noqa: SLF001
    What.FDS: Replay._client_gave,  # noqa: SLF001
    What.DO: Replay._do,  # noqa: SLF001
    What.GO: Replay._go,  # noqa: SLF001
    What.SERIAL: Replay._received,  # noqa: SLF001
    What.START: Replay._start,  # noqa: SLF001
    What.SIGNAL: Replay._signal,  # noqa: SLF001
    What.END: Replay._end,  # noqa: SLF001
}


def _is_told(entry: Entry) -> bool:
    return entry.what is What.OUT


def _told(t: int, who: str, data: bytes) -> str:
    return f"at {t / 1e6:.6f} ms, to {who}: {text_of(data).strip()!a}"
