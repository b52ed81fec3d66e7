"""Why KVM_RUN returned: the record that the kernel shares with user space (struct kvm_run).

Documentation/virt/kvm/api.rst §5. The numbers are those of the interface. One record stands for
each way out; a vCPU keeps the last one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.kvm.vcpu import Vcpu
    from machine.trace import Trace

_Answer = TypeVar("_Answer")


class ExitReason(IntEnum):
    """KVM_EXIT_*: the ways out that arm64 has here."""

    HYPERCALL = 3
    MMIO = 6
    INTR = 10
    INTERNAL_ERROR = 17
    SYSTEM_EVENT = 24


class SystemEvent(IntEnum):
    """KVM_SYSTEM_EVENT_*: what PSCI, or a wake-up, asks user space for."""

    SHUTDOWN = 1
    RESET = 2
    WAKEUP = 4
    SUSPEND = 5


class InternalError(IntEnum):
    """KVM_INTERNAL_ERROR_*: what the kernel could not do."""

    EMULATION = 1
    UNEXPECTED_EXIT_REASON = 4


class MmioExit(NamedTuple):
    """An access to an address that nothing in the kernel answers.

    Attributes:
        phys_addr: guest-physical.
        len: in bytes.
        is_write: a store.
        data: what is stored; of a load, what user space has answered, None before it has.
    """

    phys_addr: int
    len: int
    is_write: bool
    data: int | None

    @property
    def exit_reason(self) -> ExitReason:
        """KVM_EXIT_MMIO."""
        return ExitReason.MMIO


class HypercallExit(NamedTuple):
    """A call that the SMCCC filter forwards: its function identifier, and x1 onwards."""

    nr: int
    args: tuple[int, ...]

    @property
    def exit_reason(self) -> ExitReason:
        """KVM_EXIT_HYPERCALL."""
        return ExitReason.HYPERCALL


class SystemEventExit(NamedTuple):
    """The guest wants something of the whole system."""

    type: SystemEvent

    @property
    def exit_reason(self) -> ExitReason:
        """KVM_EXIT_SYSTEM_EVENT."""
        return ExitReason.SYSTEM_EVENT


class IntrExit(NamedTuple):
    """Nothing to execute: a signal would have taken the thread out of the kernel (-EINTR)."""

    @property
    def exit_reason(self) -> ExitReason:
        """KVM_EXIT_INTR."""
        return ExitReason.INTR


class InternalErrorExit(NamedTuple):
    """The kernel can't go on with this vCPU."""

    suberror: InternalError

    @property
    def exit_reason(self) -> ExitReason:
        """KVM_EXIT_INTERNAL_ERROR."""
        return ExitReason.INTERNAL_ERROR


KvmRun = MmioExit | HypercallExit | SystemEventExit | IntrExit | InternalErrorExit
"""What is in `kvm_run` after an exit; `exit_reason` tells which."""

INTERRUPTED = IntrExit()

Left = KvmRun | tuple[int, int, bool, int | None]
"""A record as it is kept: that of an exit for MMIO as its bare fields."""


def as_record(left: Left) -> KvmRun:
    """What `kvm_run` shows."""
    return left if isinstance(left, KvmRun) else MmioExit(*left)


