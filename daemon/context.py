"""What command handlers are given: the machine, and the daemon's own few things."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from daemon.config import ClockConfig
from daemon.fds import FdSets
from daemon.monitor import Monitor, detached
from daemon.objects.store import Objects
from machine.memory_backend import DEFAULT_RAM_ID, MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.chardev.backend import Backend
    from daemon.stage import Stage
    from daemon.stepping import Stepping
    from machine.planned import PlannedMachine
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
        stage: the machine, or its plan.
        time: its time.
        commands: every command there is.
        events: every event there is.
        on_end: called once the machine has ended.
        on_abort: called where the process is to end as by a failed assertion.
        chardevs: its character devices, by label.
        objects: what users have created with `-object` and `object-add`.
        fdsets: the sets of file descriptors that its clients have handed over.
        monitor: the monitor whose client asks.
        thread_id: the host thread that runs every vCPU: there is one, ours.
        clock: what moves time, as it was asked for.
        stepping: steps time, if that is done by commands.
    """

    stage: Stage
    time: TimeKeeper
    commands: CommandTable
    events: EventTable
    on_end: Callable[[], None] = _nothing
    on_abort: Callable[[], None] = _nothing
    chardevs: Mapping[str, Backend] = field(default_factory=dict)
    objects: Objects = field(default_factory=Objects)
    fdsets: FdSets = field(default_factory=FdSets)
    monitor: Monitor = field(default_factory=detached)
    thread_id: int = field(default_factory=os.getpid)
    clock: ClockConfig = field(default_factory=ClockConfig)
    stepping: Stepping | None = None

    @property
    def machine(self) -> VirtMachine:
        """The machine; commands that work without one look at `current`."""
        return self.stage.machine

    @property
    def current(self) -> VirtMachine | PlannedMachine:
        """The machine as far as it is there (QEMU: current_machine)."""
        return self.stage.current

    def memory_backends(self) -> dict[str, MemoryBackend]:
        """All memory backends by id: the users', and the one that the machine has made."""
        backends = self.objects.memory_backends()
        if self.stage.planned is None and self.current.config.makes_ram_backend:
            backends[DEFAULT_RAM_ID] = MemoryBackend(self.current.config.ram_size)
        return backends

    def follow_run_state(self) -> None:
        """Let time pass while the machine runs, and only then."""
        if self.current.running:
            self.time.resume()
        else:
            self.time.pause()
