"""Run states of a machine and what moves between them, by QEMU's names (qapi: RunState)."""

from __future__ import annotations

from enum import Enum

from machine.events import MachineEvent, Resumed, Stopped, Suspended, WokenUp


class RunState(Enum):
    """As `query-status` spells them."""

    PRELAUNCH = "prelaunch"
    RUNNING = "running"
    PAUSED = "paused"
    SHUTDOWN = "shutdown"
    SUSPENDED = "suspended"
    INTERNAL_ERROR = "internal-error"
    GUEST_PANICKED = "guest-panicked"


class Verb(Enum):
    """What can be asked of a machine's run state."""

    STOP = "stop"
    CONT = "cont"
    CONT_ASLEEP = "cont, of a guest that sleeps"
    RESET = "system_reset"
    SHUTDOWN = "shutdown"
    POWER_OFF = "shutdown, of a machine that is to be kept"
    PANIC = "panic, of a guest that is to be stopped"
    SUSPEND = "suspend"
    WAKEUP = "system_wakeup"
    FAIL = "internal error"


_S, _V = RunState, Verb

TRANSITIONS: dict[tuple[RunState, Verb], tuple[RunState, MachineEvent | None]] = {
    (_S.RUNNING, _V.STOP): (_S.PAUSED, Stopped()),
    (_S.PRELAUNCH, _V.CONT): (_S.RUNNING, Resumed()),
    (_S.PAUSED, _V.CONT): (_S.RUNNING, Resumed()),
    (_S.RUNNING, _V.SUSPEND): (_S.SUSPENDED, Suspended()),
    (_S.SUSPENDED, _V.WAKEUP): (_S.RUNNING, WokenUp()),
    (_S.SUSPENDED, _V.STOP): (_S.PAUSED, Stopped()),
    (_S.PAUSED, _V.CONT_ASLEEP): (_S.SUSPENDED, Resumed()),
    (_S.PAUSED, _V.RESET): (_S.PRELAUNCH, None),
    (_S.SUSPENDED, _V.RESET): (_S.PRELAUNCH, None),
    (_S.RUNNING, _V.FAIL): (_S.INTERNAL_ERROR, Stopped()),
    (_S.INTERNAL_ERROR, _V.RESET): (_S.PRELAUNCH, None),
    (_S.RUNNING, _V.PANIC): (_S.GUEST_PANICKED, Stopped()),
    (_S.GUEST_PANICKED, _V.CONT): (_S.RUNNING, Resumed()),
    (_S.GUEST_PANICKED, _V.RESET): (_S.PRELAUNCH, None),
    (_S.RUNNING, _V.POWER_OFF): (_S.SHUTDOWN, Stopped()),
    (_S.SUSPENDED, _V.POWER_OFF): (_S.SHUTDOWN, Stopped()),
    (_S.SHUTDOWN, _V.RESET): (_S.PRELAUNCH, None),
    (_S.RUNNING, _V.SHUTDOWN): (_S.SHUTDOWN, None),
    (_S.PAUSED, _V.SHUTDOWN): (_S.SHUTDOWN, None),
    (_S.SUSPENDED, _V.SHUTDOWN): (_S.SHUTDOWN, None),
    (_S.PRELAUNCH, _V.SHUTDOWN): (_S.SHUTDOWN, None),
    (_S.INTERNAL_ERROR, _V.SHUTDOWN): (_S.SHUTDOWN, None),
    (_S.GUEST_PANICKED, _V.SHUTDOWN): (_S.SHUTDOWN, None),
}
"""State and verb to the next state, and the event that tells of it. What is not here changes
nothing: stopping a machine that is not running, say, is fine, and is no event. A guest that sleeps
can be stopped, and sleeps on afterwards; a reset ends its sleep, and waits for `cont`."""

NEEDS_RESET = frozenset({_S.SHUTDOWN, _S.INTERNAL_ERROR})
"""States that nothing but a reset leads out of (QEMU: runstate_needs_reset)."""


def transition(state: RunState, verb: Verb) -> tuple[RunState, MachineEvent | None]:
    """Where a verb leads from a state."""
    return TRANSITIONS.get((state, verb), (state, None))
