"""Our own ``x-query-clock`` and what steps the clock answers; all times in ns of virtual time."""

from protocol.model import Int64, QapiEnum, WireModel


class ClockMode(QapiEnum):
    """What moves the machine's time: the wall's, the wall's at a rate, or commands."""

    WALL = "wall"
    RATE = "rate"
    STEPPED = "stepped"


class ClockInfo(WireModel):
    """Where the machine's time stands, and whether it passes."""

    mode: ClockMode
    rate: float | None = None
    running: bool
    stepping: bool
    now_ns: Int64
    next_ns: Int64 | None = None


class ClockStopReason(QapiEnum):
    """Why a step ended."""

    TIME = "time"
    EVENT = "event"
    IDLE = "idle"
    STOPPED = "stopped"


class ClockStop(WireModel):
    """Where a step has led, and why no further."""

    now_ns: Int64
    reason: ClockStopReason
