"""The terminal on the serial port, from the interrupt of its UART up to the shell that reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.guest.n_tty import NTty
from machine.guest.shell import Shell

if TYPE_CHECKING:
    from machine.guest.amba_pl011 import Pl011
    from machine.guest.kernel import Kernel
    from machine.guest.platform import Platform, Thread
    from machine.guest.smp import Cpu


class Terminal:
    """One terminal, with a shell on it.

    Args:
        kernel: the kernel.
        uart: the serial port; its input comes here from now on.
        interrupt: the UART's INTID.
    """

    def __init__(self, kernel: Kernel, uart: Pl011, interrupt: int) -> None:
        self._kernel = kernel
        self._uart = uart
        self._lines: list[str] = []
        self._shell = Shell(kernel, kernel.log.write)
        self._tty = NTty(self._lines.append, self._shell.prompt, kernel.log.write_bytes)
        platform = kernel.boot_cpu.hardware
        kernel.gic.handle(interrupt, self._take)
        kernel.gic.request_spi(platform, interrupt)
        uart.enable_input(platform)

    def _take(self, platform: Platform) -> None:
        """The hard handler: take what was typed; what it means is for a task to find out."""
        self._tty.receive(self._uart.receive(platform))
        if self._lines:
            cpu = self._kernel.cpu_of(platform)
            cpu.tasks.append(self._execute(cpu))

    def _execute(self, cpu: Cpu) -> Thread:
        yield from ()
        lines, self._lines[:] = list(self._lines), []
        for line in lines:
            self._shell.line(line, cpu)
