"""All that the guest can touch: seven verbs of one CPU.

Memory and device registers (`load`, `store`), system registers (`mrs`, `msr`), firmware calls
(`smccc`), waiting (`wfi`) and interrupts (`on_irq`). There is no eighth. A guest learns where
anything is from the bytes that it loads, as Linux does.

Guest code that takes time is written as generators: `yield platform.wfi()` gives the CPU up until
an interrupt has been handled. Everything between two yields happens at one instant.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol

Thread = Generator[None, None, None]
"""A flow of guest code; each `yield` is a wait for an interrupt."""


Vector = Callable[[], Thread | None]
"""Where an exception leads: it returns to what it has interrupted, or gives what is executed
instead."""


class PowerOff(BaseException):
    """Raised by `smccc` for a call that does not return: it unwinds the CPU's stack."""


class Platform(Protocol):
    """One CPU's view of its machine. Addresses are guest-physical, sizes in bytes."""

    def load(self, address: int, size: int) -> int:
        """Load; 1, 2, 4 or 8 bytes of a device, any number of RAM (a memcpy). Little-endian."""

    def store(self, address: int, size: int, value: int) -> None:
        """Store; sizes as with `load`."""

    def mrs(self, register: str) -> int:
        """Read a system register, by its architectural name."""

    def msr(self, register: str, value: int) -> None:
        """Write a system register, by its architectural name."""

    def smccc(self, function: int, *args: int) -> int:
        """HVC #0 by the SMC calling convention: x0 afterwards, as a signed number.

        CPU_SUSPEND is a `wfi` by another name: the wait itself is the `yield` that follows.

        Raises:
            PowerOff: where the call powers this CPU, or the system, off.
        """

    def wfi(self) -> None:
        """Wait for an interrupt; the wait itself is the `yield` that follows."""

    def on_irq(self, handler: Vector, serror: Vector | None = None) -> None:
        """Install the vectors, that for IRQs and perhaps that for SErrors, and unmask.

        MSR DAIF masks them again.
        """
