"""Hot-plug work, one thing at a time (Linux: kacpi_hotplug_wq, device_hotplug_lock).

What takes CPUs in or out, or the system to sleep, waits here for its turn. The worker runs on some
CPU that is online; work that is to take just that one away is done on another, as `work_on_cpu`
does it (Linux: kernel/cpu.c).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.guest.cpuhp import anywhere

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from machine.guest.kernel import Kernel
    from machine.guest.platform import Thread
    from machine.guest.smp import Cpu


def nobody(_error: int) -> None:
    """Nobody waits for the outcome."""


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do.

    Attributes:
        run: does it on the CPU that it is given; 0, or a negative errno.
        place: which CPU is to do it, given the one where the worker is.
        done: told the outcome.
    """

    run: Callable[[Cpu], Generator[None, None, int]]
    place: Callable[[Cpu], Cpu] = anywhere
    done: Callable[[int], None] = nobody


class HotplugQueue:
    """What waits, and who works at it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._waiting: deque[Work] = deque()
        self._current: Work | None = None
        self._busy = False

    def submit(self, work: Work, cpu: Cpu) -> None:
        """Have something done; a worker that has to be started starts on `cpu`."""
        self._waiting.append(work)
        if not self._busy:
            self._busy = True
            cpu.tasks.append(self._worker(cpu))

    def resume(self, cpu: Cpu, outcome: int) -> None:
        """Go on after a sleep, in which the worker has lost its stack; its work ends so."""
        self._finish(outcome)
        cpu.tasks.append(self._worker(cpu))

    def _worker(self, cpu: Cpu) -> Thread:
        while self._waiting:
            place = self._waiting[0].place(cpu)
            if place is not cpu:
                place.tasks.append(self._worker(place))
                self._kernel.wake(cpu, place)
                return
            self._current = work = self._waiting.popleft()
            self._finish((yield from work.run(cpu)))
            yield from self._kernel.acpi_host.rest(cpu)
        self._busy = False

    def _finish(self, outcome: int) -> None:
        work, self._current = self._current, None
        if work is not None:
            work.done(outcome)
