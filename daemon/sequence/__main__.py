"""`make pictures`: run a plug, an unplug and one that is refused, and draw them into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.sequence import svg, timeline
from daemon.sequence.recorder import Recorder
from daemon.trace.chrome import ChromeTrace
from machine.config import MachineConfig
from machine.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.sequence.story import Story

CPU = 2
"""The one that comes and goes, of a machine that has two at first."""


def _recorder() -> Recorder:
    return Recorder(MachineConfig(topology=Topology(2, 1, 1, 6, 1)))


def _plugged() -> Recorder:
    recorder = _recorder()
    recorder.plug(CPU)
    return recorder


def _unplugged() -> Recorder:
    recorder = _plugged()
    recorder.unplug(CPU)
    return recorder


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
}
"""What is recorded for each picture of an operation: the last one of the run."""


def story(name: str) -> Story:
    """The operation of a picture; the machine is deterministic, and so is this."""
    recorder = RUNS[name]()
    recorder.machine.close()
    return recorder.last()


def trace() -> str:
    """A plug as a trace viewer shows it."""
    recorder = _plugged()
    recorder.machine.close()
    viewer = ChromeTrace()
    events = [event for point in recorder.points for event in viewer.take(point)]
    operation = recorder.last().operation
    return timeline.draw(f"{operation.title}, as a trace", events, operation.number)


def pictures() -> dict[str, str]:
    """The pictures by file name."""
    return {name: svg.draw(story(name)) for name in RUNS} | {"trace.svg": trace()}


def main(folder: str) -> None:
    """Write them."""
    for name, picture in pictures().items():
        Path(folder, name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
