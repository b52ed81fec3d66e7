"""CPUs in the object tree (QEMU: target/arm/cpu), and the containers that they are in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from machine.cpu_features import properties_of
from machine.cpu_models import MODEL_OF_TYPE
from machine.cpu_properties import CpuView
from machine.qom.device import DEVICE_PROPERTIES, Qdev, device, link, settled, static
from machine.qom.node import Node, Property, child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from machine.cpu import ArmCpu, CpuSlot
    from machine.cpu_properties import CpuProperty
    from machine.virt import VirtMachine


@dataclass(frozen=True, slots=True)
class CpuChildren:
    """The plugged CPUs of one container.

    Attributes:
        machine: the machine.
        start: the container's path, with a slash.
        gic_path: where the interrupt controller is.
    """

    machine: VirtMachine
    start: str
    gic_path: str

    def items(self) -> Iterator[tuple[str, Property]]:
        """All of them, in the order of plugging."""
        for slot, cpu in self.machine.cpus():
            if cpu.path.startswith(self.start):
                yield cpu.path.removeprefix(self.start), self._child(slot, cpu)

    def find(self, name: str) -> Property | None:
        """The one of a name, if there is one."""
        slot = self.machine.plugger.by_path.get(f"{self.start}{name}")
        return None if slot is None or slot.cpu is None else self._child(slot, slot.cpu)

    def _child(self, slot: CpuSlot, cpu: ArmCpu) -> Property:
        view = CpuView(cpu, slot, self.machine.topology.cpus, self.gic_path)
        return child(cpu.typename, partial(cpu_node, view))


@dataclass(frozen=True, slots=True)
class CpuOwn:
    """What a CPU has beyond what every device has."""

    node: Node
    view: CpuView

    def items(self) -> Iterator[tuple[str, Property]]:
        """All of them."""
        for name, entry in self._known.items():
            if name not in DEVICE_PROPERTIES:
                yield name, self._property(entry)

    def find(self, name: str) -> Property | None:
        """The one of a name, if there is one."""
        entry = self._known.get(name)
        return None if entry is None else self._property(entry)

    @property
    def _known(self) -> Mapping[str, CpuProperty]:
        return properties_of(MODEL_OF_TYPE[self.view.cpu.typename])

    def _property(self, entry: CpuProperty) -> Property:
        get = partial(entry.get, self.view) if entry.get is not None else None
        if entry.type == "child<irq>":
            return child("irq", _line)
        if entry.type.startswith("link<"):
            return link(self.node, entry.name, entry.type, get)
        if entry.default is not None:
            return static(self.node, entry.name, entry.type, get)
        if entry.parse is not None:
            return settled(self.node, entry.name, entry.type, get)
        return Property(entry.type, get)


def cpu_node(view: CpuView) -> Node:
    """The object of a plugged CPU."""
    cpu = view.cpu
    qdev = Qdev(device_id=cpu.device_id)
    node = device(cpu.typename, qdev, hotplugged=cpu.hotplugged, hotpluggable=True)
    node.slot = view.slot
    node.groups.append(CpuOwn(node, view))
    return node


def _line() -> Node:
    return Node("irq")
