"""Scenarios in a process of its own: what it says, what clients see, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from daemon.scenario import ready_made
from tests.process import ROOT, TIMEOUT, connected, daemon, listens

if TYPE_CHECKING:
    import socket
    from pathlib import Path

ADD = {"driver": "cortex-a72-arm-cpu", "id": "c2", "core-id": 2}


class Client:
    """A plain client that remembers what it has heard."""

    def __init__(self, wire: socket.socket) -> None:
        self._stream = wire.makefile("rwb")
        self.heard: list[dict[str, Any]] = []
        self.line()
        self.ask("qmp_capabilities")

    def line(self) -> dict[str, Any] | None:
        """The next message; None at the end."""
        try:
            line = self._stream.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        message: dict[str, Any] = json.loads(line)
        self.heard.append(message)
        return message

    def ask(self, name: str, /, **arguments: Any) -> dict[str, Any] | None:
        """The reply; None where there is none."""
        self._stream.write(json.dumps({"execute": name, "arguments": arguments}).encode())
        self._stream.flush()
        while (message := self.line()) is not None and "event" in message:
            pass
        return message


def told(*argv: str) -> tuple[int, str, str]:
    """Status, output and errors of a command line that starts no machine."""
    done = subprocess.run(
        [sys.executable, "-m", "daemon", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_wrong_file_ends_it_with_one_line_and_status_1(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[[stage]]\nwhen = "up"\ndo = "busy"\n', encoding="utf-8")
    status, output, errors = told("--scenario", str(file))
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith(
        f"armvirtd: --scenario {file}: Parameter 'stage[0].do' does not accept value 'busy'; "
    )


def test_the_tool_lists_the_scenarios_and_prints_one() -> None:
    status, output, errors = told("scenarios")
    assert (status, errors) == (0, "")
    assert [line.split()[0] for line in output.splitlines()] == list(ready_made())
    status, output, errors = told("scenarios", "flaky")
    assert (status, errors) == (0, "")
    assert output == ready_made()["flaky"].read_text(encoding="utf-8")


@pytest.mark.parametrize("argv", [("nosuch",), ("flaky", "flaky")])
def test_the_tool_refuses_what_there_is_not(argv: tuple[str, ...]) -> None:
    status, output, errors = told("scenarios", *argv)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert f"NAME is one of: {', '.join(ready_made())}" in errors


@pytest.mark.parametrize("outcome", ["drop-unexecuted", "drop-before-reply", "drop-after-reply"])
def test_a_client_that_is_dropped_comes_again_and_looks(tmp_path: Path, outcome: str) -> None:
    with daemon(tmp_path) as process:
        with connected(tmp_path / "qmp.sock", process) as wire:
            client = Client(wire)
            stage = {"when": "command", "do": outcome, "command": "device_add", "count": 1}
            assert client.ask("x-inject-fault", **stage) == {"return": {"name": "fault-1"}}
            answer = client.ask("device_add", **ADD)
            assert (answer is not None) == (outcome == "drop-after-reply")
            while client.line() is not None:
                pass
        with connected(tmp_path / "qmp.sock", process) as wire:
            answer = Client(wire).ask("query-cpus-fast")
            assert answer is not None
            assert len(answer["return"]) == (2 if outcome == "drop-unexecuted" else 3)


def test_a_vmm_that_aborts_dies_of_it_and_leaves_its_files(tmp_path: Path) -> None:
    options = ("--scenario", "vmm-aborts", "-pidfile", "pid", "--trace", "trace")
    with (
        daemon(tmp_path, *options) as process,
        connected(tmp_path / "qmp.sock", process) as wire,
    ):
        client = Client(wire)
        client.ask("device_add", **ADD)
        assert client.ask("device_del", id="c2") == {"return": {}}
        while client.line() is not None:
            pass
        assert process.wait(TIMEOUT) == -signal.SIGABRT
        assert "SHUTDOWN" not in {message.get("event") for message in client.heard}
        assert (tmp_path / "pid").read_text(encoding="ascii") == f"{process.pid}\n"
        assert (tmp_path / "qmp.sock").is_socket()
        assert not listens(tmp_path / "qmp.sock")
        assert "abort" in (tmp_path / "trace").read_text(encoding="utf-8")
        assert not list(tmp_path.glob("core*"))
        assert process.communicate()[1] == "armvirtd: aborted, as a stage asks for\n"
