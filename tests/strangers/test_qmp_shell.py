"""QEMU's own shell, typed into."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.process import daemon, wait_for
from tests.strangers.terminal import Terminal, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROMPT = r"\(QEMU\) "


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a daemon's socket in it."""
    with daemon(tmp_path) as process:
        wait_for(tmp_path / "qmp.sock", process)
        yield tmp_path


def ask(shell: Terminal, line: str) -> str:
    """Type a line; what is shown up to the next prompt, without the echo of the line."""
    shell.type(f"{line}\r").until(r"\n")
    return shell.until(PROMPT)


def test_the_shell_plugs_a_cpu_and_shows_what_the_guest_reports(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "./qmp.sock") as shell:
        assert "Connected to QEMU 9.1.50" in shell.until(PROMPT)
        assert '"running": true' in ask(shell, "query-status")
        answer = ask(shell, "device_add driver=cortex-a72-arm-cpu id=c2 core-id=2")
        while "ACPI_DEVICE_OST" not in answer:
            answer += ask(shell, "")
        assert '{"return": {}}' in answer
        assert "'device': 'c2'" in answer


def test_the_shell_shows_refusals_and_goes_on(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "./qmp.sock") as shell:
        shell.until(PROMPT)
        assert "Device 'nope' not found" in ask(shell, "device_del id=nope")
        assert "The command no-such-command has not been found" in ask(shell, "no-such-command")
        assert '"status": "running"' in ask(shell, "query-status")


def test_the_shell_completes_names_of_commands(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "./qmp.sock") as shell:
        shell.until(PROMPT)
        shell.type("query-hotp\t").until("query-hotpluggable-cpus")


def test_the_pretty_shell_indents(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "-p", "./qmp.sock") as shell:
        shell.until(PROMPT)
        assert '    "return": {\r\n        "running": true,' in ask(shell, "query-status")


def test_the_verbose_shell_shows_what_it_sends(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "-v", "./qmp.sock") as shell:
        shell.until(PROMPT)
        assert '{"execute": "query-status", "arguments": {}}' in ask(shell, "query-status")


def test_the_human_shell_starts_completes_and_asks(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "-H", "./qmp.sock") as shell:
        assert "Welcome to the HMP shell!" in shell.until(PROMPT)
        assert "VM status: running" in ask(shell, "info status")
        assert "* CPU #0: thread_id=" in ask(shell, "info cpus")
        assert "unknown command: 'nosuch'" in ask(shell, "nosuch")
        shell.type("info hotp\t").until("info hotpluggable-cpus")


def test_the_human_shell_plugs_a_cpu(folder: Path) -> None:
    with terminal(folder, "qmp-shell", "-H", "./qmp.sock") as shell:
        shell.until(PROMPT)
        ask(shell, "device_add cortex-a72-arm-cpu,id=c2,core-id=2")
        assert "/machine/peripheral/c2" in ask(shell, "info hotpluggable-cpus")


def test_the_wrapping_shell_starts_the_daemon_and_is_connected_to(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "daemon", "-smp", "1,maxcpus=3")
    with terminal(tmp_path, "qmp-shell-wrap", *command) as shell:
        shell.until(PROMPT)
        assert '"core-id": 2' in ask(shell, "query-hotpluggable-cpus")
        ask(shell, "quit")
