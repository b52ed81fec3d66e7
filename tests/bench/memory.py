"""What stays resident: of a daemon, for each of many machines in one process, for a parked vCPU."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from pathlib import Path

from machine.virt import VirtMachine
from tests.bench.client import daemon
from tests.bench.model import config
from tests.bench.table import MOST, SIZES, Row

MACHINES, POSSIBLE = 100, 64
PAGE = 4096


def measure() -> list[Row]:
    return [
        Row("resident memory of the daemon, guest booted", "MB", {n: of_daemon(n) for n in SIZES}),
        Row(f"  each of {MACHINES} machines in one process", "MB", {POSSIBLE: of_machine()}),
        Row("  each parked vCPU, guest not booted", "bytes", {MOST: of_parked_vcpu()}),
    ]


def of_daemon(size: int) -> float:
    with daemon(size) as running:
        return running.resident / 1e6


def of_machine() -> float:
    """Measured in a process of its own, where nothing else has left memory to be reused."""
    command = [sys.executable, "-m", "tests.bench.memory"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def of_parked_vcpu() -> float:
    """What a further possible CPU makes the machine's own objects larger by, on all layers."""
    few, many = (traced(size) for size in (MOST // 2, MOST))
    return (many - few) / (MOST // 2)


def traced(size: int) -> int:
    """Bytes of the objects of a machine: all but the tables, which machines share."""
    VirtMachine(config(size)).close()  # so that the tables are there
    gc.collect()
    tracemalloc.start()
    machine = VirtMachine(config(size))
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    machine.close()
    return used


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def booted() -> VirtMachine:
    machine = VirtMachine(config(POSSIBLE))
    machine.clock.run_until_idle()
    return machine


if __name__ == "__main__":
    kept = [booted()]
    gc.collect()
    before = resident()
    kept += [booted() for _ in range(MACHINES)]
    gc.collect()
    sys.stdout.write(f"{(resident() - before) / MACHINES / 1e6}\n")
