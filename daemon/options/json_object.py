"""JSON objects on the command line, read as QMP reads them and refused in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.options.usage import UsageError
from protocol.stream import JsonStream, ParseError

if TYPE_CHECKING:
    from protocol.value import Value

_PROBE = 0


def parse_object(text: str) -> dict[str, Value]:
    """Read one.

    Raises:
        UsageError: it is broken, or there is more than one value, or it is no object.
    """
    stream = JsonStream()
    found = stream.feed(f"{text}\n".encode())
    if not found:
        raise UsageError("JSON parse error, premature EOI")
    first, *more = found
    if isinstance(first, ParseError):
        raise UsageError(first.desc)
    if more or stream.feed(b"%d\n" % _PROBE) != [_PROBE]:  # what began behind it swallows this
        raise UsageError("Expecting at most one JSON value")
    if not isinstance(first, dict):
        raise UsageError("Invalid parameter type, expected: object")
    return first
