"""What the guest finds at which address: RAM, the vGIC's frames, and the devices of the MMIO bus.

One list feeds the memory-region objects, `info qtree` and `info mtree`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine import memmap
from machine.qom.device import SYSTEM_BUS_PATH, SYSTEM_MEMORY, Qdev, declare, device
from machine.qom.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from machine.qom.device import Declared
    from machine.virt import VirtMachine

RAM_NAME = "mach-virt.ram"
EVERYTHING = (1 << 64) - 1
GIC, GED, RAM = "arm-gicv3", "acpi-ged", "memory-backend-ram"


@dataclass(frozen=True, slots=True)
class MemoryRegion:
    """A stretch of the guest's addresses, in bytes.

    Attributes:
        name: QEMU's.
        kind: "ram" or "i/o".
        owner: the type of the object that it belongs to, if there is one in the tree.
    """

    name: str
    base: int
    size: int
    kind: str = "i/o"
    owner: str | None = None

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
        return region_node(self.base, self.size, SYSTEM_MEMORY)


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


def _regions(machine: VirtMachine) -> Iterator[MemoryRegion]:
    yield MemoryRegion(RAM_NAME, machine.ram.base, machine.ram.size, "ram", RAM)
    yield MemoryRegion("gicv3_dist", memmap.GICD.base, memmap.GICD.size, owner=GIC)
    counts = redistributor_counts(machine)
    for n, at in enumerate(machine.redistributor_regions):
        size = counts[n] * memmap.REDISTRIBUTOR_SIZE
        yield MemoryRegion(f"gicv3_redist_region[{n}]", at.base, size, owner=GIC)
    ours = {id(machine.ged), id(machine.cpuhp)}
    for region in machine.bus.regions:
        owner = GED if id(region.device) in ours else None
        yield MemoryRegion(region.name, region.base, region.size, owner=owner)
