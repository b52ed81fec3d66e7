"""Measures that do not depend on how fast anything is: calls that are made, bytes that are kept."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import machine

if TYPE_CHECKING:
    from collections.abc import Callable

MACHINE = str(Path(machine.__file__).parent)
_Made = TypeVar("_Made")


def calls_made(action: Callable[[], object]) -> int:
    """How many functions, of Python or of C, the machine calls for an action.

    Only its own: the collector is kept from ending what other tests have left, guests' threads
    among it, which are called for that.
    """
    count = 0

    def profile(frame: Any, event: str, _arg: Any) -> None:
        nonlocal count
        ours = frame.f_code.co_filename.startswith(MACHINE)
        count += ours and event in ("call", "c_call")

    gc.disable()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def kept_by(make: Callable[[], _Made]) -> tuple[_Made, int]:
    """What was made, and the bytes of the objects that it consists of."""
    gc.collect()
    tracemalloc.start()
    try:
        made = make()
        gc.collect()
        return made, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
