"""What a start is spared: modules that the first reply of a machine that waits does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATER = (
    "aiomqtt",
    "daemon.chardev.stdio",
    "daemon.demo",
    "daemon.dump",
    "daemon.faults",
    "daemon.hmp.monitor",
    "daemon.mishaps",
    "daemon.mqtt",
    "daemon.objects.make",
    "daemon.objects.tls",
    "daemon.scenario",
    "daemon.recording",
    "daemon.replay",
    "daemon.top",
    "machine.firmware.device_tree",
    "machine.guest.aml",
    "machine.guest.kernel",
    "paho",
    "protocol.qapi.faults",
    "protocol.qapi.objects",
    "qemu",
    "rich",
    "tomllib",
    "unicorn",
)
START = """
import sys
import daemon.main
from machine.config import MachineConfig
from machine.virt import VirtMachine

machine = VirtMachine(MachineConfig(paused=True))
print(*sys.modules, sep="\\n")
machine.close()
"""


@pytest.fixture(scope="module")
def imported() -> frozenset[str]:
    """The modules of a process of its own, whose machine is there and has not begun to run."""
    done = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True)
    return frozenset(done.stdout.split())


def test_the_machine_is_there(imported: frozenset[str]) -> None:
    assert {"daemon.app", "machine.virt", "protocol.session"} <= imported


@pytest.mark.parametrize("module", LATER)
def test_it_is_not_imported_at_a_start(module: str, imported: frozenset[str]) -> None:
    assert module not in imported


@pytest.mark.parametrize("word", ["-nonsense", "-version"])
def test_the_collector_works_again_where_there_is_nothing_to_run(word: str) -> None:
    code = f"import gc; from daemon.__main__ import main; main(['{word}']); print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split()[-1] == "True"
