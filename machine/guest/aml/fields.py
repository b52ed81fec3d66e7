"""Operation regions and fields (ACPI 6.5 §19.6.100, §19.6.48, §19.6.62, §19.6.7).

The accesses on the bus are what devices see, so their size, number and order matter: a field
is read and written in units of its AccessType, lowest address first; a unit that the field
covers only in part is written by the UpdateRule, and only Preserve reads it before.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Final, NamedTuple, Protocol

from machine.guest.aml import convert
from machine.guest.aml.budget import MAX_FIELD_BITS, Budget, steps_of
from machine.guest.aml.errors import LimitExceededError, NoHandlerError, OutOfBoundsError
from machine.guest.aml.namespace import Accessible, NamedObject
from machine.guest.aml.values import ObjectType, Value

SYSTEM_MEMORY: Final = 0


class Memory(Protocol):
    """The part of the host that regions need."""

    def load(self, address: int, size: int) -> int:
        """Read ``size`` bytes."""
        ...

    def store(self, address: int, size: int, value: int) -> None:
        """Write ``size`` bytes."""
        ...


class Accessor(Protocol):
    """What regions and fields need of the interpreter's context."""

    @property
    def host(self) -> Memory:
        """Where accesses go."""
        ...

    @property
    def budget(self) -> Budget:
        """What they are paid from."""
        ...

    @property
    def size(self) -> int:
        """Of an Integer, in bytes."""
        ...


class UpdateRule(IntEnum):
    """What becomes of the bits around a field when it is written."""

    Preserve = 0
    WriteAsOnes = 1
    WriteAsZeros = 2


ACCESS_BYTES: Final = {0: 1, 1: 1, 2: 2, 3: 4, 4: 8, 5: 1}
"""Bytes of an access by AccessType; AnyAcc and BufferAcc are bytes on SystemMemory."""


class Region(NamedObject):
    """An OperationRegion; only SystemMemory can be accessed."""

    __slots__ = ("_budget", "_memory", "address", "length", "space")
    kind: ClassVar[ObjectType] = ObjectType.OperationRegion

    def __init__(self, context: Accessor, space: int, address: int, length: int) -> None:
        self._memory = context.host
        self._budget = context.budget
        self.space = space
        self.address = address
        self.length = length

    def load(self, offset: int, size: int) -> int:
        """Read ``size`` bytes at ``offset``; raises what ``_at`` does."""
        self._budget.spend(1)
        return self._memory.load(self._at(offset, size), size)

    def store(self, offset: int, size: int, value: int) -> None:
        """Write ``size`` bytes at ``offset``; raises what ``_at`` does."""
        self._budget.spend(1)
        self._memory.store(self._at(offset, size), size, value)

    def _at(self, offset: int, size: int) -> int:
        """The address of ``size`` bytes at ``offset``.

        Raises:
            NoHandlerError: the region is not in SystemMemory.
            OutOfBoundsError: the access leaves the region.
        """
        if self.space != SYSTEM_MEMORY:
            raise NoHandlerError(f"region space {self.space:#x} is not there")
        if offset + size > self.length:
            raise OutOfBoundsError(
                f"{size} bytes at {offset:#x} leave a region of {self.length:#x}"
            )
        return self.address + offset


