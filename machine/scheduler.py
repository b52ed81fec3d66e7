"""When vCPUs run: each in its turn on the virtual clock, as a thread each would on a host.

A vCPU that is kicked (powered on, or interrupted while it waits) runs a little later, so that
whoever kicked it finishes first; that one enters the guest is what costs the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.kvm.smccc import AFFINITY_ON, AFFINITY_ON_PENDING

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.clock import Timer, VirtualClock
    from machine.kvm.vcpu import Vcpu

ENTRY_NS = 1_000
"""From a kick to the guest's next instruction, in ns."""


class VcpuThread:
    """What QEMU has a thread for: it exists while a CPU is plugged, and calls KVM_RUN.

    Power changes at once, unless somebody makes it late (`start_later`, `stop_late`); whatever
    stops the CPU, or takes it away, ends that, too.
    """

    __slots__ = (
        "_change",
        "_clock",
        "_due",
        "_kicked",
        "_then",
        "_vcpu",
        "entered",
        "on_pending",
    )

    def __init__(self, clock: VirtualClock, vcpu: Vcpu) -> None:
        self._clock = clock
        self._vcpu = vcpu
        self._due: Timer | None = None
        self._change: Timer | None = None
        self._then: Callable[[], None] | None = None
        self._kicked = False
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
        """Forget a pending kick, and what was to come late."""
        self.on_pending = False
        self._kicked = False
        self._settle()
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _run(self) -> None:
        self._due = None
        self.entered = True
        self.on_pending = False
        self._vcpu.run()

    # The host does not schedule it

    def hold(self) -> None:
        """Do not run from now on, but remember kicks."""
        self._vcpu.on_kick = self._remember
        if self._due is not None:
            self._due.cancel()
            self._due = None
            self._kicked = True

    def let_go(self) -> None:
        """Run again, at once if there was a kick meanwhile."""
        self._vcpu.on_kick = self.kick
        kicked, self._kicked = self._kicked, False
        if kicked:
            self.kick()

    def _remember(self) -> None:
        self._kicked = True

    # Power that comes late

    def start_later(self, delay: int | None, begin: Callable[[], None]) -> None:
        """The CPU is powered on, and begins late: it is pending until then.

        Args:
            delay: ns; None where it does not begin before `release`.
            begin: brings it to its first instruction.
        """
        self.on_pending = True
        self._then = begin
        self._vcpu.transition = AFFINITY_ON_PENDING
        if delay is not None:
            self._change = self._clock.call_after(delay, self._arrived)

    def _arrived(self) -> None:
        """Power is what it was to be."""
        then = self._then
        self._settle()
        if then is not None:
            then()

    def release(self) -> None:
        """Let a start come that would not come by itself."""
        if self._change is None:
            self._arrived()

    def stop_late(self, delay: int, tell: Callable[[], None]) -> None:
        """The CPU has stopped, and seems to be on for so many ns; `tell` that it is off then."""
        self._then = tell
        self._vcpu.transition = AFFINITY_ON
        self._change = self._clock.call_after(delay, self._arrived)

    def _settle(self) -> None:
        """Power is what it is, and nothing is to come."""
        self._then = None
        self._vcpu.transition = None
        if self._change is not None:
            self._change.cancel()
            self._change = None
