"""Values of AML: what an expression yields (ACPI 6.5 §19.3.5).

Integer, String and Buffer are ``int``, ``str`` and ``bytearray``; ``None`` is Uninitialized.
Buffers and packages are handed around by reference and copied by Store, as the standard wants.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from machine.guest.aml.budget import MAX_ELEMENTS, check_elements, steps_of
from machine.guest.aml.errors import (
    OperandTypeError,
    OutOfBoundsError,
    UninitializedError,
)


class ObjectType(IntEnum):
    """What ObjectType yields (ACPI 6.5 §19.6.97, table of object types)."""

    Uninitialized = 0
    Integer = 1
    String = 2
    Buffer = 3
    Package = 4
    FieldUnit = 5
    Device = 6
    Event = 7
    Method = 8
    Mutex = 9
    OperationRegion = 10
    PowerResource = 11
    Processor = 12
    ThermalZone = 13
    BufferField = 14
    DDBHandle = 15
    DebugObject = 16


class Reference:
    """A place that holds a value: a named object, a local, an element, a byte."""

    __slots__ = ()

    def __str__(self) -> str:
        return "Reference"

    def read(self) -> Value:
        """The value there."""
        raise NotImplementedError

    def write(self, value: Value) -> None:
        """Store a value there, as Store does: with a copy, and the place's own conversion."""
        raise NotImplementedError

    def copy_in(self, value: Value) -> None:
        """Store a value there as CopyObject does: without conversion."""
        self.write(value)

    def settled(self) -> Value:
        """What stands for this reference in a copy of the package that it is an element of."""
        return self

    def object_type(self) -> int:
        """The number that ObjectType yields for what is there."""
        return object_type(self.read())


