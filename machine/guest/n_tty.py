"""The line discipline of a terminal (Linux: drivers/tty/n_tty.c, in canonical mode).

What is typed is echoed, may be erased, and is handed on line by line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPT, BACKSPACE, NEWLINE, RETURN, KILL, ERASE = 0x03, 0x08, 0x0A, 0x0D, 0x15, 0x7F
SPACE, CARET = 0x20, 0x5E
LINE_MAX = 4095
"""Bytes of a line; more are not taken, and answered with a bell."""


class NTty:
    """One terminal.

    Args:
        on_line: is handed each line, without its end.
        on_interrupt: is told of control-C.
        output: prints the echo.
    """

    def __init__(
        self,
        on_line: Callable[[str], None],
        on_interrupt: Callable[[], None],
        output: Callable[[bytes], None],
    ) -> None:
        self._on_line = on_line
        self._on_interrupt = on_interrupt
        self._line = bytearray()
        self._output = output
        self._act: dict[int, Callable[[], None]] = {
            NEWLINE: self._end,
            RETURN: self._end,
            BACKSPACE: self._erase,
            ERASE: self._erase,
            KILL: self._kill,
            INTERRUPT: self._interrupt,
        }

    def receive(self, data: bytes) -> None:
        """Take what was typed; a carriage return ends a line, as a newline does."""
        for character in data:
            act = self._act.get(character)
            if act is not None:
                act()
            else:
                self._add(character)

    def _add(self, character: int) -> None:
        if len(self._line) >= LINE_MAX:
            self._output(b"\a")
            return
        self._line.append(character)
        self._output(bytes([character] if character >= SPACE else [CARET, character + 0x40]))

    def _end(self) -> None:
        self._output(b"\n")
        line, self._line = self._line.decode(errors="replace"), bytearray()
        self._on_line(line)

    def _erase(self) -> None:
        if self._line:
            self._output(b"\b \b" * (1 if self._line.pop() >= SPACE else 2))

    def _kill(self) -> None:
        while self._line:
            self._erase()

    def _interrupt(self) -> None:
        self._line.clear()
        self._output(b"^C\n")
        self._on_interrupt()
