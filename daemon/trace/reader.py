"""Reads trace points out of a file of trace events, also of one that was cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine.trace import TracePoint

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = ("ns", "point")
"""Arguments that are the point itself, and none of its fields."""


class TraceFileError(Exception):
    """It is no trace of ours; the text is one line."""


def read_trace(name: str) -> list[TracePoint]:
    """The points of a trace, in their order.

    Raises:
        TraceFileError: the file can't be read, or is something else.
    """
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise TraceFileError(f"could not open '{name}': {error.strerror}") from None
    except UnicodeError:
        raise TraceFileError(f"'{name}' is no trace: it is not UTF-8") from None
    try:
        return [point for event in _events(text) if (point := _point(event)) is not None]
    except ValueError as error:
        raise TraceFileError(f"'{name}' is no trace: {error}") from None


def _events(text: str) -> Iterator[dict[str, Any]]:
    """The trace events in a text.

    Raises:
        ValueError: it is no array of them, nor an object with one.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        yield from _as_far_as_it_goes(text)
        return
    if isinstance(found, dict):
        found = found.get("traceEvents")
    if not isinstance(found, list):
        raise ValueError("there is no array of trace events")  # noqa: TRY004 - of the file
    yield from (event for event in found if isinstance(event, dict))


def _as_far_as_it_goes(text: str) -> Iterator[dict[str, Any]]:
    """The events of a file whose writer was killed: those of all lines that are whole."""
    if not text.startswith("["):
        raise ValueError("it is not JSON")
    for line in text.lstrip("[\n").split("\n"):
        try:
            event = json.loads(line.rstrip(","))
        except (ValueError, RecursionError):
            return
        if isinstance(event, dict):
            yield event


def _point(event: dict[str, Any]) -> TracePoint | None:
    """The point that an event stands for; None for one that only adds to the picture."""
    args = event.get("args")
    if not isinstance(args, dict) or not all(key in args for key in OWN):
        return None
    name, time = args["point"], args["ns"]
    if not isinstance(name, str) or not isinstance(time, int):
        raise ValueError("an event is not one of armvirtd's")  # noqa: TRY004 - of the file
    fields = {key: value for key, value in args.items() if key not in OWN}
    return TracePoint(time, str(event.get("cat", "")), name, fields)
