r"""Line editing as QEMU's monitor does it over a socket (QEMU: util/readline).

Every key is echoed at once. A changed line is written anew: the cursor goes back to the prompt, a
column at a time, then come the line and `ESC [ K`, which clears what stood behind it. Bytes are
what is edited: nobody decodes them before the line is complete.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from daemon.hmp.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.hmp.history import History

COLUMNS = 80
_NARROWEST = 10

LEFT, RIGHT, ERASE, CLEAR = b"\x1b[D", b"\x1b[C", b"\x1b[K", b"\x1b[2J\x1b[1;1H"
_ESC, _CSI = 0x1B, 0x9B
_MOST_NUMBER = 99


class _State(Enum):
    """Where in an escape sequence the input is."""

    NORMAL = auto()
    ESCAPE = auto()
    CSI = auto()
    SS3 = auto()


class ReadLine:
    """A terminal's line, and what the client sees of it.

    Args:
        prompt: stands before it.
        history: lines that were entered before.
        complete: for the bytes before the cursor, the last word's beginning and what it could be.
    """

    def __init__(
        self,
        prompt: bytes,
        history: History,
        complete: Callable[[bytes], tuple[bytes, list[bytes]]],
    ) -> None:
        self.line = Line()
        self._prompt = prompt
        self._history = history
        self._complete = complete
        self._shown = b""
        self._shown_cursor = 0
        self._state = _State.NORMAL
        self._number = 0
        self._out: list[bytes] = []

    def prompt(self) -> bytes:
        """Go on behind a new prompt; the bytes to send."""
        self._shown, self._shown_cursor = b"", 0
        return self._prompt

    def type(self, key: int) -> bytes | None:
        """Take a byte of input; the line, if that completes it. `echo` has what to send."""
        if self._state is _State.NORMAL and key in b"\r\n":
            return self._enter()
        self._take(key)
        self._update()
        return None

    def echo(self) -> bytes:
        """What is to be sent for the keys since this was last asked."""
        echo = b"".join(self._out)
        self._out.clear()
        return echo

    # What keys do besides editing

    def older(self) -> None:
        """Show the line before."""
        self._show(self._history.older())

    def newer(self) -> None:
        """Show the line behind."""
        self._show(self._history.newer())

    def clear(self) -> None:
        """Clear the screen."""
        self._out += [CLEAR, self.prompt()]

    def tab(self) -> None:
        """Complete the word before the cursor, as far as it is certain; list what it could be."""
        start, found = self._complete(bytes(self.line.text[: self.line.cursor]))
        if len(found) == 1:
            self.line.insert(found[0][len(start) :] + b" ")
        elif found:
            self.line.insert(_common(found)[len(start) :])
            self._out += [b"\r\n", *_columns(found), self.prompt()]

    def _show(self, text: bytes | None) -> None:
        if text is not None:
            self.line.replace(text)

    # The keys

    def _enter(self) -> bytes:
        text = bytes(self.line.text)
        self._history.add(text)
        self.line.replace(b"")
        self._shown, self._shown_cursor = b"", 0
        self._out.append(b"\r\n")
        return text

    def _take(self, key: int) -> None:
        match self._state:
            case _State.NORMAL:
                self._normal(key)
            case _State.ESCAPE:
                self._state = _AFTER_ESCAPE.get(key, _State.NORMAL)
                self._number = 0 if key in _AFTER_ESCAPE else self._number
            case _State.CSI:
                self._csi(key)
            case _State.SS3:
                self._state = _State.NORMAL
                self._do(_SS3.get(key))

    def _normal(self, key: int) -> None:
        if key == _ESC:
            self._state = _State.ESCAPE
        elif key == _CSI:
            self._state = _State.CSI  # the number stays, as in QEMU
        elif key in _CONTROL:
            self._do(_CONTROL[key])
        elif key >= ord(" "):
            self.line.insert(bytes((key,)))

    def _csi(self, key: int) -> None:
        if key in b"0123456789":
            self._number = min(self._number * 10 + key - ord("0"), _MOST_NUMBER)
            return
        self._state = _State.NORMAL
        self._do(_TILDE.get(self._number) if key == ord("~") else _LETTERS.get(key))

    def _do(self, action: Callable[[ReadLine], None] | None) -> None:
        if action is not None:
            action(self)

    def _update(self) -> None:
        """Bring what the client sees up to date."""
        text, cursor = bytes(self.line.text), self.line.cursor
        if text != self._shown:
            self._out += [LEFT * self._shown_cursor, text, ERASE]
            self._shown, self._shown_cursor = text, len(text)
        distance = cursor - self._shown_cursor
        self._out.append(RIGHT * distance if distance > 0 else LEFT * -distance)
        self._shown_cursor = cursor


def _common(found: list[bytes]) -> bytes:
    """What all of them begin with; they are sorted."""
    first, last = found[0], found[-1]
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]


def _columns(found: list[bytes]) -> list[bytes]:
    """Names in columns."""
    width = min(max(max(map(len, found)) + 2, _NARROWEST), COLUMNS)
    each = COLUMNS // width
    cells = [name.ljust(width) for name in found]
    return [b"".join(cells[at : at + each]) + b"\r\n" for at in range(0, len(cells), each)]


def _edit(change: Callable[[Line], None]) -> Callable[[ReadLine], None]:
    return lambda readline: change(readline.line)


_HOME, _END, _DELETE = _edit(Line.home), _edit(Line.end), _edit(Line.delete)
_BACKSPACE = _edit(Line.backspace)

_AFTER_ESCAPE: Mapping[int, _State] = {ord("["): _State.CSI, ord("O"): _State.SS3}
_CONTROL: Mapping[int, Callable[[ReadLine], None]] = {
    0x01: _HOME,
    0x04: _DELETE,
    0x05: _END,
    0x08: _BACKSPACE,
    0x09: ReadLine.tab,
    0x0C: ReadLine.clear,
    0x0E: ReadLine.newer,
    0x10: ReadLine.older,
    0x15: _edit(Line.kill_line),
    0x17: _edit(Line.kill_word),
    0x7F: _BACKSPACE,
}
_LETTERS: Mapping[int, Callable[[ReadLine], None]] = {
    ord("A"): ReadLine.older,
    ord("B"): ReadLine.newer,
    ord("C"): _edit(Line.right),
    ord("D"): _edit(Line.left),
    ord("E"): ReadLine.newer,
    ord("F"): ReadLine.older,
}
_TILDE: Mapping[int, Callable[[ReadLine], None]] = {1: _HOME, 3: _DELETE, 4: _END}
_SS3: Mapping[int, Callable[[ReadLine], None]] = {ord("F"): _END, ord("H"): _HOME}
