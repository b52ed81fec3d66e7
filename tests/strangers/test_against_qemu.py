"""QEMU itself: what it answers to thousands of messages, most of them wrong, is what we answer.

The messages are about the protocol; where an answer depends on the machine or on what is modelled,
they do not ask. After each there is 0xFF and a command with a number, so that both are in step.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.process import TIMEOUT, daemon
from tests.process import connected as connected_to
from tests.strangers.messages import message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QEMU = "qemu-system-aarch64"
MESSAGES = 1500
MACHINE = ("-machine", "virt,gic-version=3", "-cpu", "cortex-a72", "-S", "-display", "none")

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]

UNEXPECTED = re.compile(r"(QMP input member|Parameter) '.*' (is unexpected|must be an? \w+)")
"""Of several wrong members, QEMU names the first of a hash table."""

OTHERWISE = {
    "Parameter 'null' does not accept value": "Parameter 'enable' does not accept value",
    "is not a hotpluggable device": "is not a device",
}
"""A slip of QEMU's (docs/not-modelled.md), and what Debian's 7.2 says where 9.1 differs."""

HUGE = "JSON parse error, number out of range"
"""What is said here to a number that QEMU takes as infinity, and echoes as `inf`, or ignores."""


class Server:
    """One of the two, asked message by message."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._stream = client.makefile("rb")
        self._stream.readline()
        self._number = 0
        self.ask(b"")
        self._client.sendall(b'{"execute": "qmp_capabilities"}')
        self._stream.readline()

    def ask(self, data: bytes) -> list[str]:
        """The lines that come for a message, before those for what makes sure of the next."""
        self._number += 1
        mark = f'"mark-{self._number}"'
        self._client.sendall(data + b'\xff{"execute": "mark", "id": %b}' % mark.encode())
        lines = []
        while mark not in (line := self._stream.readline().decode()):
            assert line, data
            lines.append(line)
        return lines


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """QEMU and the daemon, both negotiated."""
    folder = tmp_path_factory.mktemp("qemu")
    path = folder / "qmp.sock"
    with (
        daemon(folder, *MACHINE) as process,
        connected_to(path, process) as ours,
        qemu(folder) as theirs,
    ):
        yield Server(theirs), Server(ours)


class qemu:  # noqa: N801 - a context manager
    """QEMU, connected to a socket of ours."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "theirs")

    def __enter__(self) -> socket.socket:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen()
            listener.settimeout(TIMEOUT)
            words = [QEMU, *MACHINE, "-nodefaults", "-qmp", f"unix:{self._path}"]
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
            self._client = listener.accept()[0]
        self._client.settimeout(TIMEOUT)
        return self._client

    def __exit__(self, *_error: object) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait()


def comparable(line: str) -> Any:
    """A reply without what may differ."""
    answer = json.loads(line)
    if "error" in answer:
        text = answer["error"]["desc"]
        if UNEXPECTED.fullmatch(text):
            text = "a member is wrong"
        for theirs, ours in OTHERWISE.items():
            text = text.replace(theirs, ours)
        answer["error"]["desc"] = text
        assert ('"id"' not in line) or line.index('"id"') < line.index('"error"')
    return answer


@pytest.mark.parametrize("seed", range(3))
def test_what_qemu_answers_is_answered_here(servers: tuple[Server, Server], seed: int) -> None:
    theirs, ours = servers
    chance = random.Random(seed)  # noqa: S311 - the same on every run
    for _ in range(MESSAGES):
        data = message(chance)
        expected, got = theirs.ask(data), ours.ask(data)
        if any(HUGE in line for line in got):
            continue
        assert [comparable(line) for line in got] == [comparable(line) for line in expected], data
