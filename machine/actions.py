"""What the VMM does when the guest reboots, powers off, or panics (QEMU: `-action`, `set-action`).

Plain data: the board looks it up when the moment has come, so it may change at any time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from machine.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST_ENDS = frozenset({"host-qmp-quit", "host-signal"})
"""Whoever asks so is not to find the machine still there."""
GUEST_PANIC, GUEST_SHUTDOWN = "guest-panic", "guest-shutdown"


class RebootAction(Enum):
    """A reset, the guest's or one from outside."""

    RESET = "reset"
    SHUTDOWN = "shutdown"


class ShutdownAction(Enum):
    """A power-off."""

    POWEROFF = "poweroff"
    PAUSE = "pause"


class PanicAction(Enum):
    """A panic that the guest has told of."""

    PAUSE = "pause"
    SHUTDOWN = "shutdown"
    EXIT_FAILURE = "exit-failure"
    NONE = "none"


class WatchdogAction(Enum):
    """A watchdog that has expired; there is none that could."""

    RESET = "reset"
    SHUTDOWN = "shutdown"
    POWEROFF = "poweroff"
    PAUSE = "pause"
    DEBUG = "debug"
    NONE = "none"
    INJECT_NMI = "inject-nmi"


class GuestPanicAction(Enum):
    """What becomes of the machine after a panic, as GUEST_PANICKED tells it."""

    PAUSE = "pause"
    POWEROFF = "poweroff"
    RUN = "run"


OCCASIONS: Mapping[str, type[Enum]] = {
    "reboot": RebootAction,
    "shutdown": ShutdownAction,
    "panic": PanicAction,
    "watchdog": WatchdogAction,
}
"""What can be chosen for each, by the names of `Actions`."""

_AFTER_PANIC: Mapping[PanicAction, GuestPanicAction] = {
    PanicAction.PAUSE: GuestPanicAction.PAUSE,
    PanicAction.SHUTDOWN: GuestPanicAction.POWEROFF,
    PanicAction.EXIT_FAILURE: GuestPanicAction.POWEROFF,
    PanicAction.NONE: GuestPanicAction.RUN,
}


@dataclass(frozen=True, slots=True)
class Actions:
    """One for each occasion."""

    reboot: RebootAction = RebootAction.RESET
    shutdown: ShutdownAction = ShutdownAction.POWEROFF
    panic: PanicAction = PanicAction.SHUTDOWN
    watchdog: WatchdogAction = WatchdogAction.RESET

    def chosen(self, given: Mapping[str, str]) -> Actions:
        """The same, but for what was given: occasions, each with what is to be done.

        Raises:
            MachineError: that can't be done then.
        """
        changes: dict[str, Any] = {key: _read(key, text) for key, text in given.items()}
        return replace(self, **changes)

    @property
    def after_panic(self) -> GuestPanicAction:
        """What a panic leads to: where a shutdown only pauses, so does one for a panic."""
        pauses = self.shutdown is ShutdownAction.PAUSE
        if self.panic is PanicAction.SHUTDOWN and pauses:
            return GuestPanicAction.PAUSE
        return _AFTER_PANIC[self.panic]

    def ends(self, reason: str) -> bool:
        """Whether a shutdown for a reason (QEMU: ShutdownCause) ends the machine."""
        return self.shutdown is ShutdownAction.POWEROFF or reason in HOST_ENDS

    def exit_status(self, reason: str) -> int:
        """What the process ends with, after a shutdown for a reason."""
        return int(reason == GUEST_PANIC and self.panic is PanicAction.EXIT_FAILURE)


def _read(key: str, text: str) -> Enum:
    try:
        return OCCASIONS[key](text)
    except ValueError:
        raise MachineError(f"Parameter '{key}' does not accept value '{text}'") from None
