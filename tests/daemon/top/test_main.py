"""`armvirtd top` where there is no terminal: a table, or one line that says why not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from daemon.tools import TOOLS
from tests.process import ROOT, TIMEOUT, connected, daemon, wait_for
from tests.strangers.monitor import Monitor

if TYPE_CHECKING:
    from pathlib import Path


def top(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", "top", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def test_a_table_is_printed_once_without_any_escape(tmp_path: Path) -> None:
    with daemon(tmp_path, "-name", "one", "-smp", "1,maxcpus=3") as process:
        wait_for(tmp_path / "qmp.sock", process)
        done = top(tmp_path, FORCE_COLOR="1", TERM="xterm")
    assert (done.returncode, done.stderr) == (0, "")
    title, *rest = done.stdout.splitlines()
    assert title.startswith("one  running  QEMU 9.1.50 (armvirtd")
    assert rest == [
        "1 online, 2 absent",
        "",
        "CPU  socket  cluster  core  thread  node  state   device     last report, or trouble",
        "0    0       0        0     0       -     online  device[0]  -",
        "1    0       0        1     0       -     absent  -          -",
        "2    0       0        2     0       -     absent  -          -",
    ]


def test_a_port_is_an_address_too(tmp_path: Path) -> None:
    options = ("-qmp", "tcp:127.0.0.1:0,server=on,wait=off", "-qmp", "unix:q,server=on,wait=off")
    with daemon(tmp_path, *options) as process, connected(tmp_path / "q", process) as client:
        devices = Monitor(client).negotiate().get("query-chardev")
        (name,) = (one["filename"] for one in devices if "tcp:" in one["filename"])
        port = name.partition(",")[0].rpartition(":")[2]
        assert "8 absent" not in top(tmp_path, f"tcp:localhost:{port}").stdout
        assert "online" in top(tmp_path, f"tcp:127.0.0.1:{port}").stdout


def test_nobody_there_is_one_line_and_status_1(tmp_path: Path) -> None:
    done = top(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "armvirtd top: Failed to connect to './qmp.sock': No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--interval", "0"), "argument --interval: '0' is not a number of seconds above 0"),
        (("--interval", "nan"), "argument --interval: 'nan' is not a number of seconds above 0"),
        (("--interval", "x"), "argument --interval: 'x' is not a number of seconds above 0"),
        (("tcp:nowhere",), "argument SOCKET: 'tcp:nowhere' is not tcp:HOST:PORT"),
        (("a", "b"), "unrecognized arguments: b"),
    ],
)
def test_bad_arguments_are_refused(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        TOOLS["top"].run(words)
    assert capsys.readouterr().err.splitlines()[-1] == f"armvirtd top: error: {told}"


def test_a_pipe_that_is_closed_is_no_traceback(tmp_path: Path) -> None:
    with daemon(tmp_path) as process:
        wait_for(tmp_path / "qmp.sock", process)
        command = f"{sys.executable} -m daemon top | true; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert "Traceback" not in done.stderr
