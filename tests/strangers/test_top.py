"""`armvirtd top` shows QEMU's own machines, as far as they tell."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.process import ROOT, TIMEOUT, connected
from tests.strangers.monitor import Monitor
from tests.strangers.terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARM, X86 = "qemu-system-aarch64", "qemu-system-x86_64"
PLAIN = ("-nodefaults", "-display", "none", "-S", "-name", "stranger")
SOCKETS = ("-qmp", "unix:qmp.sock,server=on,wait=off", "-qmp", "unix:top.sock,server=on,wait=off")
HEAD = "last report, or trouble"

pytestmark = pytest.mark.qemu
arm = pytest.mark.skipif(shutil.which(ARM) is None, reason=f"{ARM} is not installed")
x86 = pytest.mark.skipif(shutil.which(X86) is None, reason=f"{X86} is not installed")


@contextlib.contextmanager
def qemu(folder: Path, program: str, *options: str) -> Iterator[Monitor]:
    process = subprocess.Popen(
        [program, *PLAIN, *SOCKETS, *options], cwd=folder, stdin=subprocess.DEVNULL
    )
    try:
        with connected(folder / "qmp.sock", process) as client:
            yield Monitor(client).negotiate()
    finally:
        process.kill()
        process.wait()


def table(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "top", "top.sock"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@arm
def test_an_arm_machine_tells_what_is_there_and_nothing_more(tmp_path: Path) -> None:
    with qemu(tmp_path, ARM, "-M", "virt", "-smp", "2,maxcpus=4"):
        title, counts, *rest = table(tmp_path)
    assert title.startswith("stranger  prelaunch  QEMU 7.")
    assert counts == "2 present"
    assert [line for line in rest if line.startswith("not known")] == [
        "not known: which CPUs the guest uses: that is only guessed from its reports",
        "not known: where CPUs could be plugged: query-hotpluggable-cpus is refused",
        "not known: what the guest reports: query-acpi-ospm-status is refused",
    ]
    assert rest[-3:] == [
        f"CPU  socket  cluster  core  thread  node  state    device     {HEAD}",
        "0    0       0        0     0       -     present  device[0]  -",
        "1    0       0        1     0       -     present  device[1]  -",
    ]


@arm
def test_a_stranger_is_watched_until_it_is_told_to_end(tmp_path: Path) -> None:
    with (
        qemu(tmp_path, ARM, "-M", "virt", "-smp", "2") as monitor,
        terminal(tmp_path, "armvirtd", "top", "top.sock", "--interval", "3600") as screen,
    ):
        screen.until("stranger  prelaunch.*PP.*2 present.*Not known: which CPUs")
        monitor.get("cont")
        screen.until("stranger  running.*RESUME")
        monitor.get("quit")
        screen.until(r"the machine has shut down \(host-qmp-quit\)")
        assert screen.process.wait(TIMEOUT) == 0


@x86
def test_an_x86_machine_shows_its_dies_and_a_cpu_that_comes(tmp_path: Path) -> None:
    topology = "2,maxcpus=8,sockets=2,dies=2,cores=2,threads=1"
    place = {"socket_id": 1, "die_id": 0, "core_id": 1, "thread_id": 0}
    with (
        qemu(tmp_path, X86, "-M", "q35", "-smp", topology) as monitor,
        terminal(tmp_path, "armvirtd", "top", "top.sock", "--interval", "0.1") as screen,
    ):
        screen.until("socket 0 die 0.*PP.*socket 1 die 0.*[.][.].*2 present")
        monitor.get("device_add", driver="qemu64-x86_64-cpu", id="cpu5", **place)
        screen.until("socket 1 die 0.*[.]P.*3 present")
        screen.type("q")
        assert screen.process.wait(TIMEOUT) == 0
        assert "cpu5" in "\n".join(table(tmp_path))
