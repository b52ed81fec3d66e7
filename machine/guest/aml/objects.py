"""Named objects that are no data: devices, methods, mutexes, events (ACPI 6.5 §19.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from machine.guest.aml.namespace import NamedObject
from machine.guest.aml.values import ObjectType, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.guest.aml.context import Chain
    from machine.guest.aml.decode import Block


class Device(NamedObject):
    """A Device."""

    __slots__ = ()
    kind: ClassVar[ObjectType] = ObjectType.Device


class PredefinedDevice(NamedObject):
    r"""A scope that counts as a Device, such as ``\_SB``, without a table declaring it."""

    __slots__ = ()
    kind: ClassVar[ObjectType] = ObjectType.Device


class ThermalZone(NamedObject):
    """A ThermalZone."""

    __slots__ = ()
    kind: ClassVar[ObjectType] = ObjectType.ThermalZone


class Processor(NamedObject):
    """A Processor, which newer firmware declares as a Device."""

    __slots__ = ("block_address", "block_length", "processor_id")
    kind: ClassVar[ObjectType] = ObjectType.Processor

    def __init__(self, processor_id: int, block_address: int, block_length: int) -> None:
        self.processor_id = processor_id
        self.block_address = block_address
        self.block_length = block_length


class PowerResource(NamedObject):
    """A PowerResource."""

    __slots__ = ("resource_order", "system_level")
    kind: ClassVar[ObjectType] = ObjectType.PowerResource

    def __init__(self, system_level: int, resource_order: int) -> None:
        self.system_level = system_level
        self.resource_order = resource_order


class DebugObject(NamedObject):
    """The Debug object."""

    __slots__ = ()
    kind: ClassVar[ObjectType] = ObjectType.DebugObject


class Event(NamedObject):
    """An Event: a count of signals."""

    __slots__ = ("signals",)
    kind: ClassVar[ObjectType] = ObjectType.Event

    def __init__(self) -> None:
        self.signals = 0


class Mutex(NamedObject):
    """A Mutex, owned by a chain of method calls as often as that has acquired it."""

    __slots__ = ("depth", "owner", "restore_level", "sync_level")
    kind: ClassVar[ObjectType] = ObjectType.Mutex

    def __init__(self, sync_level: int) -> None:
        self.sync_level = sync_level
        self.owner: Chain | None = None
        self.depth = 0
        self.restore_level = 0


class Method(NamedObject):
    """A control method; ``guard`` is there if it is Serialized."""

    __slots__ = ("arg_count", "body", "guard")
    kind: ClassVar[ObjectType] = ObjectType.Method

    def __init__(self, arg_count: int, body: Block, guard: Mutex | None) -> None:
        self.arg_count = arg_count
        self.body = body
        self.guard = guard


class NativeMethod(NamedObject):
    r"""A method that the interpreter itself brings along, such as ``\_OSI``."""

    __slots__ = ("arg_count", "function")
    kind: ClassVar[ObjectType] = ObjectType.Method

    def __init__(self, arg_count: int, function: Callable[[list[Value]], Value]) -> None:
        self.arg_count = arg_count
        self.function = function
