"""How long a guest takes for what it does, at speed 1 and without load.

Measured on Debian's Linux 6.12 as the guest of the reference, under TCG on two cores, with 25 plugs
and unplugs: medians. The reference's own 4 ms, from the request to its reply, are not among them.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from machine.guest.timer import MS


class Span(NamedTuple):
    """A time that something takes.

    Attributes:
        ns: how long.
        help: from when to when.
        source: what was measured, or follows from what.
    """

    ns: int
    help: str
    source: str


class Latency(Enum):
    """What takes its time."""

    GED = Span(
        4 * MS,
        "from the GED's interrupt to `_EVT`, which finds all that was asked for meanwhile",
        "`device_del` to `_OST`: 3 to 50 ms",
    )
    DEVICE_CHECK = Span(
        28 * MS,
        "from Notify (CPU, 1) to the CPU's registration and `_OST` (1, 0)",
        "`device_add` to `_OST`: 36 ms, less the reply's 4 ms and those of the interrupt",
    )
    UDEV = Span(
        66 * MS,
        "from `_OST` until udev's rule writes to the CPU's `online`",
        '"has been hot-added" to the new CPU\'s first line: 68 ms, less the 2 ms up to `_OST`',
    )
    CPU_UP = Span(
        4 * MS,
        "CPU_ON, and the start of the new CPU",
        'the new CPU\'s first line to "Booted secondary processor": 1 to 6 ms',
    )
    EJECT_REQUEST = Span(
        1 * MS,
        "from Notify (CPU, 3) to `_OST` (3, 0x84)",
        "`device_del` to `_OST`, less the 4 ms of the interrupt",
    )
    REFUSE = Span(
        5 * MS,
        "from `_OST` (3, 0x84) to that of a refusal",
        "1 to 13 ms",
    )
    CPU_DOWN = Span(
        125 * MS,
        "a CPU that is online goes offline",
        "`device_del` to `DEVICE_DELETED`: 135 ms, less what an offline CPU takes",
    )
    EJECT = Span(
        5 * MS,
        "from there to `_EJ0`, and so to `DEVICE_DELETED`",
        "`device_del` to `DEVICE_DELETED` for a CPU that is offline: 10 ms, less the first 5 ms",
    )
    REMOVE = Span(
        5 * MS,
        "the CPU's registration is taken back, up to `_OST` (3, 0)",
        "`DEVICE_DELETED` to `_OST`: 0 to 40 ms",
    )
