"""Threads of the kernel, and what a CPU does when none of them can run.

Linux: kernel/sched/core.c and idle.c. A thread has the CPU until it waits (`yield`); after the next
interrupt it looks whether what it waits for has come. So threads of one CPU sleep side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest import cpuhp
from machine.guest.panic import Panic

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu

_ENDED = object()


def idle(kernel: Kernel, cpu: Cpu) -> Thread:
    """Let threads run, then wait for an interrupt; forever.

    A CPU that is to go offline goes once its threads have ended.
    """
    while True:
        try:
            _run(cpu)
        except Panic as crash:
            yield from crash.end
        if cpu.dying and not cpu.tasks:
            cpuhp.cpu_die(kernel, cpu)
        kernel.log.flush(cpu.hardware)
        cpu.hardware.wfi()
        yield


def _run(cpu: Cpu) -> None:
    """Let each thread go on until it waits, those that come meanwhile included.

    One that ends the CPU's life by what it does is gone, and the others are still there.
    """
    waiting: list[Thread] = []
    try:
        while cpu.tasks:
            thread = cpu.tasks.pop(0)
            if next(thread, _ENDED) is not _ENDED:
                waiting.append(thread)
    finally:
        cpu.tasks[:0] = waiting
