"""`make pictures`: run plugs and unplugs, and draw them into a folder, and one into a page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.sequence import mermaid, svg, timeline
from daemon.sequence.recorder import Recorder
from daemon.trace.chrome import ChromeTrace
from machine.config import MachineConfig
from machine.faults.stage import Stage
from machine.guest.behaviour import Behaviour
from machine.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CPU = 2
"""The one that comes and goes, of a machine that has two at first."""
LIKE_LINUX = Behaviour(speed=1.0)
LATE = Stage("eject-request", "accept", "late", delay=6_000_000_000)
"""Longer than the 5 s for which libvirt waits."""
BLOCK = re.compile(r"(?<=^```mermaid\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
"""The diagram in docs/tracing.md."""


def _recorder(*stages: Stage) -> Recorder:
    """One whose guest has the latencies of a real one."""
    topology = Topology(CPU, 1, 1, 6, 1)
    return Recorder(MachineConfig(topology=topology, behaviour=LIKE_LINUX, stages=stages))


def _plugged(*stages: Stage) -> Recorder:
    recorder = _recorder(*stages)
    recorder.plug(CPU)
    return recorder


def _unplugged(*stages: Stage) -> Recorder:
    recorder = _plugged(*stages)
    recorder.unplug(CPU)
    return recorder


def _late() -> Recorder:
    """The guest gives the CPU back when the client has given up."""
    return _unplugged(LATE)


def _refused() -> Recorder:
    """The CPU is the last one that is online."""
    recorder = _plugged()
    for cpu in range(CPU):
        path = f"/sys/devices/system/cpu/cpu{cpu}/online"
        recorder.machine.power.guest_write(path, "0")
        recorder.settle()
    recorder.unplug(CPU)
    return recorder


RUNS: Mapping[str, Callable[[], Recorder]] = {
    "plug.svg": _plugged,
    "unplug.svg": _unplugged,
    "refused.svg": _refused,
    "late.svg": _late,
}
"""What is recorded for each picture of an operation: the last one of the run."""


def _recorded(run: Callable[[], Recorder]) -> Recorder:
    """A run, its machine closed."""
    recorder = run()
    recorder.machine.close()
    return recorder


def trace() -> str:
    """A plug as a trace viewer shows it."""
    recorder, viewer = _recorded(_plugged), ChromeTrace()
    events = [event for point in recorder.points for event in viewer.take(point)]
    operation = recorder.last().operation
    return timeline.draw(f"{operation.title}, as a trace", events, operation.number)


def pictures() -> dict[str, str]:
    """The pictures by file name; the machine is deterministic, and so are they."""
    drawn = {name: svg.draw(_recorded(run).last()) for name, run in RUNS.items()}
    return {**drawn, "trace.svg": trace()}


def diagram() -> str:
    """The one that a page has as text."""
    return mermaid.draw(_recorded(_refused).last())


def main(folder: str) -> None:
    """Write them."""
    for name, picture in pictures().items():
        Path(folder, name).write_text(picture, encoding="utf-8")
    page = Path(folder).parent / "tracing.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(BLOCK.sub(lambda _old: diagram(), text), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
