"""Values of device properties, as QEMU takes them from a client: everything is text first.

`device_add` of the reference turns JSON scalars into option strings, and parses those by the
property's type. So `"2"`, `"0x2"` and `2` are the same core-id, and `true` is `on`
(hw/core/qdev-properties, qapi: string input visitor).
"""

from __future__ import annotations

import re

from machine.errors import MachineError

INT32 = range(-(1 << 31), 1 << 31)
INT64 = range(-(1 << 63), 1 << 63)
UINT32 = range(1 << 32)
UINT64 = range(1 << 64)

MOST_DIGITS = 1 + 22
"""What a 64-bit number takes in octal; more digits are out of any range."""

_TRUE = frozenset({"on", "yes", "true", "y"})
_FALSE = frozenset({"off", "no", "false", "n"})
_NUMBER = re.compile(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)


def option_text(name: str, value: object, expected: str) -> str:
    """Turn a JSON scalar into option text.

    Raises:
        MachineError: for null, a list or an object, which the reference drops in silence.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.17g}"
    raise MachineError(f"Invalid parameter type for '{name}', expected: {expected}")


def parse_number(text: str) -> int | None:
    """An integer by C's rules for base 0: decimal, 0x, leading 0 for octal; or None."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, digits = match.groups()
    if len(digits) > MOST_DIGITS:
        return None
    octal = digits.startswith("0") and digits.isdigit()
    value = int(digits, 8 if octal else 0)
    return -value if sign == "-" else value


def parse_int32(name: str, text: str) -> int:
    """An int32 property.

    Raises:
        MachineError: for what is no integer, or too large a one.
    """
    value = parse_number(text)
    if value is None or value not in INT64:
        raise MachineError(f"Parameter '{name}' expects integer")
    if value not in INT32:
        raise MachineError(f"Parameter '{name}' expects int32_t")
    return value


def parse_uint64(name: str, text: str) -> int:
    """A uint64 property; -1 is all ones, as with C's strtoull.

    Raises:
        MachineError: for what is no integer, or too large a one.
    """
    value = parse_number(text)
    if value is None or not (value in INT64 or value in UINT64):
        raise MachineError(f"Parameter '{name}' expects integer")
    return value & UINT64[-1]


def parse_uint32(name: str, text: str) -> int:
    """A uint32 property.

    Raises:
        MachineError: for what is no integer, or too large a one.
    """
    value = parse_uint64(name, text)
    if value not in UINT32:
        raise MachineError(f"Parameter '{name}' expects uint32_t")
    return value


def parse_bool(name: str, text: str) -> bool:
    """A boolean property.

    Raises:
        MachineError: for what is neither on nor off.
    """
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise MachineError(f"Parameter '{name}' expects 'on' or 'off'")
