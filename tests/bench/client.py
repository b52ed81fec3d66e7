"""A daemon in a process of its own, and a client as fast as Python allows: bytes on a socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

TIMEOUT = 30.0


class Client:
    """Reads and writes lines on a connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(TIMEOUT)
        self._socket = connected
        self._rest = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def line(self) -> bytes:
        while b"\n" not in self._rest:
            self._rest += self._receive()
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def skip(self, count: int) -> None:
        """Read that many lines, and forget them."""
        while (found := self._rest.count(b"\n")) < count:
            count, self._rest = count - found, self._receive()
        self._rest = self._rest.rpartition(b"\n")[2]

    def execute(self, command: str, **arguments: object) -> Any:
        request = {"execute": command}
        wire = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.send(json.dumps({**request, "arguments": wire} if wire else request).encode())
        while "return" not in (message := json.loads(self.line())):
            assert "event" in message, message
        return message["return"]

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 16)
        assert data, "the daemon has gone"
        return data


class Daemon:
    """A process that connects to us: no polling stands between its start and its first word.

    Args:
        command: the words behind `python`; `{path}` in them becomes the socket's.
    """

    def __init__(self, *command: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        path = str(Path(self._folder.name, "s"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            listener.settimeout(TIMEOUT)
            words = [word.format(path=path) for word in command]
            self.process = subprocess.Popen([sys.executable, *words], env=_environment())
            self.client = Client(listener.accept()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self._folder.cleanup()

    @property
    def resident(self) -> int:
        """VmRSS, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


def daemon(possible: int, *more: str) -> Daemon:
    """An armvirtd with 2 of `possible` CPUs and `more` words, connected and negotiated.

    Its guest takes no time of its own: what is measured is ours.
    """
    started = Daemon(
        *("-m", "daemon", "-smp", f"2,maxcpus={possible}", "-qmp", "unix:{path},server=off"),
        *("--guest-speed", "instant", *more),
    )
    started.client.line()
    started.client.execute("qmp_capabilities")
    return started


def _environment() -> dict[str, str]:
    """As a user's: compiled modules are kept from one start to the next."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def echo_server() -> Daemon:
    """The peer that a ratio is given to (see `tests.bench.echo`)."""
    return Daemon("-m", "tests.bench.echo", "{path}")
