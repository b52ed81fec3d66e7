"""User space's rule that brings a CPU online once it is enabled (systemd: udev rules).

A process of user space: its time passes beside hot-plug work, not within. When that has passed, it
writes to the CPU's `online`, and waits for its turn.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.guest import cpuhp, timer
from machine.guest.behaviour import OnlinePolicy
from machine.guest.latency import Latency
from machine.guest.workqueue import Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu


def uevent(kernel: Kernel, on: Cpu, cpu: Cpu) -> Thread:
    """User space is told, on the CPU `on`, that `cpu` is enabled; no time means: at once."""
    behaviour = kernel.will.behaviour
    if behaviour.online is not OnlinePolicy.UDEV:
        return
    if delay := behaviour.online_delay + kernel.takes(Latency.UDEV):
        timer.start(on, delay, partial(_write_online, kernel, cpu))
    else:
        yield from cpuhp.cpu_up(kernel, on, cpu)


def _write_online(kernel: Kernel, cpu: Cpu, on: Cpu) -> None:
    kernel.hotplug.submit(Work(partial(_online, kernel, cpu)), on)


def _online(kernel: Kernel, cpu: Cpu, on: Cpu) -> Generator[None, None, int]:
    """Its file may be gone meanwhile."""
    if not cpu.enabled:
        return -cpuhp.ENOENT
    return (yield from cpuhp.cpu_up(kernel, on, cpu))