class ExitHandler(Protocol):
    """User space's side of KVM_RUN: one method for each exit reason that it has to serve."""

    def mmio_read(self, vcpu: Vcpu, address: int, size: int) -> int:
        """KVM_EXIT_MMIO: a load that nothing in the kernel answers."""

    def mmio_write(self, vcpu: Vcpu, address: int, size: int, value: int) -> None:
        """KVM_EXIT_MMIO: a store that nothing in the kernel takes."""

    def hypercall(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """KVM_EXIT_HYPERCALL: a call that the SMCCC filter forwards; the result goes to x0."""

    def system_event(self, vcpu: Vcpu, kind: str) -> None:
        """KVM_EXIT_SYSTEM_EVENT: a `SystemEvent` by its name in lower case."""

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        """KVM_EXIT_SYSTEM_EVENT of type SUSPEND: x0, where the call is refused."""

    def internal_error(self, vcpu: Vcpu) -> None:
        """KVM_EXIT_INTERNAL_ERROR: the vCPU can't go on."""


class Exits:
    """The way out: records each exit, and has user space serve it.

    While user space is at it, the vCPU is out of the guest: what is refused while one executes
    is not refused then. Exits for MMIO are what a guest does all the time, a console's thousands:
    they are spelled out here, and their records put together when somebody looks.
    """

    def __init__(self, user: ExitHandler, trace: Trace) -> None:
        self._user = user
        self._trace = trace
        self.running: set[Vcpu] = set()
        """Those in KVM_RUN, be it in the guest or with user space."""

    def enter(self, vcpu: Vcpu) -> None:
        """KVM_RUN begins."""
        self.running.add(vcpu)
        vcpu.in_guest = True
        if self._trace.on:
            self._trace("kvm", "kvm_entry", vcpu_id=vcpu.id)

    def leave(self, vcpu: Vcpu) -> None:
        """KVM_RUN returns, for what the last record says."""
        vcpu.in_guest = False
        self.running.discard(vcpu)
        if self._trace.on and vcpu.left is not None:
            reason = as_record(vcpu.left).exit_reason.name
            self._trace("kvm", "kvm_userspace_exit", vcpu_id=vcpu.id, reason=reason)

    @property
    def executing(self) -> bool:
        """Whether any vCPU is in the guest."""
        return any(vcpu.in_guest for vcpu in self.running)

    def mmio_read(self, vcpu: Vcpu, address: int, size: int) -> int:
        """See `ExitHandler`."""
        vcpu.left = (address, size, False, None)
        if self._trace.on:
            self._report(vcpu, ExitReason.MMIO)
        inside, vcpu.in_guest = vcpu.in_guest, False
        try:
            value = self._user.mmio_read(vcpu, address, size)
        finally:
            vcpu.in_guest = inside
        vcpu.left = (address, size, False, value)
        return value

    def mmio_write(self, vcpu: Vcpu, address: int, size: int, value: int) -> None:
        """See `ExitHandler`."""
        vcpu.left = (address, size, True, value)
        if self._trace.on:
            self._report(vcpu, ExitReason.MMIO)
        inside, vcpu.in_guest = vcpu.in_guest, False
        try:
            self._user.mmio_write(vcpu, address, size, value)
        finally:
            vcpu.in_guest = inside

    def hypercall(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """See `ExitHandler`."""
        run = HypercallExit(function, args)
        return self._leave(vcpu, run, self._user.hypercall, function, args)

    def system_event(self, vcpu: Vcpu, kind: str) -> None:
        """See `ExitHandler`."""
        run = SystemEventExit(SystemEvent[kind.upper()])
        self._leave(vcpu, run, self._user.system_event, kind)

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        """See `ExitHandler`."""
        run = SystemEventExit(SystemEvent.SUSPEND)
        return self._leave(vcpu, run, self._user.system_suspend, entry, context)

    def internal_error(self, vcpu: Vcpu, suberror: InternalError) -> None:
        """See `ExitHandler`."""
        self._leave(vcpu, InternalErrorExit(suberror), self._user.internal_error)

    def record(self, vcpu: Vcpu, run: KvmRun) -> None:
        """Leave the record of an exit."""
        vcpu.left = run
        if self._trace.on:
            self._report(vcpu, run.exit_reason)

    def _report(self, vcpu: Vcpu, reason: ExitReason) -> None:
        self._trace("kvm", "kvm_exit", vcpu_id=vcpu.id, reason=reason.name)

    def _leave(
        self,
        vcpu: Vcpu,
        run: KvmRun,
        serve: Callable[..., _Answer],
        *args: object,
    ) -> _Answer:
        self.record(vcpu, run)
        inside, vcpu.in_guest = vcpu.in_guest, False
        try:
            return serve(vcpu, *args)
        finally:
            vcpu.in_guest = inside
