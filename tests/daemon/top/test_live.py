"""The screen on a real terminal: it follows the machine, and leaves the terminal as it was."""

from __future__ import annotations

import contextlib
import fcntl
import re
import signal
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from tests.process import TIMEOUT, connected, daemon
from tests.strangers.monitor import Monitor
from tests.strangers.terminal import Terminal, terminal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

SOCKETS = ("-qmp", "unix:qmp.sock,server=on,wait=off", "-qmp", "unix:top.sock,server=on,wait=off")
MACHINE = ("-name", "shown", "--guest-speed", "instant", "-smp", "2,maxcpus=6", *SOCKETS)
SHUT_DOWN = r"unix:top.sock: the machine has shut down \(host-qmp-quit\)"
LEFT = "\x1b[?1049l"
"""Back to the screen that was there before (xterm: rmcup)."""

GREEN = re.compile(r"\x1b\[(1;)?32m")


class Watched:
    """A machine that is told what to do, and a terminal on which it is watched."""

    def __init__(self, process: subprocess.Popen[str], monitor: Monitor, screen: Terminal) -> None:
        self.process = process
        self.monitor = monitor
        self.screen = screen
        screen.until("2 online.* 4 absent")

    def status(self) -> int:
        return self.screen.process.wait(TIMEOUT)


@contextlib.contextmanager
def watched(folder: Path, *words: str) -> Iterator[Watched]:
    with (
        daemon(folder, *MACHINE) as process,
        connected(folder / "qmp.sock", process) as client,
        terminal(folder, "armvirtd", "top", "top.sock", *words) as screen,
    ):
        yield Watched(process, Monitor(client).negotiate(), screen)


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Watched]:
    """Asked again only when something happens."""
    with watched(tmp_path, "--interval", "3600") as top:
        yield top


def test_a_plug_and_an_unplug_are_shown_when_they_happen(top: Watched) -> None:
    top.monitor.get("device_add", driver="cortex-a72-arm-cpu", id="core4", core_id=4)
    top.screen.until("##..#..*3 online.*ACPI_DEVICE_OST slot 4 core4: device check: success")
    top.monitor.get("device_del", id="core4")
    top.screen.until("##.....*2 online.*DEVICE_DELETED device=core4")
    top.screen.type("q")
    assert top.status() == 0


def test_what_a_guest_does_silently_is_shown_by_and_by(tmp_path: Path) -> None:
    with watched(tmp_path, "--interval", "0.05") as top:
        top.monitor.get("x-guest-write", path="/sys/devices/system/cpu/cpu1/online", data="0")
        top.screen.until("#o......*1 online  o 1 offline")


def test_run_states_are_shown(top: Watched) -> None:
    top.monitor.get("stop")
    top.screen.until("shown  paused")
    top.monitor.get("cont")
    top.screen.until("shown  running")


@pytest.mark.parametrize("key", ["q", "Q", "\x03"])
def test_a_key_ends_it_and_the_terminal_is_as_it_was(tmp_path: Path, key: str) -> None:
    with watched(tmp_path) as top:
        before = termios.tcgetattr(top.screen.master)
        top.screen.type("xyz" if key == "q" else "").type(key)
        if key == "\x03":
            top.screen.process.send_signal(signal.SIGINT)  # no terminal of a session sends it
        assert top.status() == 0
        assert LEFT in top.screen.all_of_it()
        after = termios.tcgetattr(top.screen.master)
        assert after[3] & termios.ECHO
        assert after[3] & termios.ICANON
        assert not before[3] & termios.ICANON


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_likewise(top: Watched, number: signal.Signals) -> None:
    top.screen.process.send_signal(number)
    assert top.status() == 0
    assert LEFT in top.screen.all_of_it()


def test_a_machine_that_shuts_down_ends_it_well(top: Watched) -> None:
    top.monitor.get("quit")
    top.screen.until(SHUT_DOWN)
    assert top.status() == 0


def test_a_machine_that_dies_ends_it_with_a_line_and_status_1(top: Watched) -> None:
    top.process.kill()
    top.screen.until("armvirtd top: unix:top.sock: the machine has gone")
    assert top.status() == 1


def test_a_machine_that_does_not_answer_is_marked_and_waited_for(tmp_path: Path) -> None:
    with watched(tmp_path, "--interval", "0.05") as top:
        top.process.send_signal(signal.SIGSTOP)
        top.screen.until("shown  no answer")
        top.process.send_signal(signal.SIGCONT)
        top.screen.until("shown  running")


def test_a_terminal_that_changes_its_size_is_filled_anew(top: Watched) -> None:
    fcntl.ioctl(top.screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 24, 0, 0))
    top.screen.process.send_signal(signal.SIGWINCH)
    top.screen.until(r"o 0 offline *\r\np 0 plugged")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_letters_are_left_where_colours_are_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_color: str, *, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    with watched(tmp_path) as top:
        top.screen.type("q")
        assert top.status() == 0
        assert bool(GREEN.search(top.screen.all_of_it())) is coloured


def test_a_terminal_that_can_do_nothing_gets_the_table(tmp_path: Path) -> None:
    with (
        daemon(tmp_path, *MACHINE) as process,
        connected(tmp_path / "qmp.sock", process),
        terminal(tmp_path, "armvirtd", "top", "top.sock", kind="dumb") as screen,
    ):
        screen.until("CPU  socket")
        assert screen.process.wait(TIMEOUT) == 0
