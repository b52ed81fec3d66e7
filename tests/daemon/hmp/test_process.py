"""A prompt on a socket of the whole daemon, beside a QMP client that hears what it causes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from daemon.hmp.line import MOST_BYTES
from tests.process import TIMEOUT, connected, daemon

if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

GREETING = b"QEMU 9.1.50 monitor - type 'help' for more information\r\n(qemu) "


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    options = [
        text
        for kind, name in (("-qmp", "qmp"), ("-monitor", "mon"))
        for text in (kind, f"unix:{name}.sock,server=on,wait=off")
    ]
    with daemon(tmp_path, *options) as process:
        yield process


def heard(client: socket.socket, last: bytes) -> bytes:
    """Everything up to what is to come last."""
    data = b""
    while not data.endswith(last):
        piece = client.recv(1 << 16)
        assert piece, data
        data += piece
    return data


def test_a_line_at_the_prompt_does_what_qmps_clients_hear_of(
    tmp_path: Path, process: subprocess.Popen[str]
) -> None:
    with (
        connected(tmp_path / "qmp.sock", process) as qmp,
        connected(tmp_path / "mon.sock", process) as prompt,
    ):
        assert heard(prompt, b"(qemu) ") == GREETING
        qmp.sendall(b'{"execute": "qmp_capabilities"}')
        heard(qmp, b'{"return": {}}\r\n')
        prompt.sendall(b"stop\r")
        assert heard(prompt, b"\r\n(qemu) ").endswith(b"stop\x1b[K\r\n(qemu) ")
        assert json.loads(heard(qmp, b"\r\n"))["event"] == "STOP"
        prompt.sendall(b"quit\r")
        assert heard(prompt, b"quit\x1b[K\r\n")
        assert prompt.recv(1) == b""
        assert json.loads(heard(qmp, b"\r\n"))["event"] == "SHUTDOWN"
    assert process.wait(TIMEOUT) == 0


def test_the_next_client_gets_a_prompt_of_its_own_and_the_history(
    tmp_path: Path, process: subprocess.Popen[str]
) -> None:
    with connected(tmp_path / "mon.sock", process) as prompt:
        prompt.sendall(b"info name\rhalf a line")
        heard(prompt, b"half a line\x1b[K")
    with connected(tmp_path / "mon.sock", process) as prompt:
        assert heard(prompt, b"(qemu) ") == GREETING
        prompt.sendall(b"\x1b[A\r")
        assert heard(prompt, b"\r\n(qemu) ") == b"info name\x1b[K\r\n(qemu) "
    assert process.poll() is None


def test_lines_that_are_never_ended_are_survived(
    tmp_path: Path, process: subprocess.Popen[str]
) -> None:
    with connected(tmp_path / "mon.sock", process) as prompt:
        heard(prompt, b"(qemu) ")
        prompt.sendall(b"x" * 300 + b"\x15" + b"y" * 10)
        heard(prompt, b"y" * 10 + b"\x1b[K")
        prompt.sendall(b"\x15" + b"\xff" * 200 + b"\r")
        assert b"unknown command: '" + b"\xff" * 200 + b"'" in heard(prompt, b"\r\n(qemu) ")
        prompt.sendall(b"\r" * (MOST_BYTES + 1))
        heard(prompt, b"\r\n(qemu) " * (MOST_BYTES + 1))
    assert process.poll() is None
