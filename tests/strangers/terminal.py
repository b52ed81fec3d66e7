"""A program on a terminal, and what stands on its screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.process import ROOT, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])|[\x0e\x0f]")
"""ECMA-48 sequences, and the shifts between character sets."""

SIZE = struct.pack("HHHH", 50, 200, 0, 0)
"""Rows and columns."""

NUDGE = 0.1
"""Seconds between two nudges."""


class Terminal:
    """The side of a pseudo terminal on which people sit."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.master = master
        self._screen = self._sent = ""

    def type(self, text: str) -> Self:
        os.write(self.master, text.encode())
        return self

    def until(self, pattern: str, *, nudge: str = "") -> str:
        """What has been shown since the last match, up to this one's end.

        Args:
            pattern: what to wait for.
            nudge: typed now and then, for programs that show news only when a key is pressed.
        """
        end = time.monotonic() + TIMEOUT
        while not (found := re.search(pattern, self._shown(), re.DOTALL)):
            assert time.monotonic() < end, f"{pattern!r} not in {self._shown()!r}"
            self.type(nudge)._read(NUDGE if nudge else end - time.monotonic())
        text, self._screen = self._shown()[: found.end()], self._shown()[found.end() :]
        return text

    def all_of_it(self) -> str:
        """All that was sent, control sequences included, once the program has let go of us."""
        with contextlib.suppress(OSError):  # EIO: nobody has the other side
            while True:
                self._read(TIMEOUT)
        return self._sent

    def _shown(self) -> str:
        return _CONTROL.sub("", self._screen)

    def _read(self, timeout: float) -> None:
        if select.select([self.master], [], [], max(timeout, 0))[0]:
            text = os.read(self.master, 1 << 16).decode(errors="replace")
            self._screen += text
            self._sent += text


@contextlib.contextmanager
def terminal(folder: Path, program: str, *words: str, kind: str = "xterm") -> Iterator[Terminal]:
    """A program of the environment that the tests run in, on a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, SIZE)
    environment = {**os.environ, "TERM": kind, "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name(program)), *words],
        cwd=folder,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended, with what it has started
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)
