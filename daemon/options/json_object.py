"""JSON on a command line or a monitor's, read as QMP reads it and refused in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.options.usage import UsageError
from protocol.stream import JsonStream, ParseError

if TYPE_CHECKING:
    from protocol.value import Value

_PROBE = 0


def parse_object(text: str) -> dict[str, Value]:
    """Read an object.

    Raises:
        UsageError: it is broken, or there is more than one value, or it is no object.
    """
    value = parse_value(text)
    if not isinstance(value, dict):
        raise UsageError("Invalid parameter type, expected: object")
    return value


def parse_value(text: str) -> Value:
    """Read a value; bytes that are not UTF-8 are escaped in the text as Python does it (PEP 383).

    Raises:
        UsageError: it is broken, or there is more than one.
    """
    stream = JsonStream()
    found = stream.feed(f"{text}\n".encode(errors="surrogateescape"))
    if not found:
        raise UsageError("JSON parse error, premature EOI")
    first, *more = found
    if isinstance(first, ParseError):
        raise UsageError(first.desc)
    if more or stream.feed(b"%d\n" % _PROBE) != [_PROBE]:  # what began behind it swallows this
        raise UsageError("Expecting at most one JSON value")
    return first
