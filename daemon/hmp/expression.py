"""Numbers as the human monitor takes them: C's notation, and 64-bit arithmetic that wraps around.

Other than in C, it is sums that bind weakest, and all bit operations bind alike::

    sum     = bits  {("+" | "-") bits}
    bits    = product {("&" | "|" | "^") product}
    product = unary {("*" | "/" | "%") unary}
    unary   = ("+" | "-" | "~") unary | "(" sum ")" | "'" character "'" | "$" register | number

There are no registers: a vCPU's are the business of what runs it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daemon.hmp.scan import HmpError, Scanner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_NESTED = 64
"""Brackets within brackets; QEMU has no limit but its stack."""

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*", re.ASCII)
_UINT64 = range(1 << 64)
_UINT64_DIGITS = 22  # in octal
_SIGNS = {"+": 1, "-": -1, "~": 0}


def _signed(value: int) -> int:
    """What 64 bits keep of a number."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def _quotient(left: int, right: int) -> int:
    """C's division: towards zero."""
    if not right:
        raise HmpError("division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: int, right: int) -> int:
    return left - _quotient(left, right) * right


_LEVELS: tuple[Mapping[str, Callable[[int, int], int]], ...] = (
    {"+": lambda left, right: left + right, "-": lambda left, right: left - right},
    {
        "&": lambda left, right: left & right,
        "|": lambda left, right: left | right,
        "^": lambda left, right: left ^ right,
    },
    {"*": lambda left, right: left * right, "/": _quotient, "%": _remainder},
)
"""Operators, the weakest first."""


def evaluate(scan: Scanner) -> int:
    """Take an expression; its value as a signed number of 64 bits.

    Raises:
        HmpError: it is none.
    """
    scan.skip_space()
    return _binary(scan, 0, MOST_NESTED)


def _binary(scan: Scanner, level: int, depth: int) -> int:
    if level == len(_LEVELS):
        return _unary(scan, depth)
    value = _binary(scan, level + 1, depth)
    while apply := _LEVELS[level].get(scan.peek()):
        scan.step()
        value = _signed(apply(value, _binary(scan, level + 1, depth)))
    return value


def _unary(scan: Scanner, depth: int) -> int:
    signs = []
    while scan.peek() and scan.peek() in _SIGNS:
        signs.append(scan.peek())
        scan.step()
    value = _operand(scan, depth)
    for sign in reversed(signs):
        value = _signed(~value if sign == "~" else value * _SIGNS[sign])
    return value


def _operand(scan: Scanner, depth: int) -> int:
    match scan.peek():
        case "":
            raise HmpError("unexpected end of expression")
        case "(":
            return _bracketed(scan, depth)
        case "'":
            return _character(scan)
        case "$":
            raise HmpError("unknown register")
    return _number(scan)


def _bracketed(scan: Scanner, depth: int) -> int:
    if not depth:
        raise HmpError("expression nested too deep")
    scan.step()
    value = _binary(scan, 0, depth - 1)
    if scan.peek() != ")":
        raise HmpError("')' expected")
    scan.step()
    return value


def _character(scan: Scanner) -> int:
    scan.at += 1
    if not scan.peek():
        raise HmpError("character constant expected")
    value = ord(scan.peek())
    scan.at += 1
    if scan.peek() != "'":
        raise HmpError("missing terminating ' character")
    scan.step()
    return value


def _number(scan: Scanner) -> int:
    found = _NUMBER.match(scan.text, scan.at)
    if found is None:
        raise HmpError(f"invalid char '{scan.peek()}' in expression")
    digits = found[0].lower()
    octal = digits.startswith("0") and digits.isdigit()
    significant = digits.removeprefix("0x").lstrip("0") or "0"
    base = 8 if octal else 16 if digits.startswith("0x") else 10
    if len(significant) > _UINT64_DIGITS or int(significant, base) not in _UINT64:
        raise HmpError("number too large")
    scan.at = found.end()
    scan.skip_space()
    return _signed(int(significant, base))
