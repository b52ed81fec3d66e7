"""The keyboard, for as long as a screen is shown: each key at once, and none of them seen."""

from __future__ import annotations

import contextlib
import os
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SPECIAL_CHARACTERS = 6
"""Where termios has them in what it gives (termios(3): c_cc)."""
MOST = 64
"""Bytes that are read at once."""


@contextlib.contextmanager
def unbuffered(fd: int) -> Iterator[None]:
    """A terminal that gives each key at once, and does not suspend us, whose screen would stay."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    now = termios.tcgetattr(fd)
    now[SPECIAL_CHARACTERS][termios.VSUSP] = b"\0"
    termios.tcsetattr(fd, termios.TCSANOW, now)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def pressed(fd: int) -> bytes:
    """The keys that were pressed; empty at the end of the terminal."""
    try:
        return os.read(fd, MOST)
    except OSError:
        return b""