class Layout(NamedTuple):
    """Where the bits of a field lie: in units of ``unit`` bytes from byte ``base`` on."""

    base: int
    shift: int
    bits: int
    unit: int
    units: int

    @classmethod
    def of(cls, bit_offset: int, bits: int, unit: int) -> Layout:
        """The units that ``bits`` bits from ``bit_offset`` on touch."""
        base = bit_offset // 8 // unit * unit
        shift = bit_offset - 8 * base
        return cls(base, shift, bits, unit, -(-(shift + bits) // (8 * unit)))


class UnitField(Accessible):
    """A field that is accessed in units; the subclasses say what a unit is."""

    __slots__ = ("_fill", "_rule", "_size", "layout")
    kind: ClassVar[ObjectType] = ObjectType.FieldUnit

    def __init__(self, layout: Layout, rule: UpdateRule, size: int) -> None:
        if layout.bits > MAX_FIELD_BITS:
            raise LimitExceededError(f"a field of {layout.bits} bits")
        self.layout = layout
        self._rule = rule
        self._size = size

    def _load(self, offset: int) -> int:
        raise NotImplementedError

    def _store(self, offset: int, value: int) -> None:
        raise NotImplementedError

    def read(self) -> Value:
        """The value: an Integer if it fits one, else a Buffer."""
        base, shift, bits, unit, units = self.layout
        if units == 1:
            value = self._load(base)
        else:
            value = 0
            for number in range(units):
                value |= self._load(base + number * unit) << (8 * unit * number)
        value = value >> shift & (1 << bits) - 1
        return (
            value if bits <= 8 * self._size else bytearray(value.to_bytes(-(-bits // 8), "little"))
        )

    def write(self, value: Value) -> None:
        """Write the value, unit by unit."""
        base, shift, bits, unit, units = self.layout
        field_mask = (1 << bits) - 1
        whole = (as_number(value, self._size) & field_mask) << shift
        covered = field_mask << shift
        unit_mask = (1 << 8 * unit) - 1
        for number in range(units):
            offset = base + number * unit
            here = covered >> 8 * unit * number & unit_mask
            data = whole >> 8 * unit * number & unit_mask
            self._store(offset, data if here == unit_mask else self._around(offset, data, here))

    def _around(self, offset: int, data: int, here: int) -> int:
        """``data`` with the bits outside ``here`` as the UpdateRule wants them."""
        if self._rule == UpdateRule.WriteAsZeros:
            return data
        around = (1 << 8 * self.layout.unit) - 1 & ~here
        if self._rule == UpdateRule.WriteAsOnes:
            return data | around
        return data | self._load(offset) & around


def as_number(value: Value, size: int) -> int:
    """A value as the bits that go into a field; a String counts without its NUL."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int.from_bytes(value.encode("latin-1", "replace"), "little")
    return int.from_bytes(convert.to_buffer(value, size), "little")


class RegionField(UnitField):
    """A Field of an OperationRegion."""

    __slots__ = ("_region",)

    def __init__(self, region: Region, layout: Layout, rule: UpdateRule, size: int) -> None:
        super().__init__(layout, rule, size)
        self._region = region

    def _load(self, offset: int) -> int:
        return self._region.load(offset, self.layout.unit)

    def _store(self, offset: int, value: int) -> None:
        self._region.store(offset, self.layout.unit, value)


class BankField(RegionField):
    """A BankField: the bank register is written before every unit."""

    __slots__ = ("_bank", "_bank_value")

    def __init__(
        self,
        banked: tuple[Region, Accessible, int],
        layout: Layout,
        rule: UpdateRule,
        size: int,
    ) -> None:
        region, self._bank, self._bank_value = banked
        super().__init__(region, layout, rule, size)

    def _load(self, offset: int) -> int:
        self._bank.write(self._bank_value)
        return super()._load(offset)

    def _store(self, offset: int, value: int) -> None:
        self._bank.write(self._bank_value)
        super()._store(offset, value)


class IndexField(UnitField):
    """An IndexField: the index register gets the offset, the data register is the unit."""

    __slots__ = ("_data", "_index")

    def __init__(
        self, index: Accessible, data: Accessible, layout: Layout, rule: UpdateRule, size: int
    ) -> None:
        super().__init__(layout, rule, size)
        self._index = index
        self._data = data

    def _load(self, offset: int) -> int:
        self._index.write(offset)
        unit_mask = (1 << 8 * self.layout.unit) - 1
        return as_number(self._data.read(), self._size) & unit_mask

    def _store(self, offset: int, value: int) -> None:
        self._index.write(offset)
        self._data.write(value)


class BufferField(Accessible):
    """Bits of a Buffer, made by CreateField and its kin; CreateField reads as a Buffer."""

    __slots__ = ("_bits", "_buffer", "_context", "_offset", "_raw")
    kind: ClassVar[ObjectType] = ObjectType.BufferField

    def __init__(
        self, context: Accessor, buffer: bytearray, bit_offset: int, bits: int, *, raw: bool
    ) -> None:
        if bit_offset + bits > 8 * len(buffer):
            raise OutOfBoundsError(
                f"{bits} bits at {bit_offset} leave a buffer of {len(buffer)} bytes"
            )
        self._buffer = buffer
        self._offset = bit_offset
        self._bits = bits
        self._context = context
        self._raw = raw

    def _bounds(self) -> tuple[int, int, int]:
        first = self._offset >> 3
        last = (self._offset + self._bits + 7) >> 3
        if last > len(self._buffer):
            raise OutOfBoundsError("the buffer under a field has become too short")
        self._context.budget.spend(steps_of(last - first))
        return first, last, self._offset & 7

    def read(self) -> Value:
        """The bits."""
        first, last, shift = self._bounds()
        value = int.from_bytes(self._buffer[first:last], "little") >> shift
        value &= (1 << self._bits) - 1
        if self._raw or self._bits > 8 * self._context.size:
            return bytearray(value.to_bytes(-(-self._bits // 8), "little"))
        return value

    def write(self, value: Value) -> None:
        """Replace the bits, and none around them."""
        first, last, shift = self._bounds()
        field_mask = (1 << self._bits) - 1
        old = int.from_bytes(self._buffer[first:last], "little") & ~(field_mask << shift)
        new = old | (as_number(value, self._context.size) & field_mask) << shift
        self._buffer[first:last] = new.to_bytes(last - first, "little")
