"""Conversions between data types, implicit and explicit (ACPI 6.5 §19.3.5).

``size`` is that of an Integer in bytes: 8, or 4 in a table of revision 1. Where the standard
leaves a choice, the choice is that of Intel's interpreter, since firmware is tested with it.
"""

from __future__ import annotations

from typing import Final

from machine.guest.aml.budget import check_chars
from machine.guest.aml.errors import OperandTypeError, OutOfBoundsError
from machine.guest.aml.values import Package, Reference, Value, type_name

_HEX: Final = frozenset("0123456789abcdefABCDEF")
_DECIMAL: Final = frozenset("0123456789")


def mask(size: int) -> int:
    """All bits of an Integer of ``size`` bytes."""
    return (1 << (8 * size)) - 1


def to_integer(value: Value, size: int) -> int:
    """Implicit conversion to Integer: a String is hexadecimal, a Buffer little-endian."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return implicit_integer(value, size)
    if isinstance(value, bytearray):
        return buffer_integer(value, size)
    raise OperandTypeError(f"a {type_name(value)} is no Integer")


def buffer_integer(value: bytearray, size: int) -> int:
    """The first bytes of a Buffer as an Integer."""
    if not value:
        raise OutOfBoundsError("an empty Buffer is no Integer")
    return int.from_bytes(value[:size], "little")


def _digits(text: str, allowed: frozenset[str], limit: int) -> str:
    text = text.lstrip("0")[:limit]
    stop = next((at for at, char in enumerate(text) if char not in allowed), limit)
    return text[:stop]


def _strip(text: str) -> str:
    return text.lstrip(" \t\n\v\f\r")


def implicit_integer(text: str, size: int) -> int:
    """Hexadecimal digits up to the first other character, or to the width of an Integer."""
    text = _strip(text)
    if text[:2] in {"0x", "0X"}:
        text = text[2:]
    digits = _digits(text, _HEX, 2 * size)
    return int(digits, 16) if digits else 0


def explicit_integer(text: str, size: int) -> int:
    """What ToInteger makes of a String: decimal, or hexadecimal after ``0x``."""
    text = _strip(text)
    if text[:2] in {"0x", "0X"}:
        digits = _digits(text[2:], _HEX, 2 * size)
        return int(digits, 16) if digits else 0
    digits = _digits(text, _DECIMAL, 32)
    while digits and int(digits) > mask(size):
        digits = digits[:-1]
    return int(digits) if digits else 0


def hex_integer(value: int, size: int) -> str:
    """An Integer as a String of all its hexadecimal digits."""
    return f"{value:0{2 * size}X}"


def to_string(value: Value, size: int) -> str:
    """Implicit conversion to String."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return hex_integer(value, size)
    if isinstance(value, bytearray):
        return _listed(value, " 0x{:02X}")[1:]
    raise OperandTypeError(f"a {type_name(value)} is no String")


def _listed(value: bytearray, form: str) -> str:
    """Each byte as ``form`` has it; if that may be long, how long is looked at first."""
    check_chars(2 * len(value))
    text = "".join([form.format(byte) for byte in value])
    check_chars(len(text))
    return text


def to_buffer(value: Value, size: int) -> bytearray:
    """Implicit conversion to Buffer; a String brings its NUL along."""
    if isinstance(value, bytearray):
        return value
    if isinstance(value, int):
        return bytearray(value.to_bytes(size, "little"))
    if isinstance(value, str):
        return bytearray(value.encode("latin-1", "replace") + b"\0")
    raise OperandTypeError(f"a {type_name(value)} is no Buffer")


def hex_string(value: Value, size: int) -> str:
    """What ToHexString yields."""
    if isinstance(value, bytearray):
        return _listed(value, ",0x{:02X}")[1:]
    return to_string(value, size)


def decimal_string(value: Value) -> str:
    """What ToDecimalString yields."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytearray):
        return _listed(value, ",{}")[1:]
    raise OperandTypeError(f"a {type_name(value)} has no decimal form")


def like(model: Value, value: Value, size: int) -> Value:
    """``value`` converted to the type of ``model``, an Integer, String or Buffer."""
    if isinstance(model, int):
        return to_integer(value, size)
    if isinstance(model, str):
        return to_string(value, size)
    if isinstance(model, bytearray):
        return to_buffer(value, size)
    raise OperandTypeError(f"a {type_name(model)} is no Integer, String or Buffer")


def describe(value: Value) -> str:
    """A value as text, for Debug."""
    if isinstance(value, Package):
        return "[" + ", ".join([describe(element) for element in value]) + "]"
    if isinstance(value, bytearray):
        return value.hex(" ")
    if isinstance(value, Reference):
        return str(value)
    return "Uninitialized" if value is None else f"{value:#x}" if isinstance(value, int) else value
