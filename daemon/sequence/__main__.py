"""`make pictures`: run a plug, an unplug and one that is refused, and draw them into a folder."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.sequence.steps import Lane, Step, of_event, of_point
from daemon.sequence.svg import draw
from machine.clock import VirtualClock
from machine.config import MachineConfig
from machine.topology import Topology
from machine.trace import Trace
from machine.virt import VirtMachine

if TYPE_CHECKING:
    from collections.abc import Callable

TITLES = {
    "plug.svg": "device_add: CPU 2 comes",
    "unplug.svg": "device_del: CPU 2 goes",
    "refused.svg": "device_del: CPU 2 is the last one that is online, and stays",
}


class Recorder:
    """A machine whose steps are written down."""

    def __init__(self) -> None:
        self.trace = Trace(VirtualClock())
        config = MachineConfig(topology=Topology(2, 1, 1, 6, 1))
        self.machine = VirtMachine(config, self.trace)
        self.machine.clock.run_until_idle()
        self._steps: list[Step | None] = []
        self.trace.listen(lambda point: self._steps.append(of_point(point)))
        self.machine.events.listen(
            lambda event: self._steps.append(of_event(self.trace.clock.now, event)),
        )

    def do(self, act: Callable[[VirtMachine], None]) -> None:
        """Act, and wait until nothing happens any more."""
        act(self.machine)
        self.machine.clock.run_until_idle()

    def record(self, request: str, act: Callable[[VirtMachine], None]) -> list[Step]:
        """The steps of what follows from a client's request; time begins at it."""
        began = self.machine.clock.now
        self._steps[:] = [Step(began, Lane.CLIENT, Lane.VMM, request)]
        self.do(act)
        found = [step for step in self._steps if step is not None]
        return [
            Step(step.time - began, step.source, step.target, step.text)
            for step, _ in groupby(found)
        ]


def _plug(machine: VirtMachine) -> None:
    machine.device_add({"driver": "cortex-a72-arm-cpu", "id": "core2", "core-id": 2})


def _ask_back(machine: VirtMachine) -> None:
    machine.device_del("core2")


def _offline_boot_cpus(machine: VirtMachine) -> None:
    for cpu in (0, 1):
        machine.power.guest_write(f"/sys/devices/system/cpu/cpu{cpu}/online", "0")


def pictures() -> dict[str, str]:
    """The pictures by file name; the machine is deterministic, and so are they."""
    recorder = Recorder()
    plug = recorder.record("device_add core-id=2", _plug)
    unplug = recorder.record("device_del core2", _ask_back)
    recorder.do(_plug)
    recorder.do(_offline_boot_cpus)
    refused = recorder.record("device_del core2", _ask_back)
    recorder.machine.close()
    return {
        name: draw(title, steps)
        for (name, title), steps in zip(TITLES.items(), (plug, unplug, refused), strict=True)
    }


def main(folder: str) -> None:
    """Write them."""
    for name, picture in pictures().items():
        Path(folder, name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
