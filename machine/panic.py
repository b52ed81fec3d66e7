"""What the VMM does when its guest says that it has panicked (QEMU: system/runstate.c).

Which of it is done, `-action` and `set-action` say. The guest's store is told of at once; an end
comes once its vCPU has left the guest, as with PSCI's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.acpi.pvpanic import CRASH_LOADED, PANICKED, SHUTDOWN
from machine.actions import GUEST_PANIC, GUEST_SHUTDOWN, GuestPanicAction
from machine.events import GuestCrashLoaded, GuestPanicked, GuestPvShutdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.virt import VirtMachine


class PanicPolicy:
    """For one machine.

    Attributes:
        on_event: what is done about each event of the panic device.
    """

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine
        self.on_event: Mapping[int, Callable[[], None]] = {
            PANICKED: self._panicked,
            CRASH_LOADED: self._crash_loaded,
            SHUTDOWN: self._shutdown,
        }

    def _panicked(self) -> None:
        machine = self._machine
        after = machine.actions.after_panic
        machine.events.emit(GuestPanicked(after.value))
        if after is GuestPanicAction.PAUSE:
            machine.panicked()
        elif after is GuestPanicAction.POWEROFF:
            machine.power.request_shutdown(GUEST_PANIC)

    def _crash_loaded(self) -> None:
        self._machine.events.emit(GuestCrashLoaded(GuestPanicAction.RUN.value))

    def _shutdown(self) -> None:
        self._machine.events.emit(GuestPvShutdown())
        self._machine.power.request_shutdown(GUEST_SHUTDOWN)
