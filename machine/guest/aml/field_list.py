"""Decoding of a FieldList (ACPI 6.5 §20.2.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from machine.guest.aml.budget import check_elements
from machine.guest.aml.stream import NAME_STARTS

if TYPE_CHECKING:
    from machine.guest.aml.decode import Decoder

_RESERVED, _ACCESS, _CONNECT, _EXTENDED_ACCESS = range(4)
_ACCESS_SIZES: Final = {_ACCESS: 3, _EXTENDED_ACCESS: 4}
BY_FLAGS: Final = -1
"""The AccessType of elements before any AccessField: that of the FieldFlags."""


class FieldItem(NamedTuple):
    """A named element of a FieldList."""

    seg: str
    bit_offset: int
    bits: int
    access: int


def field_list(decoder: Decoder) -> list[FieldItem]:
    """The named elements of the FieldList that fills the package."""
    stream, at, access = decoder.stream, 0, BY_FLAGS
    found: list[FieldItem] = []
    while stream.pos < stream.end:
        lead = stream.peek()
        if lead in _ACCESS_SIZES:
            access = stream.take(_ACCESS_SIZES[lead])[1] & 0x0F
        elif lead == _CONNECT:
            _connection(decoder)
        elif lead == _RESERVED:
            stream.byte()
            at += stream.pkg_value()
        else:
            item = FieldItem(stream.name_seg(), at, stream.pkg_value(), access)
            found.append(item)
            check_elements(len(found))
            at += item.bits
    return found


def _connection(decoder: Decoder) -> None:
    """A ConnectField: a GPIO or serial bus, which no host of ours has."""
    decoder.stream.byte()
    if decoder.stream.peek() in NAME_STARTS:
        decoder.stream.name_string()
    else:
        decoder.term()
