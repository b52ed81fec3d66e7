"""The engine of the modelled guest: one vCPU executing Python in place of instructions.

It is the guest's platform (its seven verbs are what the vCPU does), and the vCPU's engine: it
resumes the guest's thread until that waits, and takes interrupts as the architecture does,
between two steps, while they are unmasked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from machine.guest.platform import PowerOff
from machine.kvm.vcpu import PSR_A, PSR_I, MpState

if TYPE_CHECKING:
    from machine.guest.platform import Platform, Thread, Vector
    from machine.kvm.vcpu import Vcpu

SIGN = 1 << 63


class Code(Protocol):
    """What can be executed: a kernel's image, as a rule."""

    def enter(self, platform: Platform, pc: int, x0: int) -> Thread:
        """Begin at an address; LookupError where there is no code."""


class ModelEngine:
    """Runs `image` on `vcpu`, from the vCPU's program counter on."""

    __slots__ = ("_handler", "_image", "_running", "_serror", "_thread", "_vcpu", "_woken")

    def __init__(self, vcpu: Vcpu, image: Code) -> None:
        self._vcpu = vcpu
        self._image = image
        self._thread: Thread | None = None
        self._handler: Vector | None = None
        self._serror: Vector | None = None
        self._running = False
        self._woken = False

    # The engine

    def wake(self) -> None:
        """Let the guest's wait end without an interrupt: WFI may, for any reason (DDI 0487 §D1)."""
        self._woken = True
        self._vcpu.kick()

    def run(self) -> None:
        """Execute until the guest waits for an interrupt that has not come, or is off.

        A call while it runs (a device raised a line meanwhile) has nothing to do: the line is
        looked at before the guest waits.
        """
        if self._running:
            return
        self._running = True
        try:
            self._execute()
        except PowerOff:
            return
        finally:
            self._running = False

    def _execute(self) -> None:
        if self._thread is None:
            self._thread = self._enter(self._vcpu.pc, self._vcpu.x0)
            self._resume(self._thread)
        elif self._woken:
            self._resume(self._thread)
        self._woken = False
        if self._vcpu.serror_pending and self._serror is not None and self._unmasked(PSR_A):
            self._take_serror(self._serror)
        while self._handler is not None and self._vcpu.irq.level and self._unmasked(PSR_I):
            self._take_irq(self._handler)
            self._resume(self._thread)

    def _unmasked(self, bit: int) -> bool:
        return not self._vcpu.pstate & bit

    def _enter(self, pc: int, x0: int) -> Thread:
        """Begin at an address; where there is no code, the CPU is stuck for good."""
        try:
            return self._image.enter(self, pc, x0)
        except LookupError:
            return _stuck()

    def _resume(self, thread: Thread) -> None:
        """Let the guest's thread go on until it waits; one that has ended is stuck."""
        next(thread, None)

    def _take_irq(self, handler: Vector) -> None:
        """Enter the IRQ vector."""
        self._thread = handler() or self._thread

    def _take_serror(self, handler: Vector) -> None:
        """Enter the SError vector."""
        self._vcpu.enter_serror()
        self._thread = handler() or self._thread
        if self._thread is not None:
            self._resume(self._thread)

    # The platform

    def load(self, address: int, size: int) -> int:
        """Load from guest-physical memory."""
        return self._vcpu.load(address, size)

    def store(self, address: int, size: int, value: int) -> None:
        """Store to guest-physical memory; one that ejects this very CPU ends it.

        Raises:
            PowerOff: where the store took this vCPU away.
        """
        self._vcpu.store(address, size, value)
        if self._vcpu.engine is not self:
            raise PowerOff

    def mrs(self, register: str) -> int:
        """Read a system register."""
        return self._vcpu.mrs(register)

    def msr(self, register: str, value: int) -> None:
        """Write a system register."""
        self._vcpu.msr(register, value)

    def smccc(self, function: int, *args: int) -> int:
        """HVC #0; a call after which this vCPU is no longer on does not return.

        Raises:
            PowerOff: where the call stopped this vCPU, or replaced what it runs.
        """
        answer = self._vcpu.hvc(function, *args)
        if self._vcpu.mp_state is MpState.STOPPED or self._vcpu.engine is not self:
            raise PowerOff
        return answer - ((answer & SIGN) << 1)

    def wfi(self) -> None:
        """Wait for an interrupt: `run` sees the guest's yield."""

    def on_irq(self, handler: Vector, serror: Vector | None = None) -> None:
        """Install the vectors, and unmask."""
        self._handler, self._serror = handler, serror
        self._vcpu.msr("DAIF", 0)


def _stuck() -> Thread:
    """What a CPU does that fetches no instruction: it takes exception after exception."""
    while True:
        yield
