"""`make pictures`: the screen of `armvirtd top`, drawn from a run into a folder."""

from __future__ import annotations

import json
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.options.table import parse
from daemon.top.happenings import Happening, happening
from daemon.top.model import Snapshot
from daemon.top.replies import of_vcpus, version_of
from daemon.top.svg import draw
from daemon.top.view import screen
from daemon.translate import vcpu_info, wire_event
from daemon.version import VERSION
from machine.clock import VirtualClock
from machine.faults.stage import Stage
from machine.faults.table import NOW
from machine.trace import Trace
from machine.virt import VirtMachine
from protocol.encode import encode_event

if TYPE_CHECKING:
    from machine.events import MachineEvent

NAME = "top.svg"
MACHINE = (
    "--guest-speed instant -name demo -smp 6,sockets=2,clusters=2,cores=4,threads=2,maxcpus=32"
    " -m 1G -object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M"
    " -numa node,cpus=0-15,memdev=m0 -numa node,cpus=16-31,memdev=m1"
)
COLUMNS, LINES = 96, 24
TYPE = "cortex-a72-arm-cpu"


class Run:
    """A machine, and what one sees of it, in its own time."""

    def __init__(self) -> None:
        self.machine = VirtMachine(parse(MACHINE.split()).machine, Trace(VirtualClock()))
        self.happened: deque[Happening] = deque()
        self.machine.events.listen(self._hear)
        self.settle()

    def settle(self) -> None:
        """Let the guest do what it has to do."""
        self.machine.clock.run_until_idle()

    def _hear(self, event: MachineEvent) -> None:
        wire = wire_event(event)
        if wire is not None:
            stamp = divmod(self.machine.clock.now // 1000, 1_000_000)
            self.happened.append(happening(json.loads(encode_event(wire, *stamp))))

    def plug(self, index: int) -> None:
        """Ask for a CPU."""
        at = self.machine.slots[index].location._asdict()
        place = {unit.replace("_", "-"): number for unit, number in at.items()}
        self.machine.device_add({"driver": TYPE, "id": f"core{index}", **place})

    def offline(self, index: int) -> None:
        """Let the guest's user take a CPU offline."""
        self.machine.power.guest_write(f"/sys/devices/system/cpu/cpu{index}/online", "0")

    def fail(self, index: int) -> None:
        """Let a CPU have a hardware error that could be corrected."""
        self.machine.faults.inject(Stage(NOW, "corrected-error", target=index))

    def snapshot(self) -> Snapshot:
        """What a client would be told."""
        vcpus = [vcpu_info(self.machine, slot) for slot in self.machine.slots]
        greeting = {"QMP": {"version": _wire(VERSION)}}
        return Snapshot(
            name="demo",
            version=version_of(greeting),
            status=self.machine.run_state.value,
            cpus=of_vcpus([_wire(vcpu) for vcpu in vcpus]),
        )


def _wire(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def picture() -> str:
    """The screen, in the middle of things."""
    run = Run()
    for index in (6, 7, 16, 17, 18, 19):
        run.plug(index)
        run.settle()
    for index in (5, 17):
        run.offline(index)
    run.fail(3)
    run.machine.device_del("core18")
    run.settle()
    run.machine.device_del("core19")
    run.plug(20)
    drawn = draw(screen(run.snapshot(), run.happened, COLUMNS, LINES), COLUMNS)
    run.machine.close()
    return drawn


def main(folder: str) -> None:
    """Write it."""
    Path(folder, NAME).write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
