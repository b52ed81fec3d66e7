"""The daemon as a process of its own, as a stranger starts it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
TIMEOUT = 20
"""Seconds after which what should have happened will not: no working code needs them."""


@contextlib.contextmanager
def daemon(
    folder: Path, *options: str, pass_fds: Sequence[int] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A daemon in a folder; whatever happens, it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=pass_fds,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def listens(path: Path) -> bool:
    """Whether somebody accepts at a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    """Return once the daemon's socket is there and answers."""
    end = time.monotonic() + TIMEOUT
    while not listens(path):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def connected(path: Path, process: subprocess.Popen[Any]) -> socket.socket:
    """A plain client's socket, once the daemon listens."""
    wait_for(path, process)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(TIMEOUT)
    client.connect(str(path))
    return client
