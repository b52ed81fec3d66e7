"""What a recording consists of: a header, and an entry for all that came in and went out.

A file has one JSON object in each line. Where in the run something was is said by two numbers: the
virtual time in ns, and how many timers had been fired. The second tells apart what is at one
instant, so that a run can be led through the same points, whatever moved its clock.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = 1
Line = TypeVar("Line")


class RecordingError(Exception):
    """A file is no recording, or not all of one; the text is one line."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The first line.

    Attributes:
        armvirtd: the version of the program.
        format: of the file.
        argv: the command line, without secrets.
        clock: what moved time.
        seed: of all chance.
        rtc_base: what the real time clock began with, in seconds since 1970.
        thread_id: what was told as the thread of each CPU.
    """

    armvirtd: str
    format: int
    argv: tuple[str, ...]
    clock: Literal["wall", "rate", "stepped"]
    seed: int
    rtc_base: int
    thread_id: int


class What(StrEnum):
    """What an entry tells."""

    OPEN = "open"
    """A client has come to a monitor."""
    CLOSE = "close"
    """It has gone."""
    IN = "in"
    """It has said this."""
    FDS = "fds"
    """File descriptors came with what it says next: how many."""
    DO = "do"
    """The first thing that it wants, and that is not done yet, is begun."""
    GO = "go"
    """What was begun for it, and is not done yet, goes on."""
    OUT = "out"
    """It is told this: a reply or an event."""
    SERIAL = "serial"
    """The machine's serial port received this."""
    START = "start"
    """Clients that were waited for have come."""
    SIGNAL = "signal"
    """The daemon was told to end."""
    END = "end"
    """It has ended."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any other line.

    Attributes:
        t: virtual time in ns.
        n: timers that were fired before.
        what: what it tells.
        who: the label of the monitor's device, if it is about a client.
        data: bytes, as UTF-8 with what is none of it escaped; or a number.
    """

    t: int
    n: int
    what: What
    who: str = ""
    data: str = ""

    @property
    def bytes(self) -> bytes:
        """The data as it was."""
        return self.data.encode("utf-8", "surrogateescape")


def line_of(item: Header | Entry) -> bytes:
    """A line of the file."""
    return json.dumps(msgspec.to_builtins(item)).encode() + b"\n"


def text_of(data: bytes) -> str:
    """Bytes as an entry holds them."""
    return data.decode("utf-8", "surrogateescape")


class Recording:
    """A recording that was made.

    Args:
        path: its file.

    Raises:
        RecordingError: it can't be read, or is none.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._lines = Path(path).read_bytes().splitlines(keepends=True)
        except OSError as error:
            raise RecordingError(f"could not open '{path}': {error.strerror}") from None
        if not self._lines:
            raise RecordingError(f"{path}: the file is empty")
        self.header = self._header()

    def _header(self) -> Header:
        try:
            header = json.loads(self._lines[0])
        except ValueError:
            header = None
        if not isinstance(header, dict) or "armvirtd" not in header:
            raise RecordingError(f"{self.path}: not a recording of armvirtd")
        if header.get("format") != FORMAT:
            raise RecordingError(f"{self.path}: a recording of format {header.get('format')}, "
                                 f"and not of {FORMAT}")  # fmt: skip
        return self._converted(0, header, Header)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """The entries, each with the number of its line.

        Raises:
            RecordingError: one is none, or ends in its middle.
        """
        for index, line in enumerate(self._lines[1:], 1):
            if not line.endswith(b"\n"):
                raise RecordingError(f"{self.path}:{index + 1}: the file ends within a line")
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise RecordingError(f"{self.path}:{index + 1}: {error}") from None
            yield index + 1, self._converted(index, entry, Entry)

    def _converted(self, index: int, value: object, kind: type[Line]) -> Line:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise RecordingError(f"{self.path}:{index + 1}: {error}") from None
