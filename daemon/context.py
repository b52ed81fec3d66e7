"""What command handlers are given: the machine, and the daemon's own few things."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.virt import VirtMachine
    from protocol.command import CommandTable
    from protocol.event import EventTable


class TimeKeeper(Protocol):
    """What moves the machine's time."""

    def resume(self) -> None:
        """Let time pass."""

    def pause(self) -> None:
        """Let time stand still."""


def _nothing() -> None:
    """Nobody waits for the end."""


@dataclass(slots=True)
class Context:
    """One machine behind its monitors.

    Attributes:
        machine: the machine.
        time: its time.
        commands: every command there is.
        events: every event there is.
        on_end: called once the machine has ended.
        thread_id: the host thread that runs every vCPU: there is one, ours.
    """

    machine: VirtMachine
    time: TimeKeeper
    commands: CommandTable
    events: EventTable
    on_end: Callable[[], None] = _nothing
    thread_id: int = field(default_factory=os.getpid)

    def follow_run_state(self) -> None:
        """Let time pass while the machine runs, and only then."""
        if self.machine.running:
            self.time.resume()
        else:
            self.time.pause()
