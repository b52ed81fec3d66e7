"""The QOM tree, as far as it exists: containers, CPUs, GIC, GED, RAM (qapi: qom-list, qom-get).

Nothing is kept: a node is made from the machine when it is asked for. A property that is listed
can be read, but for `legacy-memory`, which can't be in the reference either.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.cpu_properties import CPU_PROPERTIES, CpuView
from machine.qom.node import Node, Property, container

if TYPE_CHECKING:
    from machine.cpu import ArmCpu, CpuSlot
    from machine.virt import VirtMachine

GIC_AFTER_CPUS, GED_AFTER_CPUS = 0, 5
"""Number of a board device behind the boot CPUs', in the reference's order of creation."""


def _node(type_: str, **values: object) -> Node:
    node = Node(type_)
    for name, value in values.items():
        shown = "bool" if isinstance(value, bool) else "uint32"
        node.show(name.replace("_", "-"), shown, value)
    return node


class BoardObjects:
    """Makes the objects of one machine."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine

    def machine(self) -> Node:
        """The object `/machine`."""
        machine = self._machine
        config, topology = machine.config, machine.topology
        node = _node("virt-9.2-machine")
        node.properties |= {
            "memory": Property(
                "MemorySizeConfiguration",
                lambda: {"size": config.ram_size, "max-size": config.ram_size},
            ),
            "smp": Property(
                "SMPConfiguration",
                lambda: {
                    "cpus": topology.cpus,
                    "maxcpus": machine.possible_count,
                    "sockets": topology.sockets,
                    "clusters": topology.clusters,
                    "cores": topology.cores,
                    "threads": topology.threads,
                },
            ),
            "acpi": Property("OnOffAuto", lambda: "on" if config.acpi else "off"),
            "gic-version": Property("string", lambda: str(config.gic_version)),
        }
        for name, make in (
            ("unattached", self._unattached),
            ("peripheral", self._peripheral),
            ("peripheral-anon", self._peripheral),
        ):
            node.add(name, "container", partial(make, name))
        return node

    def _unattached(self, _name: str) -> Node:
        machine, node = self._machine, self._peripheral("unattached")
        boot = machine.topology.cpus
        node.add(f"device[{boot + GIC_AFTER_CPUS}]", "arm-gicv3", self._gic)
        if machine.ged is not None:
            node.add(f"device[{boot + GED_AFTER_CPUS}]", "acpi-ged", self._ged)
        node.add("system[0]", "memory-region", lambda: _node("memory-region"))
        return node

    def _peripheral(self, name: str) -> Node:
        """The CPUs of one container, by the ends of their paths."""
        node = container()
        start = f"/machine/{name}/"
        for slot, cpu in self._machine.cpus():
            if cpu.path.startswith(start):
                node.add(
                    cpu.path.removeprefix(start),
                    cpu.typename,
                    partial(self._cpu, slot, cpu),
                )
        return node

    def _cpu(self, slot: CpuSlot, cpu: ArmCpu) -> Node:
        view = CpuView(cpu, slot, self._machine.topology.cpus, self.gic_path)
        node = Node(cpu.typename, slot=slot, device=True)
        for entry in CPU_PROPERTIES:
            if entry.type == "child<irq>":
                node.add(entry.name, "irq", lambda: _node("irq"))
                continue
            read = partial(entry.get, view) if entry.get is not None else None
            node.properties[entry.name] = Property(entry.type, read)
        return node

    @property
    def gic_path(self) -> str:
        """Where the interrupt controller is."""
        return f"/machine/unattached/device[{self._machine.topology.cpus + GIC_AFTER_CPUS}]"

    def _gic(self) -> Node:
        machine = self._machine
        node = _node(
            "arm-gicv3",
            realized=True,
            num_cpu=machine.possible_count,
            num_smp_cpu=machine.topology.cpus,
            num_irq=machine.vgic.irqs,
            revision=3,
        )
        node.device = True
        return node

    def _ged(self) -> Node:
        node = _node("acpi-ged", realized=True)
        node.device = True
        return node
