"""When vCPUs run: each in its turn on the virtual clock, as a thread each would on a host.

A vCPU that is kicked (powered on, or interrupted while it waits) runs a little later, so that
whoever kicked it finishes first; that one enters the guest is what costs the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from machine.clock import Timer, VirtualClock
    from machine.kvm.vcpu import Vcpu

ENTRY_NS = 1_000
"""From a kick to the guest's next instruction, in ns."""


class VcpuThread:
    """What QEMU has a thread for: it exists while a CPU is plugged, and calls KVM_RUN."""

    __slots__ = ("_clock", "_due", "_vcpu", "entered", "on_pending")

    def __init__(self, clock: VirtualClock, vcpu: Vcpu) -> None:
        self._clock = clock
        self._vcpu = vcpu
        self._due: Timer | None = None
        self.entered = False
        """Whether the guest has executed anything here since this was last cleared."""
        self.on_pending = False
        """Whether the CPU is powered on, and has not begun to execute (DEN0022F §6.6)."""
        vcpu.on_kick = self.kick

    def kick(self) -> None:
        """Let the vCPU run soon; once is enough."""
        if self._due is None:
            self._due = self._clock.call_after(ENTRY_NS, self._run)

    def end(self) -> None:
        """The CPU goes away."""
        self._vcpu.on_kick = None
        self.stop()

    def stop(self) -> None:
        """Forget a pending kick."""
        self.on_pending = False
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _run(self) -> None:
        self._due = None
        self.entered = True
        self.on_pending = False
        self._vcpu.run()
