"""What the guest finds at which address: RAM, the vGIC's frames, and the devices of the MMIO bus.

One list feeds the memory-region objects, `info qtree` and `info mtree`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine import memmap
from machine.memory_backend import DEFAULT_RAM_ID
from machine.qom.device import SYSTEM_BUS_PATH, SYSTEM_MEMORY, Qdev, declare, device
from machine.qom.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from machine.planned import PlannedMachine
    from machine.qom.device import Declared
    from machine.virt import VirtMachine

RAM_NAME = DEFAULT_RAM_ID
RAM_CONTAINER = f"/machine/{RAM_NAME}[0]"
"""What the memory of NUMA nodes is in."""
EVERYTHING = (1 << 64) - 1
GIC, GED, RAM = "arm-gicv3", "acpi-ged", "memory-backend-ram"
UART, RTC, PVPANIC = "pl011", "pl031", "pvpanic-mmio"


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """A stretch of the guest's addresses, in bytes.

    Attributes:
        name: QEMU's.
        kind: "ram" or "i/o".
        owner: the type of the object that it belongs to, if there is one in the tree.
        within: the name of the region that holds it, if that is not the guest's memory itself;
            empty for one that is nowhere.
    """

    name: str
    base: int
    size: int
    kind: str = "i/o"
    owner: str | None = None
    within: str | None = None

    @property
    def last(self) -> int:
        """Its last address."""
        return self.base + self.size - 1

    @property
    def place(self) -> memmap.Range:
        """Where it lies."""
        return memmap.Range(self.base, self.size)

    @property
    def component(self) -> str:
        """Its name in the object tree, where brackets are an array's."""
        return self.name.replace("[", "\\x5b").replace("]", "\\x5d") + "[0]"

    def node(self) -> Node:
        """The object."""
        match self.within:
            case None:
                return region_node(self.base, self.size, SYSTEM_MEMORY)
            case "":
                return region_node(self.base, self.size, "")
        return region_node(self.base - memmap.RAM_BASE, self.size, RAM_CONTAINER)


def region_node(base: int, size: int, container: str) -> Node:
    """A `memory-region`."""
    node = Node("memory-region")
    node.show("container", "link<memory-region>", container)
    node.show("addr", "uint64", base)
    node.show("size", "uint64", size)
    node.show("priority", "uint32", 0)
    return node


def redistributor_counts(machine: VirtMachine) -> list[int]:
    """How many redistributors each region holds."""
    low = min(machine.possible_count, memmap.LOW_REDISTRIBUTORS)
    return [low, machine.possible_count - low][: len(machine.redistributor_regions)]


def memory_map(machine: VirtMachine) -> list[MemoryRegion]:
    """All regions, by address."""
    return sorted(_regions(machine), key=lambda region: region.base)


def owned_by(machine: VirtMachine, owner: str) -> list[MemoryRegion]:
    """Those of one object."""
    return [region for region in memory_map(machine) if region.owner == owner]


def sysbus_device(
    machine: VirtMachine,
    type_: str,
    properties: Iterable[Declared],
    gpios: tuple[tuple[str, str, int], ...],
) -> Node:
    """A device of the system bus: its properties, and the regions that it owns."""
    regions = owned_by(machine, type_)
    mmio = tuple(region.place for region in regions)
    node = device(type_, Qdev(bus=SYSTEM_BUS_PATH, gpios=gpios, mmio=mmio))
    for entry in properties:
        declare(node, entry, machine)
    for region in regions:
        node.add(region.component, "memory-region", region.node)
    return node


def ram_regions(machine: VirtMachine | PlannedMachine) -> Iterator[MemoryRegion]:
    """The RAM: a region for each memory backend, in one that holds them where there are nodes."""
    within = RAM_NAME if machine.config.numa is not None else None
    for name, base, size in machine.ram_layout():
        yield MemoryRegion(name, base, size, "ram", RAM, within)


def _regions(machine: VirtMachine) -> Iterator[MemoryRegion]:
    yield from ram_regions(machine)
    yield MemoryRegion("gicv3_dist", memmap.GICD.base, memmap.GICD.size, owner=GIC)
    counts = redistributor_counts(machine)
    for n, at in enumerate(machine.redistributor_regions):
        size = counts[n] * memmap.REDISTRIBUTOR_SIZE
        yield MemoryRegion(f"gicv3_redist_region[{n}]", at.base, size, owner=GIC)
    owners = {
        id(machine.uart): UART,
        id(machine.rtc): RTC,
        id(machine.pvpanic): PVPANIC,
        id(machine.ged): GED,
        id(machine.cpuhp): GED,
    }
    for region in machine.bus.regions:
        owner = owners.get(id(region.device))
        yield MemoryRegion(region.name, region.base, region.size, owner=owner)
