"""AML compiler: resource descriptors (ACPI 6.5 §6.4), the contents of a ``_CRS``."""

from __future__ import annotations

from typing import NamedTuple

from machine.acpi.aml_data import buffer

_END_TAG = b"\x79\x00"  # small item 0x0F; a checksum of zero counts as correct (§6.4.2.9)


def resource_template(*descriptors: bytes) -> bytes:
    """ResourceTemplate macro: a Buffer of descriptors, closed by an End Tag."""
    return buffer(b"".join(descriptors) + _END_TAG)


def _large(kind: int, body: bytes) -> bytes:
    return bytes([0x80 | kind]) + len(body).to_bytes(2, "little") + body


def memory32_fixed(base: int, length: int, *, writable: bool = True) -> bytes:
    """32-bit Fixed Memory Range Descriptor (§6.4.3.4)."""
    body = bytes([writable]) + base.to_bytes(4, "little") + length.to_bytes(4, "little")
    return _large(0x06, body)


def interrupt(
    *numbers: int,
    edge: bool = False,
    active_low: bool = False,
    shared: bool = False,
    wake: bool = False,
    consumer: bool = True,
) -> bytes:
    """Extended Interrupt Descriptor (§6.4.3.6); the numbers are GSIs."""
    flags = consumer | edge << 1 | active_low << 2 | shared << 3 | wake << 4
    table = b"".join(number.to_bytes(4, "little") for number in numbers)
    return _large(0x09, bytes([flags, len(numbers)]) + table)


class Range(NamedTuple):
    """The five numbers of an Address Space Descriptor; ``length`` is inclusive of both ends."""

    minimum: int
    maximum: int
    granularity: int = 0
    translation: int = 0
    length: int | None = None

    def encode(self, size: int) -> bytes:
        """The numbers in descriptor order, ``size`` bytes each."""
        length = self.maximum - self.minimum + 1 if self.length is None else self.length
        numbers = (self.granularity, self.minimum, self.maximum, self.translation, length)
        return b"".join(number.to_bytes(size, "little") for number in numbers)


_ADDRESS_SPACE = {2: 0x08, 4: 0x07, 8: 0x0A}  # large item name by width in bytes (§6.4.3.5)
_FIXED = 0x0C  # both ends are fixed: bits 2 and 3 of the general flags


def address_space(size: int, resource: int, specific: int, window: Range, general: int) -> bytes:
    """Word, DWord or QWord Address Space Descriptor, ``size`` 2, 4 or 8 (§6.4.3.5)."""
    return _large(_ADDRESS_SPACE[size], bytes([resource, general, specific]) + window.encode(size))


def word_bus_number(window: Range) -> bytes:
    """WordBusNumber of a producer."""
    return address_space(2, 2, 0, window, _FIXED)


def dword_io(window: Range) -> bytes:
    """DWordIO of a producer, the entire range."""
    return address_space(4, 1, 3, window, _FIXED)


def word_memory(window: Range, *, cacheable: bool = False) -> bytes:
    """Memory range of a producer in a Word descriptor, read-write."""
    return address_space(2, 0, 1 | cacheable << 1, window, _FIXED)


def dword_memory(window: Range, *, cacheable: bool = False) -> bytes:
    """DWordMemory of a producer, read-write."""
    return address_space(4, 0, 1 | cacheable << 1, window, _FIXED)


def qword_memory(window: Range, *, cacheable: bool = False) -> bytes:
    """QWordMemory of a producer, read-write."""
    return address_space(8, 0, 1 | cacheable << 1, window, _FIXED)
