"""The README's session and script, with a real daemon, qmp-shell and qemu.qmp's client."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import blocks, read, section

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = read("README.md")
PROMPT = "(QEMU)"
PATIENCE = 30.0
"""Seconds after which something that ought to come is not waited for any longer."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a daemon runs with its monitor on ./qmp.sock, as after `make run`.

    It also connects to a socket of ours: when that happens, the first monitor listens. Who types is
    slower than any guest; here nobody does, so the guest takes no time.
    """
    with contextlib.ExitStack() as stack:
        ready = stack.enter_context(socket.socket(socket.AF_UNIX))
        ready.bind(str(tmp_path / "ready"))
        ready.listen()
        ready.settimeout(PATIENCE)
        monitors = ["-qmp", "unix:./qmp.sock,server=on,wait=off", "-qmp", "unix:ready"]
        words = [*monitors, "--guest-speed", "instant"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)}
        daemon = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "daemon", *words], cwd=tmp_path, env=environment
            ),
        )
        try:
            stack.enter_context(ready.accept()[0])
            yield tmp_path
        finally:
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(PATIENCE) == 0


class Shell:
    """A qmp-shell at a monitor, at whose keyboard a test sits."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [Path(sys.executable).parent / "qmp-shell", "./qmp.sock"],
            cwd=folder,
            env=os.environ | {"HOME": str(folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._keys, self._screen = self._process.stdin, self._process.stdout
        self.greeting = self._until_prompt()

    def type(self, line: str) -> list[str]:
        """Type a line; what is shown until the next prompt."""
        self._keys.write(f"{line}\n".encode())
        self._keys.flush()
        return self._until_prompt()

    def close(self) -> None:
        self._keys.close()
        self._process.wait(PATIENCE)
        self._screen.close()

    def _until_prompt(self) -> list[str]:
        shown = b""
        while not shown.endswith(f"{PROMPT} ".encode()):
            ready, _, _ = select.select([self._screen], [], [], PATIENCE)
            assert ready, f"no prompt after {shown!r}"
            got = os.read(self._screen.fileno(), 1 << 16)
            assert got, f"qmp-shell ended after {shown!r}"
            shown += got
        return [line for line in shown.decode().splitlines()[:-1] if line]


def session() -> Iterator[tuple[str, list[str]]]:
    """What is typed, and what comes; the events of empty lines that follow each other together."""
    (block,) = blocks(section(PAGE, "A session"), "console")
    _, *parts = re.split(rf"^{re.escape(PROMPT)}(?: |$)", block.text, flags=re.MULTILINE)
    typed: list[tuple[str, list[str]]] = []
    for part in parts:
        line, *shown = part.splitlines()
        if typed and not line and not typed[-1][0]:
            typed[-1][1].extend(shown)
        else:
            typed.append((line, shown))
    yield from typed


def masked(line: str) -> str:
    return re.sub(r"'(seconds|microseconds)': \d+", r"'\1': N", line)


def assert_shown(expected: str, actual: str) -> None:
    pieces = (re.escape(masked(piece.strip())) for piece in expected.split("..."))
    assert re.fullmatch(".*".join(pieces), masked(actual)), actual


def answer(shell: Shell, line: str, count: int) -> list[str]:
    """What a line gives; an empty one is typed until all events have come."""
    shown = shell.type(line)
    while not line and len(shown) < count:
        shown += shell.type("")
    return shown


def test_the_session_goes_as_it_is_shown(folder: Path) -> None:
    shell = Shell(folder)
    (block,) = blocks(section(PAGE, "A session"), "console")
    assert block.text.split("\n\n")[0].splitlines()[1:] == shell.greeting
    for line, expected in session():
        shown = answer(shell, line, len(expected))
        assert len(shown) == len(expected), shown
        for there, here in zip(expected, shown, strict=True):
            assert_shown(there, here)
    shell.close()


def test_the_session_has_the_events_in_their_order() -> None:
    events = re.findall(r"'event': '(\w+)'.*?(?:'status': (\d+)|\})", PAGE)
    assert events[:4] == [
        ("ACPI_DEVICE_OST", "0"),
        ("ACPI_DEVICE_OST", "132"),
        ("DEVICE_DELETED", ""),
        ("ACPI_DEVICE_OST", "0"),
    ]


def test_the_script_prints_what_is_shown(folder: Path) -> None:
    text = section(PAGE, "The same in Python")
    (script,), (printed,) = blocks(text, "python"), blocks(text, "text")
    (folder / "script.py").write_text(script.text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "script.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert ran.stdout == printed.text


def test_the_script_is_as_short_as_it_looks() -> None:
    (script,) = blocks(section(PAGE, "The same in Python"), "python")
    assert len([line for line in script.text.splitlines() if line]) <= 15
