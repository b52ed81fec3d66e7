"""What QEMU said to lines and keys (tests/data/hmp), and the monitor that is to say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from daemon.hmp.monitor import HumanMonitor
from daemon.hmp.terminal import PROMPT, Terminal
from machine.config import MachineConfig
from machine.topology import Topology
from tests.box import Box

DATA = Path(__file__).parent.parent.parent / "data" / "hmp"
TOPOLOGY = Topology(cpus=2, sockets=1, clusters=1, cores=2, threads=1)
"""The machine that was recorded."""


def recorded(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


def paused() -> Box:
    return Box(MachineConfig(topology=TOPOLOGY, paused=True), boot=False)


def monitor_of(box: Box) -> HumanMonitor:
    return HumanMonitor(box.context)


def typed(terminal: Terminal, keys: bytes) -> bytes:
    """Type at a terminal; what it sends."""
    return b"".join(terminal.execute(piece) for piece in terminal.receive_data(keys))


def shown(terminal: Terminal, line: str) -> str:
    """Enter a line at a terminal; what is printed behind its echo."""
    sent = typed(terminal, line.encode() + b"\r").decode()
    return sent.partition("\x1b[K\r\n")[2].removesuffix(PROMPT.decode())
