"""Registers as declarations: an offset, a direction, a size, masks; behaviour is attached.

    class CpuHotplug(MmioDevice):
        SELECTOR = Reg(0x0, "w")
        COMMAND_DATA_2 = Reg(0x0, "r")
        FLAGS = Reg(0x4, size=1)

        @FLAGS.write
        def _flags_written(self, _n: int, value: int) -> None: ...

Offset 0 above *is* two registers. A `count` makes a banked array, whose element number is handed
to the handlers. Reads of nothing give 0, writes to nothing are ignored; both are counted, so that
a test can demand zero.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Handler = TypeVar("_Handler")


class Reg:
    """One register, or an array of them.

    Args:
        offset: of the (first) register in its block, in bytes.
        access: "r", "w" or "rw".
        size: in bytes (1, 2, 4 or 8).
        count: number of elements, `size` bytes apart.
        reset: the value after reset, and of a read that has no handler.
        ro: bits that a write leaves as they are.
        w1c: bits that a written 1 clears.
        min_access: the narrowest access in bytes that it takes (default: its size); a narrower
            one reads as zero and is ignored when written.
    """

    def __init__(  # noqa: PLR0913 - a declaration names what it declares
        self,
        offset: int,
        access: str = "rw",
        *,
        size: int = 4,
        count: int = 1,
        reset: int = 0,
        ro: int = 0,
        w1c: int = 0,
        min_access: int | None = None,
    ) -> None:
        self.offset = offset
        self.access = access
        self.size = size
        self.count = count
        self.reset = reset
        self.ro = ro
        self.w1c = w1c
        self.min_access = min_access or size
        self.name = ""
        self.on_read: str | None = None
        self.on_write: str | None = None

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    @property
    def end(self) -> int:
        """The first offset behind it."""
        return self.offset + self.count * self.size

    def read(self, handler: _Handler) -> _Handler:
        """Mark the method that answers reads: `(self, n) -> value`."""
        self.on_read = handler.__name__  # type: ignore[attr-defined]
        return handler

    def write(self, handler: _Handler) -> _Handler:
        """Mark the method that takes writes: `(self, n, value)`."""
        self.on_write = handler.__name__  # type: ignore[attr-defined]
        return handler


class RegisterOverlapError(TypeError):
    """Two registers of one block claim the same bytes in the same direction."""


_Slot = tuple[Reg, int]
"""A register, and the number of the element."""


class RegisterMap(dict[int, _Slot]):
    """The registers of one direction by offset; an element is entered once it is asked for.

    Blocks of thousands of elements (GICD_IROUTER) would make their declaration slow otherwise.

    Raises:
        RegisterOverlapError: naming both, where two claim the same bytes.
    """

    def __init__(self, registers: Sequence[Reg], direction: str, owner: str) -> None:
        super().__init__()
        self._sorted = sorted(
            (register for register in registers if direction in register.access),
            key=lambda register: register.offset,
        )
        self._offsets = [register.offset for register in self._sorted]
        for before, register in pairwise(self._sorted):
            if register.offset < before.end:
                raise RegisterOverlapError(
                    f"{owner}: {register.name} overlaps {before.name} at {register.offset:#x}",
                )

    def covering(self, offset: int) -> _Slot | None:
        """The element whose bytes include `offset`, not only begin there."""
        at = bisect_right(self._offsets, offset) - 1
        if at < 0 or offset >= self._sorted[at].end:
            return None
        register = self._sorted[at]
        n = (offset - register.offset) // register.size
        return self.setdefault(register.offset + n * register.size, (register, n))


class MmioDevice:
    """A block of declared registers; see the module's text."""

    __slots__ = ("stored", "stray_accesses")
    registers: ClassVar[tuple[Reg, ...]] = ()
    _readable: ClassVar[RegisterMap]
    _writable: ClassVar[RegisterMap]

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], int] = {}
        self.stray_accesses = 0

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = [value for value in vars(cls).values() if isinstance(value, Reg)]
        cls.registers = (*cls.registers, *declared)
        cls._readable = RegisterMap(cls.registers, "r", cls.__name__)
        cls._writable = RegisterMap(cls.registers, "w", cls.__name__)

    def reset(self) -> None:
        """Bring every stored register to its declared reset value."""
        self.stored.clear()

    def read(self, offset: int, size: int) -> int:
        """Answer a load of `size` bytes; one that spans several registers reads each."""
        slot = self._readable.get(offset)
        if slot is not None and slot[0].size == size:
            return self._read_register(*slot)
        value = 0
        for part in _parts(self._readable, offset, size):
            at, width, found = part
            if found is None or width < found[0].min_access:
                self.stray_accesses += 1
                continue
            register, n = found
            shift = 8 * (at - register.offset - n * register.size)
            chunk = (self._read_register(register, n) >> shift) & ((1 << 8 * width) - 1)
            value |= chunk << 8 * (at - offset)
        return value

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store of `size` bytes; one that spans several registers writes each."""
        slot = self._writable.get(offset)
        if slot is not None and slot[0].size == size:
            self._write_register(*slot, value)
            return
        for at, width, found in _parts(self._writable, offset, size):
            if found is None or width < found[0].min_access:
                self.stray_accesses += 1
                continue
            register, n = found
            chunk = (value >> 8 * (at - offset)) & ((1 << 8 * width) - 1)
            shift = 8 * (at - register.offset - n * register.size)
            if width < register.size:
                chunk = self._merge(register, n, chunk << shift, ((1 << 8 * width) - 1) << shift)
            self._write_register(register, n, chunk)

    def _merge(self, register: Reg, n: int, value: int, mask: int) -> int:
        """What a narrow write makes of the whole register."""
        present = self._read_register(register, n) if "r" in register.access else 0
        return (present & ~mask) | value

    def _read_register(self, register: Reg, n: int) -> int:
        if register.on_read is not None:
            answer: int = getattr(self, register.on_read)(n)
            return answer
        return self.stored.get((register.name, n), register.reset)

    def _write_register(self, register: Reg, n: int, value: int) -> None:
        if register.on_write is not None:
            getattr(self, register.on_write)(n, value)
            return
        present = self.stored.get((register.name, n), register.reset)
        kept = register.ro | register.w1c
        self.stored[register.name, n] = (value & ~kept) | (present & kept & ~(value & register.w1c))


def _parts(
    slots: RegisterMap,
    offset: int,
    size: int,
) -> list[tuple[int, int, _Slot | None]]:
    """Cut an access at register boundaries: (offset, width, register or None)."""
    parts: list[tuple[int, int, _Slot | None]] = []
    end = offset + size
    while offset < end:
        found = slots.covering(offset)
        edge = found[0].offset + (found[1] + 1) * found[0].size if found else offset + 1
        width = min(edge, end) - offset
        parts.append((offset, width, found))
        offset += width
    return parts
