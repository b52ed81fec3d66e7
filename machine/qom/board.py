"""The machine's own objects: `/machine`, what is below it, and the RAM in `/objects`.

Nothing is kept: a node is made from the machine when it is asked for. A property that is listed
can be read, but for `legacy-memory`, which can't be in the reference either.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine import memmap
from machine.memory_backend import MemoryBackend
from machine.qom.cpu import CpuChildren
from machine.qom.device import SYSTEM_MEMORY
from machine.qom.ged import ged_node
from machine.qom.gic import gic_node
from machine.qom.machine import MachineOwn
from machine.qom.memory_backend import backend_node
from machine.qom.node import Node, container
from machine.qom.pl011 import pl011_node
from machine.qom.pl031 import pl031_node
from machine.qom.pvpanic import pvpanic_node
from machine.qom.regions import (
    EVERYTHING,
    GED,
    GIC,
    PVPANIC,
    RAM,
    RAM_NAME,
    RTC,
    UART,
    ram_regions,
    region_node,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from machine.virt import VirtMachine

GIC_AFTER_CPUS, UART_AFTER_CPUS, RTC_AFTER_CPUS, GED_AFTER_CPUS = 0, 2, 3, 5
PVPANIC_AFTER_CPUS = 6
"""Number of a board device behind the boot CPUs', in the reference's order of creation."""
MACHINE_NODE = "virt-9.2-machine"


class BoardObjects:
    """Makes the objects of one machine."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine

    def machine(self) -> Node:
        """The object `/machine`."""
        node = Node(MACHINE_NODE)
        node.groups.append(MachineOwn(self._machine))
        if self._machine.config.numa is not None:
            ram = partial(region_node, memmap.RAM_BASE, self._machine.ram.size, SYSTEM_MEMORY)
            node.add(f"{RAM_NAME}[0]", "memory-region", ram)
        node.add("unattached", "container", self._unattached)
        for name in ("peripheral", "peripheral-anon"):
            node.add(name, "container", partial(self._cpus, name))
        return node

    def objects(self) -> Node:
        """The object `/objects`, as long as nobody mounts another."""
        node = container()
        if self._machine.config.makes_ram_backend:
            node.add(RAM_NAME, RAM, self.ram_backend)
        return node

    def ram_backend(self) -> Node:
        """The `memory-backend-ram` that the machine's memory is in."""
        (region,) = ram_regions(self._machine)
        return backend_node(MemoryBackend(region.size), region.component, region.node)

    def _unattached(self) -> Node:
        node = self._cpus("unattached")
        for name, type_, make in self._devices():
            node.add(name, type_, make)
        node.add("system[0]", "memory-region", partial(region_node, 0, EVERYTHING, ""))
        node.add("sysbus", "System", self._sysbus)
        return node

    def _cpus(self, name: str) -> Node:
        node = container()
        node.groups.append(CpuChildren(self._machine, f"/machine/{name}/", self.gic_path))
        return node

    def _devices(self) -> Iterator[tuple[str, str, Callable[[], Node]]]:
        """The board's devices on the system bus, in the order of their creation."""
        machine, gic = self._machine, self.gic_path
        yield self._device(GIC_AFTER_CPUS), GIC, partial(gic_node, machine)
        yield self._device(UART_AFTER_CPUS), UART, partial(pl011_node, machine, gic)
        yield self._device(RTC_AFTER_CPUS), RTC, partial(pl031_node, machine, gic)
        if machine.ged is not None:
            yield self._device(GED_AFTER_CPUS), GED, partial(ged_node, machine, gic)
        if machine.pvpanic is not None:
            yield self._device(PVPANIC_AFTER_CPUS), PVPANIC, partial(pvpanic_node, machine)

    def _device(self, after_cpus: int) -> str:
        return f"device[{self._machine.topology.cpus + after_cpus}]"

    def _sysbus(self) -> Node:
        node = Node("System")
        node.show("realized", "bool", True)
        node.show("hotplug-handler", "link<hotplug-handler>", "")
        for n, (name, type_, _make) in enumerate(self._devices()):
            node.show(f"child[{n}]", f"link<{type_}>", f"/machine/unattached/{name}")
        return node

    @property
    def gic_path(self) -> str:
        """Where the interrupt controller is."""
        return f"/machine/unattached/{self._device(GIC_AFTER_CPUS)}"

    @property
    def rtc_path(self) -> str:
        """Where the real time clock is."""
        return f"/machine/unattached/{self._device(RTC_AFTER_CPUS)}"
