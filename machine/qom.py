"""The QOM tree, as far as it exists: containers, CPUs, GIC, GED, RAM (qapi: qom-list, qom-get).

Nothing is kept: a node is made from the machine when it is asked for. A property that is listed
can be read, but for `legacy-memory`, which can't be in the reference either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from machine.cpu_properties import CPU_PROPERTIES, CpuView
from machine.errors import DeviceNotFoundError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.cpu import ArmCpu, CpuSlot
    from machine.virt import VirtMachine

GIC_AFTER_CPUS, GED_AFTER_CPUS = 0, 5
"""Number of a board device behind the boot CPUs', in the reference's order of creation."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property: its type as shown, and how it is read (None: it can't be)."""

    type: str
    get: Callable[[], Any] | None


@dataclass(slots=True)
class Node:
    """An object of the tree.

    Attributes:
        type: its QOM type.
        properties: by name, in the order in which they are listed.
        children: nodes by name, made on demand.
        slot: the possible CPU that it occupies, if it is one.
        device: whether it is a device of the system bus.
    """

    type: str
    properties: dict[str, Property] = field(default_factory=dict)
    children: dict[str, Callable[[], Node]] = field(default_factory=dict)
    child_types: dict[str, str] = field(default_factory=dict)
    slot: CpuSlot | None = None
    device: bool = False

    def add(self, name: str, type_: str, make: Callable[[], Node]) -> None:
        """Give it a child."""
        self.children[name] = make
        self.child_types[name] = type_


def _container() -> Node:
    return _node("container")


def _identity(value: object) -> object:
    return value


def _node(type_: str, **values: object) -> Node:
    node = Node(type_, {"type": Property("string", lambda: type_)})
    for name, value in values.items():
        shown = "bool" if isinstance(value, bool) else "uint32"
        node.properties[name.replace("_", "-")] = Property(shown, partial(_identity, value))
    return node


class QomTree:
    """Paths to nodes, of one machine."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine

    def resolve(self, path: str) -> Node:
        """Find an object by its path, or a device by the end of one.

        Raises:
            DeviceNotFoundError: where there is none.
        """
        starts = [""] if path.startswith("/") else _PARTIAL
        for start in starts:
            node = self._walk(f"{start}{path}")
            if node is not None:
                return node
        raise DeviceNotFoundError(f"Device '{path}' not found")

    def list(self, path: str) -> list[tuple[str, str]]:
        """Names and types of an object's properties; children are properties, too."""
        node = self.resolve(path)
        listed = [(name, entry.type) for name, entry in node.properties.items()]
        return listed + [
            (name, f"child<{type_}>")
            for name, type_ in node.child_types.items()
            if name not in node.properties
        ]

    def get(self, path: str, name: str) -> Any:
        """Read a property; that of a child is its path.

        Raises:
            DeviceNotFoundError: where there is no such object.
            MachineError: where there is no such property, or it can't be read.
        """
        node = self.resolve(path)
        entry = node.properties.get(name)
        if entry is None and name in node.children:
            return f"{path.rstrip('/')}/{name}"
        if entry is None:
            raise MachineError(f"Property '{node.type}.{name}' not found")
        if entry.get is None:
            raise MachineError(f"Property '{node.type}.{name}' is not readable")
        return entry.get()

    def _walk(self, path: str) -> Node | None:
        node = self._root()
        for name in filter(None, path.split("/")):
            make = node.children.get(name)
            if make is None:
                return None
            node = make()
        return node

    # The nodes

    def _root(self) -> Node:
        node = _container()
        node.add("machine", "virt-9.2-machine", self._machine_node)
        return node

    def _machine_node(self) -> Node:
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
        node = _container()
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
            read = partial(entry.get, view) if entry.get is not None else None
            node.properties[entry.name] = Property(entry.type, read)
            if entry.type == "child<irq>":
                node.add(entry.name, "irq", lambda: _node("irq"))
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


_PARTIAL = (
    "/machine/peripheral/",
    "/machine/peripheral-anon/",
    "/machine/unattached/",
    "/machine/",
)
"""Where a path without a leading slash is looked for."""
