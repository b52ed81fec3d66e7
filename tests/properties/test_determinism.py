"""The same command line, commands, seed and stepped clock: the same bytes.

Each conversation is held twice: in this process, one after the other, and in two processes, with
several clients at sockets, where sets and dictionaries of texts have another order.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from daemon.options.table import parse
from tests.box import Box
from tests.chatter import OPTIONS, STAGES, Chatter
from tests.process import ROOT, TIMEOUT, wait_for

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(8)
MONITORS = 3

SERVE = """
import sys
from dataclasses import replace
import uvloop
from daemon.main import _serve
from daemon.options.table import parse
from tests.chatter import STAGES

seed, *argv = sys.argv[1:]
config = parse(argv)
machine = replace(config.machine, stages=STAGES, seed=int(seed))
uvloop.run(_serve(config.model_copy(update={"machine": machine})))
"""
"""The daemon, with stages."""


def held(seed: int, *, chance: int) -> bytes:
    """A conversation in this process, with chance of this seed; all that comes back."""
    config = parse(OPTIONS)
    machine = replace(config.machine, stages=STAGES, seed=chance)
    box = Box(config.model_copy(update={"machine": machine}))
    try:
        return b"".join(line for piece in Chatter(seed).pieces(300) for line in box.lines(piece))
    finally:
        box.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_conversation_is_the_same_twice_in_one_process(seed: int) -> None:
    first = held(seed, chance=seed)
    assert first.count(b"\r\n") >= 300
    assert held(seed, chance=seed) == first


class Client:
    """At a socket; keeps all that it hears."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(path))
        self.heard = b""
        self.turn = 0
        self.hear(b"QMP")

    def hear(self, marker: bytes) -> None:
        """Listen until this has come, in what is new."""
        start = len(self.heard)
        while marker not in self.heard[start:]:
            more = self.sock.recv(1 << 20)
            assert more, self.heard[-1000:]
            self.heard += more

    def say(self, data: bytes) -> None:
        """Say it, and wait until it is answered, and with it whatever was to come before."""
        self.turn += 1
        marker = f"turn {self.turn}".encode()
        self.sock.sendall(data + b'{"execute": "query-name", "id": "%b"}\n' % marker)
        self.hear(b'"id": "%b"' % marker)

    def rest(self) -> bytes:
        """All that was ever heard, to the end."""
        while more := self.sock.recv(1 << 20):
            self.heard += more
        self.sock.close()
        return self.heard


def told(folder: Path, seed: int, hash_seed: int) -> list[bytes]:
    """A conversation with a process; what each client has heard."""
    paths = [folder / f"{hash_seed}.{n}" for n in range(MONITORS)]
    monitors = [word for path in paths for word in ("-qmp", f"unix:{path},server=on,wait=off")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, "-c", SERVE, str(seed), *OPTIONS, *monitors]
    with subprocess.Popen(command, cwd=folder, env=environment) as process:
        try:
            for path in paths:
                wait_for(path, process)
            return converse([Client(path) for path in paths], seed)
        finally:
            process.kill()


def converse(clients: list[Client], seed: int) -> list[bytes]:
    for client in clients:
        client.say(b'{"execute": "qmp_capabilities"}\n')
    chatter = Chatter(seed)
    for piece in chatter.pieces(200):
        clients[chatter.monitor(len(clients))].say(piece)
    clients[0].sock.sendall(b'{"execute": "quit"}\n')
    return [client.rest() for client in clients]


@pytest.mark.parametrize("seed", [100, 101])
def test_a_conversation_is_the_same_in_two_processes(tmp_path: Path, seed: int) -> None:
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda hash_seed: told(tmp_path, seed, hash_seed), [1, 2])
    for one, other in zip(first, second, strict=True):
        assert one.replace(b"/1.", b"/2.") == other


def test_another_seed_is_another_conversation() -> None:
    assert held(4, chance=1) != held(4, chance=2)
