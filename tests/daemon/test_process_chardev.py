"""Monitors as others start them: at a terminal, on sockets that they have made, and on fds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest
from qemu.qmp import QMPClient

from tests.process import ROOT, TIMEOUT, connected, daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMPT = b"(qemu) "
SERIAL = {"label": "serial0", "filename": "null", "frontend-open": True}


@contextlib.contextmanager
def at_terminal(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A daemon whose standard input and output are a terminal; and its other end."""
    theirs, ours = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "daemon", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=ours,
        stdout=ours,
        stderr=subprocess.PIPE,
    )
    try:
        yield process, theirs
    finally:
        process.kill()
        process.communicate()
        os.close(ours)
        os.close(theirs)


def read_until(fd: int, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        assert select.select([fd], [], [], TIMEOUT)[0], data
        data += os.read(fd, 1 << 16)
    return data


@pytest.mark.parametrize("how", ["quit", "signal"])
def test_a_person_at_a_terminal_finds_it_as_it_was(tmp_path: Path, how: str) -> None:
    with at_terminal(tmp_path, "-qmp", "none", "-monitor", "stdio") as (process, terminal):
        cooked = termios.tcgetattr(terminal)
        assert read_until(terminal, PROMPT).startswith(b"QEMU ")
        assert termios.tcgetattr(terminal) != cooked
        if how == "quit":
            os.write(terminal, b"quit\r")
        else:
            process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert termios.tcgetattr(terminal) == cooked


def test_control_c_at_a_terminal_is_a_signal_unless_it_is_not_to_be(tmp_path: Path) -> None:
    chardev = ("-chardev", "stdio,id=s,signal=off", "-mon", "chardev=s")
    with at_terminal(tmp_path, *chardev) as (process, terminal):
        read_until(terminal, PROMPT)
        os.write(terminal, b"\x03quit\r")
        assert process.wait(TIMEOUT) == 0


def test_qmp_at_standard_input_and_output(tmp_path: Path) -> None:
    said = b'{"execute": "qmp_capabilities"}{"execute": "query-name", "id": 1}{"execute": "quit"}'
    process = subprocess.run(
        [sys.executable, "-m", "daemon", "-qmp", "stdio", "-name", "piped"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=said,
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    greeting, *answers = map(json.loads, process.stdout.splitlines())
    assert "QMP" in greeting
    assert answers[:2] == [{"return": {}}, {"return": {"name": "piped"}, "id": 1}]
    assert answers[2]["event"] == "SHUTDOWN"
    assert answers[3] == {"return": {}}


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed_are_missed_by_nobody(tmp_path: Path, closed: str) -> None:
    options = "-qmp stdio -monitor unix:mon.sock,server=on,wait=off"
    process = subprocess.Popen(
        ["sh", "-c", f"exec {sys.executable} -m daemon {options} {closed}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        with connected(tmp_path / "mon.sock", process) as client:
            client.sendall(b"quit\n")
            assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        assert process.communicate()[1] == b""


def test_help_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        told = subprocess.run(
            [sys.executable, "-m", "daemon", "-help"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert told.stderr == b"armvirtd: standard output: No space left on device\n"
    assert told.returncode == 1


def test_one_end_of_a_socketpair_as_qemus_own_machine_passes_it(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    fd = theirs.fileno()
    options = ("-chardev", f"socket,id=mon,fd={fd}", "-mon", "chardev=mon,mode=control")
    with daemon(tmp_path, *options, pass_fds=[fd]) as process:
        theirs.close()

        async def story() -> None:
            client = QMPClient("test")
            await client.connect(ours)
            assert await client.execute("query-chardev") == [
                {"label": "mon", "filename": "unix:", "frontend-open": True},
                SERIAL,
            ]
            with open(os.devnull, "rb") as passed:  # noqa: ASYNC230, PTH123 - a descriptor
                client.send_fd_scm(passed.fileno())
                assert await client.execute("getfd", {"fdname": "x"}) == {}
            await client.execute("quit")
            with contextlib.suppress(EOFError):
                await client.disconnect()

        asyncio.run(story())
        assert process.wait(TIMEOUT) == 0


def test_a_listening_socket_as_libvirt_passes_it(tmp_path: Path) -> None:
    path = tmp_path / "monitor.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    fd = listener.fileno()
    options = (
        "-chardev",
        f"socket,id=charmonitor,fd={fd},server=on,wait=off",
        "-mon",
        "chardev=charmonitor,id=monitor,mode=control",
    )
    with daemon(tmp_path, *options, pass_fds=[fd]) as process:

        async def story() -> None:
            client = QMPClient("test")
            await client.connect(str(path))
            assert await client.execute("query-chardev") == [
                {
                    "label": "charmonitor",
                    "filename": f"unix:{path},server=on",
                    "frontend-open": True,
                },
                SERIAL,
            ]
            await client.execute("quit")
            with contextlib.suppress(EOFError):
                await client.disconnect()

        asyncio.run(story())
        assert process.wait(TIMEOUT) == 0
    listener.close()


def test_who_is_to_be_connected_to_may_come_later(tmp_path: Path) -> None:
    path = tmp_path / "s"
    options = ("-qmp", f"unix:{path},reconnect=1")
    with daemon(tmp_path, *options) as process, socket.socket(socket.AF_UNIX) as listener:
        assert process.stderr is not None
        told = process.stderr.readline()
        assert told == (
            "armvirtd: Unable to connect character device compat_monitor0: "
            f"Failed to connect to '{path}': No such file or directory\n"
        )
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(TIMEOUT)
        client, _ = listener.accept()
        with client:
            assert b"QMP" in client.recv(1000)
        again, _ = listener.accept()
        with again:
            again.settimeout(TIMEOUT)
            assert b"QMP" in again.recv(1000)
