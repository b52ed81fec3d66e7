"""The human monitor at a terminal, without its socket: a prompt, keys, lines, what they print.

`receive_data` only cuts the input into small pieces; `execute` edits and executes one of them. So
a client that does not read its echo, which QEMU makes quadratic in a line's length, is not worked
for either, and other clients get their turn.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daemon.hmp.completion import completions
from daemon.hmp.history import History
from daemon.hmp.monitor import HumanMonitor
from daemon.hmp.readline import ReadLine
from daemon.version import QEMU

if TYPE_CHECKING:
    from daemon.context import Context

log = logging.getLogger(__name__)

PROMPT = b"(qemu) "
KEYS_AT_ONCE = 16
"""Bytes of input that are worked on in one go; each may be echoed by four lines' worth."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Some input."""

    data: bytes


class Terminal:
    """One client's terminal; the counterpart of `protocol.session.Session`.

    Args:
        context: what commands work on.
        history: the monitor's, which outlives its clients.
    """

    def __init__(self, context: Context, history: History | None = None) -> None:
        self._context = context
        history = History() if history is None else history
        self._monitor = HumanMonitor(context, history=history)
        self._readline = ReadLine(PROMPT, history, self._complete)

    def greeting(self) -> bytes:
        """Return what opens the conversation, and the first prompt."""
        told = f"QEMU {QEMU} monitor - type 'help' for more information\r\n"
        return told.encode() + self._readline.prompt()

    def negotiated(self) -> bool:
        """Tell whether the client may receive events: never."""
        return False

    def oob_enabled(self) -> bool:
        """Tell whether some of what is asked overtakes the rest: none does."""
        return False

    def receive_data(self, data: bytes) -> list[Keys]:
        """Take input; return it in pieces, for `execute`."""
        return [Keys(data[at : at + KEYS_AT_ONCE]) for at in range(0, len(data), KEYS_AT_ONCE)]

    def execute(self, keys: Keys) -> bytes:
        """Edit the line, and execute it where it ends; return echo, output and next prompts."""
        sent: list[bytes] = []
        for key in keys.data:
            if self._ended():
                break
            line = self._readline.type(key)
            sent.append(self._readline.echo())
            if line is not None:
                sent.append(self._execute(line))
        return b"".join(sent)

    def _execute(self, line: bytes) -> bytes:
        text = line.decode(errors="surrogateescape")
        try:
            printed = self._monitor.execute(text)
        except Exception as error:
            log.exception("%s failed", ascii(text))
            printed = f"Error: Internal error: {error!r}\r\n"
        told = printed.encode(errors="surrogateescape")
        return told if self._ended() else told + self._readline.prompt()

    def _ended(self) -> bool:
        """Whether the machine has come to its end: nothing is asked for any more."""
        return self._context.current.ended

    def _complete(self, text: bytes) -> tuple[bytes, list[bytes]]:
        decoded = text.decode(errors="surrogateescape")
        start, found = completions(self._context, self._monitor.commands, decoded)
        return start.encode(errors="surrogateescape"), [name.encode() for name in found]


def execute(terminal: Terminal, keys: Keys) -> bytes:
    """Do what a terminal's client typed: the dispatcher of a readline monitor."""
    return terminal.execute(keys)
