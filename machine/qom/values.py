"""Values that a client writes to properties, checked as QAPI's visitors check JSON values."""

from __future__ import annotations

from typing import Any

from machine.errors import MachineError

RANGES: dict[str, tuple[range, str]] = {
    "int8": (range(-(1 << 7), 1 << 7), "int8_t"),
    "int16": (range(-(1 << 15), 1 << 15), "int16_t"),
    "int32": (range(-(1 << 31), 1 << 31), "int32_t"),
    "int64": (range(-(1 << 63), 1 << 63), "int64"),
    "int": (range(-(1 << 63), 1 << 63), "int64"),
    "uint8": (range(1 << 8), "uint8_t"),
    "uint16": (range(1 << 16), "uint16_t"),
    "uint32": (range(1 << 32), "uint32_t"),
    "uint64": (range(1 << 64), "uint64"),
    "size": (range(1 << 64), "size"),
}
"""Integer types: what fits, and the name that a refusal gives it."""

_INT64 = range(-(1 << 63), 1 << 63)
_UINT64 = range(1 << 64)


def visit(type_: str, name: str, value: Any) -> Any:
    """Check a JSON value against a property's type.

    Raises:
        MachineError: with QAPI's text.
    """
    if type_ in RANGES:
        return _integer(type_, name, value)
    wanted, expected = (bool, "boolean") if type_ == "bool" else (str, "string")
    if not isinstance(value, wanted):
        raise MachineError(f"Invalid parameter type for '{name}', expected: {expected}")
    return value


def _integer(type_: str, name: str, value: Any) -> int:
    """QAPI reads 64 bits, signed or not, before it looks at the size: -1 may be all ones."""
    fits, shown = RANGES[type_]
    unsigned = type_.startswith(("uint", "size"))
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if number is None or not (number in _INT64 or (unsigned and number in _UINT64)):
        if unsigned:
            raise MachineError(f"Parameter '{name}' expects uint64")
        raise MachineError(f"Invalid parameter type for '{name}', expected: integer")
    if unsigned:
        number &= _UINT64[-1]
    if number not in fits:
        raise MachineError(f"Parameter '{name}' expects {shown}")
    return number
