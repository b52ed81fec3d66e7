"""Logical CPUs: one for each usable GICC of the MADT, present from boot on, online or not.

Linux: arch/arm64/kernel/smp.c. The boot CPU is number 0; the others follow the MADT's order.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.guest.acpi_pptt import CpuTopology
    from machine.guest.platform import Platform, Thread
    from machine.guest.timer import Timer

IPI_RESCHEDULE = 0
"""The SGI that only wakes a CPU up."""
IPI_CPU_STOP = 2
"""The SGI that stops a CPU for good."""


class SystemState(Enum):
    """How far the system is (Linux: include/linux/kernel.h)."""

    BOOTING = "booting"
    RUNNING = "running"
    SUSPEND = "suspend"


class Cpu:
    """A logical CPU of the kernel."""

    __slots__ = (
        "dying",
        "enabled",
        "id",
        "mpidr",
        "node",
        "online",
        "platform",
        "tasks",
        "timers",
        "topology",
        "uid",
        "waiter",
    )

    def __init__(self, number: int, uid: int, mpidr: int) -> None:
        self.id = number
        self.uid = uid
        self.mpidr = mpidr
        self.node = 0
        self.topology: CpuTopology | None = None
        self.platform: Platform | None = None
        self.enabled = False
        self.online = False
        self.dying = False
        self.waiter: Cpu | None = None
        """Who waits for this CPU to come or go."""
        self.tasks: list[Thread] = []
        """Kernel threads of this CPU, in the order in which they run; rarely two, so no deque."""
        self.timers: list[Timer] = []
        """Its timers, the first that is due in front."""

    @property
    def hardware(self) -> Platform:
        """This CPU's platform; only code that runs on it may ask."""
        if self.platform is None:
            raise RuntimeError(f"CPU{self.id} has not been started")
        return self.platform
