"""The guest's console as a stranger has it: on a socket, in a file, on standard streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import select
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from daemon.app import App
from daemon.options.table import parse
from tests.process import ROOT, TIMEOUT, connected, daemon

if TYPE_CHECKING:
    from pathlib import Path

FIRST = b"[    0.000000] ACPI: SPCR: console: pl011,mmio32,0x9000000,9600\r\n"
UP = b"CPU1 has been hot-added\r\n"
PROMPT = b"\r\n/ # "
LAST = b"reboot: Power down\r\n"


def read_until(client: socket.socket, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        more = client.recv(1 << 16)
        assert more, data
        data += more
    return data


def test_who_connects_first_sees_the_boot_and_may_power_off(tmp_path: Path) -> None:
    options = ("-qmp", "none", "-serial", f"unix:{tmp_path / 'tty'}")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "tty"))
        listener.listen()
        listener.settimeout(TIMEOUT)
        with daemon(tmp_path, *options) as process:
            client, _ = listener.accept()
            client.settimeout(TIMEOUT)
            assert read_until(client, UP).startswith(FIRST)
            client.sendall(b"nproc\r")
            assert read_until(client, PROMPT) == b"nproc\r\n2\r\n/ # "
            client.sendall(b"poweroff\r")
            assert read_until(client, LAST).startswith(b"poweroff\r\n[")
            assert client.recv(1) == b""
            client.close()
            assert process.wait(TIMEOUT) == 0


def test_a_client_that_comes_later_finds_the_shell(tmp_path: Path) -> None:
    options = ("-qmp", "none", "-serial", "unix:tty.sock,server=on,wait=off")
    with daemon(tmp_path, *options) as process:
        client = connected(tmp_path / "tty.sock", process)
        client.sendall(b"reboot\r")
        again = read_until(client, UP)
        assert again.startswith(b"reboot\r\n[")
        assert FIRST in again
        client.sendall(b"poweroff\r")
        assert read_until(client, LAST).startswith(b"poweroff\r\n[")
        assert client.recv(1) == b""
        client.close()
        assert process.wait(TIMEOUT) == 0


def test_a_file_has_the_log_from_the_first_line_to_the_last(tmp_path: Path) -> None:
    log = tmp_path / "console.log"
    options = ("-qmp", "none", "-serial", f"file:{log}", "-monitor", "unix:m,server=on,wait=off")
    with daemon(tmp_path, *options) as process:
        client = connected(tmp_path / "m", process)
        client.sendall(b"system_powerdown\n")
        assert process.wait(TIMEOUT) == 0
        client.close()
    text = log.read_bytes()
    assert text.startswith(FIRST)
    assert b"smp: Brought up 1 node, 2 CPUs\r\n" in text
    assert text.endswith(LAST)


def test_standard_input_and_output_are_a_console(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "-nographic", "-qmp", "none"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=b"cat /sys/devices/system/cpu/possible\rpoweroff\r",
        capture_output=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert done.stdout.startswith(FIRST)
    assert b"\r\n0-7\r\n/ # " in done.stdout
    assert done.stdout.endswith(LAST)


def test_a_pseudo_terminal_is_a_console_for_whoever_opens_it(tmp_path: Path) -> None:
    with daemon(tmp_path, "-qmp", "none", "-serial", "pty") as process:
        assert process.stderr is not None
        told = re.fullmatch(
            r"armvirtd: char device redirected to (/dev/pts/\d+) \(label serial0\)\n",
            process.stderr.readline(),
        )
        assert told is not None
        terminal = os.open(told[1], os.O_RDWR | os.O_NOCTTY)
        os.write(terminal, b"nproc\r")
        said = b""
        while not said.endswith(PROMPT):
            assert select.select([terminal], [], [], TIMEOUT)[0], said
            more = os.read(terminal, 1 << 16)
            assert more, said
            said += more
        assert said.startswith(FIRST)
        os.write(terminal, b"poweroff\r")
        assert process.wait(TIMEOUT) == 0
        os.close(terminal)


def test_two_runs_from_one_date_show_the_same_time() -> None:
    async def second() -> int:
        config = parse(["-rtc", "base=2006-06-17T16:01:21", "-S", "-qmp", "none"])
        app = App(config, loop=asyncio.get_running_loop())
        count = app.machine.rtc.count
        app.machine.close()
        return count

    assert asyncio.run(second()) == asyncio.run(second()) == 1150560081