class Package(list["Value"]):
    """A Package; elements that were never stored are None."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


Value = int | str | bytearray | Package | Reference | None


class RefOf(Reference):
    """What RefOf yields: DerefOf goes through it, and so does a Store to an Arg."""

    __slots__ = ("target",)

    def __init__(self, target: Reference) -> None:
        self.target = target

    def read(self) -> Value:
        """The value of the object that is referred to."""
        return self.target.read()

    def write(self, value: Value) -> None:
        """Store into the object that is referred to."""
        self.target.write(value)

    def copy_in(self, value: Value) -> None:
        """Replace the object that is referred to, its type included."""
        self.target.copy_in(value)

    def object_type(self) -> int:
        """The type of the object that is referred to."""
        return self.target.object_type()


class Slot(Reference):
    """A Local or an Arg."""

    __slots__ = ("_label", "_slots", "index")

    def __init__(self, slots: list[Value], index: int, label: str) -> None:
        self._slots = slots
        self.index = index
        self._label = label

    def read(self) -> Value:
        """The value there; it is an error if there is none."""
        value = self._slots[self.index]
        if value is None:
            raise UninitializedError(f"{self._label}{self.index} is read before it is stored to")
        return value

    def write(self, value: Value) -> None:
        """Replace the value; no conversion takes place."""
        self._slots[self.index] = copy_value(value)

    def object_type(self) -> int:
        """The type of the value, or of what it refers to; Uninitialized if there is none."""
        return object_type(self._slots[self.index])


class ArgSlot(Slot):
    """An Arg: a Store goes through a reference made by RefOf (ACPI 6.5 §19.3.5.8)."""

    __slots__ = ()

    def write(self, value: Value) -> None:
        """Store through the reference that the argument is, or replace the argument."""
        held = self._slots[self.index]
        if isinstance(held, RefOf):
            held.copy_in(value)
        else:
            super().write(value)


class Element(Reference):
    """An element of a package, made by Index."""

    __slots__ = ("_index", "_package")

    def __init__(self, package: Package, index: int) -> None:
        if index >= len(package):
            raise OutOfBoundsError(
                f"Index {index:#x} is beyond a package of {len(package)} elements"
            )
        self._package = package
        self._index = index

    def read(self) -> Value:
        """The element; it is an error if nothing was ever stored there."""
        value = element(self._package, self._index)
        if value is None:
            raise UninitializedError(f"element {self._index} of a package is uninitialized")
        return value

    def write(self, value: Value) -> None:
        """Replace the element; no conversion takes place."""
        self._package[self._index] = copy_value(value)

    def object_type(self) -> int:
        """The type of the element; Uninitialized if there is none."""
        return object_type(element(self._package, self._index))


class ByteOf(Reference):
    """A byte of a buffer, made by Index."""

    __slots__ = ("_buffer", "_index")

    def __init__(self, buffer: bytearray, index: int) -> None:
        if index >= len(buffer):
            raise OutOfBoundsError(f"Index {index:#x} is beyond a buffer of {len(buffer)} bytes")
        self._buffer = buffer
        self._index = index

    def read(self) -> Value:
        """The byte as an Integer."""
        return self._buffer[self._index]

    def write(self, value: Value) -> None:
        """Store the low byte of an integer, or the first of a string or buffer."""
        self._buffer[self._index] = _first_byte(value)

    def object_type(self) -> int:
        """A byte of a buffer is a BufferField."""
        return ObjectType.BufferField


class CharOf(Reference):
    """A character of the string in ``place``, made by Index."""

    __slots__ = ("_index", "_place")

    def __init__(self, place: Reference, text: str, index: int) -> None:
        if index >= len(text):
            raise OutOfBoundsError(f"Index {index:#x} is beyond a string of {len(text)} characters")
        self._place = place
        self._index = index

    def _text(self) -> str:
        text = self._place.read()
        if not isinstance(text, str) or self._index >= len(text):
            raise OutOfBoundsError("the string that was indexed is gone")
        return text

    def read(self) -> Value:
        """The character as an Integer."""
        return ord(self._text()[self._index])

    def write(self, value: Value) -> None:
        """Replace the character."""
        text = self._text()
        char = chr(_first_byte(value))
        self._place.copy_in(text[: self._index] + char + text[self._index + 1 :])

    def object_type(self) -> int:
        """A character of a string is a BufferField."""
        return ObjectType.BufferField


class Temporary(Reference):
    """A value that no name holds; it can be read."""

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value = value

    def read(self) -> Value:
        """The value."""
        return self._value

    def write(self, value: Value) -> None:
        """Replace the value, which nobody will see."""
        self._value = copy_value(value)


def element(package: Package, index: int) -> Value:
    """An element of a package; a name in its place is looked up."""
    value = package[index]
    return value.settled() if isinstance(value, Reference) else value


def _first_byte(value: Value) -> int:
    if isinstance(value, int):
        return value & 0xFF
    if isinstance(value, str):
        return ord(value[0]) & 0xFF if value else 0
    if isinstance(value, bytearray):
        return value[0] if value else 0
    raise OperandTypeError(f"a {type_name(value)} cannot be stored to a byte")


_TYPES: Final[dict[type, ObjectType]] = {
    int: ObjectType.Integer,
    str: ObjectType.String,
    bytearray: ObjectType.Buffer,
    Package: ObjectType.Package,
    type(None): ObjectType.Uninitialized,
}


def object_type(value: object) -> int:
    """The number that ObjectType yields; references are followed."""
    if isinstance(value, Reference):
        return value.object_type()
    return _TYPES.get(type(value), ObjectType.Uninitialized)


def type_name(value: object) -> str:
    """The name of a value's type, for errors and Debug."""
    kind = _TYPES.get(type(value))
    return "Reference" if kind is None else kind.name


def copy_value(value: Value) -> Value:
    """A copy such as Store makes: deep for packages; references stay references."""
    kind = value.__class__
    if kind is int or kind is str:
        return value
    if isinstance(value, bytearray):
        return bytearray(value)
    if isinstance(value, Package):
        return _copy_package(value, [MAX_ELEMENTS])
    return value


def _copy_package(source: Package, left: list[int]) -> Package:
    left[0] -= len(source) + 1
    check_elements(MAX_ELEMENTS - left[0])
    return Package([_copy_element(value, left) for value in source])


def _copy_element(value: Value, left: list[int]) -> Value:
    if isinstance(value, Reference):
        value = value.settled()
    if isinstance(value, Package):
        return _copy_package(value, left)
    return bytearray(value) if isinstance(value, bytearray) else value


def cost(value: object) -> int:
    """The steps that copying, converting or comparing a value costs; a package's are all in it."""
    if isinstance(value, str | bytearray):
        return steps_of(len(value))
    if not isinstance(value, Package):
        return 0
    total, pending = 0, [value]
    while pending and total < MAX_ELEMENTS:
        package = pending.pop()
        total += 1 + len(package)
        pending += [element for element in package if isinstance(element, Package)]
        total += sum([cost(element) for element in package if not isinstance(element, Package)])
    return total
