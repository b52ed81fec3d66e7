"""The hierarchy of QOM types, declared once: what exists here, its parents, its interfaces.

A type's properties are those of its instances; an instance has its parents' as well. The names and
the hierarchy are QEMU's, down to the few of its types that this machine consists of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from machine.cpu_features import properties_of
from machine.cpu_models import CPU_MODELS
from machine.cpu_properties import CPU_PROPERTIES
from machine.errors import DeviceNotFoundError, MachineError
from machine.qom.device import DEVICE_PROPERTIES
from machine.qom.ged import GED_PROPERTIES
from machine.qom.gic import GIC_PROPERTIES
from machine.qom.machine import MACHINE_PROPERTIES
from machine.qom.memory_backend import BACKEND_PROPERTIES
from machine.qom.pl011 import PL011_PROPERTIES
from machine.qom.pl031 import PL031_PROPERTIES
from machine.qom.pvpanic import PVPANIC_PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from machine.cpu_models import CpuModel
    from machine.cpu_properties import CpuProperty
    from machine.qom.device import Declared

INTERFACE = "interface"


class TypeProperty(NamedTuple):
    """A property, as introspection of a type shows it."""

    name: str
    type: str
    default: object = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class QomType:
    """A type.

    Attributes:
        name: as clients write it.
        parent: the type that it extends; only `object` and `interface` have none.
        abstract: whether it has no instances of its own.
        interfaces: what it implements besides its parents' interfaces.
        properties: what its instances have besides their parents' properties.
    """

    name: str
    parent: str | None
    abstract: bool = False
    interfaces: tuple[str, ...] = ()
    properties: tuple[TypeProperty, ...] = ()


def _declared(table: Iterable[Declared | CpuProperty]) -> tuple[TypeProperty, ...]:
    return tuple(
        TypeProperty(entry.name, entry.type, entry.default, entry.description) for entry in table
    )


CPU_ABSTRACT = {
    "cpu": ("memory", "legacy-memory", "start-powered-off", "acpi-persistent"),
    "arm-cpu": (
        "core-id",
        "cluster-id",
        "midr",
        "thread-id",
        "core-count",
        "backcompat-cntfrq",
        "socket-id",
        "node-id",
        "mp-affinity",
    ),
    "aarch64-cpu": ("aarch64",),
}
"""Properties that a CPU has from its abstract parents."""
_INHERITED = {*DEVICE_PROPERTIES, *(name for names in CPU_ABSTRACT.values() for name in names)}


def _of_cpu(names: Iterable[str]) -> tuple[TypeProperty, ...]:
    wanted = set(names)
    return _declared(entry for entry in CPU_PROPERTIES if entry.name in wanted)


def _own(model: CpuModel) -> tuple[TypeProperty, ...]:
    """What the CPUs of a model have besides."""
    return _declared(
        entry for entry in properties_of(model).values() if entry.name not in _INHERITED
    )


_REGION = (
    TypeProperty("container", "link<memory-region>"),
    TypeProperty("addr", "uint64"),
    TypeProperty("size", "uint64"),
    TypeProperty("priority", "uint32"),
)
_BUS = (TypeProperty("realized", "bool"), TypeProperty("hotplug-handler", "link<hotplug-handler>"))

_BACKEND = tuple(
    TypeProperty(entry.name, entry.type, None, entry.description) for entry in BACKEND_PROPERTIES
)

TYPES: tuple[QomType, ...] = (
    QomType(INTERFACE, None, abstract=True),
    QomType("hotplug-handler", INTERFACE, abstract=True),
    QomType("resettable", INTERFACE, abstract=True),
    QomType("user-creatable", INTERFACE, abstract=True),
    QomType("vmstate-if", INTERFACE, abstract=True),
    QomType("object", None, abstract=True, properties=(TypeProperty("type", "string"),)),
    QomType("container", "object"),
    QomType("irq", "object"),
    QomType("clock", "object"),
    QomType("memory-region", "object", properties=_REGION),
    QomType("bus", "object", abstract=True, interfaces=("resettable",), properties=_BUS),
    QomType("System", "bus"),
    QomType(
        "device",
        "object",
        abstract=True,
        interfaces=("vmstate-if", "resettable"),
        properties=_of_cpu(DEVICE_PROPERTIES[1:]),
    ),
    QomType("cpu", "device", abstract=True, properties=_of_cpu(CPU_ABSTRACT["cpu"])),
    QomType("arm-cpu", "cpu", abstract=True, properties=_of_cpu(CPU_ABSTRACT["arm-cpu"])),
    QomType("aarch64-cpu", "arm-cpu", abstract=True, properties=_of_cpu(["aarch64"])),
    *(
        QomType(model.typename, "aarch64-cpu", properties=_own(model))
        for model in CPU_MODELS.values()
    ),
    QomType("sys-bus-device", "device", abstract=True),
    QomType(
        "acpi-ged",
        "sys-bus-device",
        interfaces=("hotplug-handler",),
        properties=_declared(GED_PROPERTIES),
    ),
    QomType(
        "arm-gicv3-common", "sys-bus-device", abstract=True, properties=_declared(GIC_PROPERTIES)
    ),
    QomType("arm-gicv3", "arm-gicv3-common"),
    QomType("pl011", "sys-bus-device", properties=_declared(PL011_PROPERTIES)),
    QomType("pl031", "sys-bus-device", properties=_declared(PL031_PROPERTIES)),
    QomType("pvpanic-mmio", "sys-bus-device", properties=_declared(PVPANIC_PROPERTIES)),
    QomType("machine", "object", abstract=True),
    QomType("virt-machine", "machine", abstract=True, interfaces=("hotplug-handler",)),
    QomType("virt-9.2-machine", "virt-machine", properties=_declared(MACHINE_PROPERTIES)),
    QomType(
        "memory-backend",
        "object",
        abstract=True,
        interfaces=("user-creatable",),
        properties=_BACKEND,
    ),
    QomType("memory-backend-ram", "memory-backend"),
)


class TypeTable:
    """Questions about a set of types."""

    def __init__(self, types: Iterable[QomType]) -> None:
        self._types: dict[str, QomType] = {}
        self.add(types)

    def add(self, types: Iterable[QomType]) -> None:
        """Make types known: those of objects that are not the machine's own."""
        self._types |= {entry.name: entry for entry in types}

    def ancestry(self, name: str) -> Iterator[QomType]:
        """A type, its parent, and so on."""
        entry = self._types.get(name)
        while entry is not None:
            yield entry
            entry = self._types.get(entry.parent) if entry.parent is not None else None

    def implements(self, name: str, wanted: str) -> bool:
        """Whether objects of a type are, or act as, a `wanted`.

        As in QOM, one that implements several interfaces of the wanted kind does not.
        """
        ancestry = list(self.ancestry(name))
        if wanted in {entry.name for entry in ancestry}:
            return True
        kinds = {
            interface
            for entry in ancestry
            for interface in entry.interfaces
            if wanted in {parent.name for parent in self.ancestry(interface)}
        }
        return len(kinds) == 1

    def list(self, implements: str | None, *, abstract: bool) -> Iterator[QomType]:
        """The types that implement another, or all; abstract ones too, if wanted."""
        for name, entry in self._types.items():
            if entry.abstract and not abstract:
                continue
            if implements is None or self.implements(name, implements):
                yield entry

    def properties(self, name: str) -> tuple[TypeProperty, ...]:
        """The properties of a type's instances, its parents' first.

        Raises:
            DeviceNotFoundError: there is no such type.
            MachineError: it is an interface, of which there are no instances.
        """
        entries = tuple(self.ancestry(name))
        if not entries:
            raise DeviceNotFoundError(f"Class '{name}' not found")
        if entries[-1].name == INTERFACE:
            raise MachineError("Parameter 'typename' expects a QOM type")
        return tuple(found for entry in reversed(entries) for found in entry.properties)

    def device_properties(self, name: str) -> tuple[TypeProperty, ...]:
        """The properties that a device has beyond those of every device.

        Raises:
            DeviceNotFoundError: there is no such type.
            MachineError: it is no type of device, or an abstract one.
        """
        entries = tuple(self.ancestry(name))
        if not entries:
            raise DeviceNotFoundError(f"Device '{name}' not found")
        if entries[0].abstract or "device" not in {entry.name for entry in entries}:
            raise MachineError("Parameter 'typename' expects a non-abstract device type")
        return tuple(
            found
            for found in self.properties(name)
            if found.name not in DEVICE_PROPERTIES and not found.name.startswith("legacy-")
        )
