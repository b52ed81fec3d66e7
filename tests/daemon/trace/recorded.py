"""A daemon without sockets, and all trace points of its life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.box import Box

if TYPE_CHECKING:
    from machine.config import MachineConfig
    from machine.trace import TracePoint

DRIVER = "cortex-a72-arm-cpu"
ONLINE = "/sys/devices/system/cpu/cpu{}/online"


class Recorded:
    """A box that is up."""

    def __init__(self, config: MachineConfig | None = None) -> None:
        self.box = Box(config, boot=False)
        self.points: list[TracePoint] = []
        self.box.machine.trace.listen(self.points.append)
        self.box.settle()

    def does(self, name: str, /, **arguments: Any) -> None:
        """A command, and what follows."""
        self.box.ask(name, **arguments)
        self.box.settle()

    def plugs(self, core: int) -> None:
        self.does("device_add", driver=DRIVER, id=f"core{core}", core_id=core)

    def unplugs(self, core: int) -> None:
        self.does("device_del", id=f"core{core}")

    def takes_offline(self, *cpus: int) -> None:
        for cpu in cpus:
            self.box.machine.power.guest_write(ONLINE.format(cpu), "0")
            self.box.settle()
