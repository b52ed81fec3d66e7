"""Numbers and switches as QEMU reads them from a command line.

QEMU reads with `qemu_strtoi64`, `qemu_strtosz` and `qapi_bool_parse`: numbers may be decimal,
octal (leading 0) or hexadecimal, sizes may have a fraction and a binary suffix, switches have four
spellings each. A text that is none of these is None here: who asked knows what to complain about.
"""

from __future__ import annotations

import re
from fractions import Fraction

SUFFIXES = {"B": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}
"""Size suffix, of either case, to its power of two."""

ON = frozenset({"on", "yes", "true", "y"})
OFF = frozenset({"off", "no", "false", "n"})

MAX_SIZE = (1 << 64) - 1

_INTEGER = re.compile(r"\s*([+-]?)(0[xX][0-9a-fA-F]{1,40}|0[0-7]{0,40}|[1-9][0-9]{0,40})", re.ASCII)
_HEX_SIZE = re.compile(r"\s*\+?(0[xX][0-9a-fA-F]{1,40})([KkMmGgTtPp]?)", re.ASCII)
_SIZE = re.compile(
    r"\s*\+?([0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})([BbKkMmGgTtPpEe]?)", re.ASCII
)


def parse_int(text: str) -> int | None:
    """Read a whole number in C's notation; None where the text is not one."""
    found = _INTEGER.fullmatch(text)
    if not found:
        return None
    sign, digits = found.groups()
    octal = digits.startswith("0") and digits.isdigit()
    value = int(digits, 8) if octal else int(digits, 0)
    return -value if sign == "-" else value


def parse_size(text: str) -> int | None:
    """Read a size in bytes, such as `64K`, `1.5G` or `0x1000`; None where the text is not one.

    A fraction needs a unit to be a fraction of, and must come out at a number below 2^64; what
    lies below one byte is cut off.
    """
    if found := _HEX_SIZE.fullmatch(text):
        value = Fraction(int(found[1], 16))
    elif found := _SIZE.fullmatch(text):
        value = Fraction(found[1].rstrip("."))
    else:
        return None
    unit = SUFFIXES[found[2].upper() or "B"]
    if value.denominator > 1 and not unit:
        return None
    size = int(value * (1 << unit))
    return size if size <= MAX_SIZE else None


def parse_bool(text: str) -> bool | None:
    """Read a switch: on/yes/true/y or off/no/false/n; None where the text is neither."""
    if text in ON:
        return True
    return False if text in OFF else None
