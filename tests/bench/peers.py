"""Servers in processes of their own, started with the same words, and what loads them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.client import TIMEOUT, Client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BOARD = (
    *("-M", "virt,gic-version=3", "-cpu", "cortex-a72"),
    *("-S", "-display", "none", "-nodefaults"),
)
QEMU = "qemu-system-aarch64"
OURS = (sys.executable, "-m", "daemon")
NEGOTIATE = b'{"execute": "qmp_capabilities"}\n'


@dataclass(frozen=True, slots=True)
class Load:
    """What a load generator saw: requests per second, and microseconds."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Generator:
    """`load.c`, compiled."""

    program: Path

    @classmethod
    def build(cls, folder: Path) -> Generator | None:
        """Compile it; None where there is no compiler."""
        compiler = shutil.which("cc")
        if compiler is None:
            return None
        program, source = folder / "load", Path(__file__).with_name("load.c")
        subprocess.run([compiler, "-O2", "-Wall", "-o", program, source], check=True)
        return cls(program)

    def __call__(self, sockets: Sequence[Path], depth: int, ms: int, request: str) -> Load:
        words = [str(self.program), str(depth), str(ms), request, *map(str, sockets)]
        done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=TIMEOUT)
        return Load(*map(float, done.stdout.split()))


@contextlib.contextmanager
def serving(program: Sequence[str], cpus: int, sockets: Sequence[Path]) -> Iterator[None]:
    """A server with that many CPUs plugged, and a monitor on each of the sockets."""
    monitors = [word for path in sockets for word in ("-qmp", f"unix:{path},server=on,wait=off")]
    words = [*program, *BOARD, "-smp", str(cpus), *monitors]
    with running(words) as process:
        await_socket(sockets[-1], process)
        yield


@contextlib.contextmanager
def floor(path: Path, reply: bytes) -> Iterator[None]:
    """The server that only says this, on a socket."""
    with running([sys.executable, "-m", "tests.bench.floor", str(path)], reply) as process:
        await_socket(path, process)
        yield


@contextlib.contextmanager
def running(words: Sequence[str], said: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    """A process, for as long as it is wanted."""
    process = subprocess.Popen(
        words, env=environment(), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        if process.stdin is not None:
            process.stdin.write(said)
            process.stdin.close()
        yield process
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def await_socket(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server listens there; how long it took is not what is measured."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args!r} ended"
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(str(path))
            return
        time.sleep(0.02)
    raise TimeoutError(path)


def first_reply(program: Sequence[str], cpus: int, path: Path) -> float:
    """Milliseconds from the start of a process to its reply to query-status."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(TIMEOUT)
        began = time.perf_counter()
        with running([*program, *BOARD, "-smp", str(cpus), "-qmp", f"unix:{path}"]):
            client = Client(listener.accept()[0])
            client.line()
            client.execute("qmp_capabilities")
            client.execute("query-status")
            took = (time.perf_counter() - began) * 1e3
            client.close()
    path.unlink()
    return took


def reply_to(path: Path, request: str) -> bytes:
    """The bytes of one reply."""
    with socket.socket(socket.AF_UNIX) as connected:
        connected.connect(str(path))
        client = Client(connected)
        client.line()
        client.send(NEGOTIATE)
        client.line()
        client.send(request.encode() + b"\n")
        return client.line() + b"\n"


def environment() -> dict[str, str]:
    """As a user's: compiled modules are kept from one start to the next."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
