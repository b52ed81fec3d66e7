"""A vCPU of the host kernel: what one is from its creation on, and what its code can do.

Once created it stays for the life of the VM (Documentation/virt/kvm/api.rst, KVM_CREATE_VCPU;
there is no call that takes it back). Whether it executes is its MP state, whether there is code
to execute is its engine: one exists only while the vCPU is powered on. Most possible vCPUs are
parked for good, so what is as after reset is made only when it is asked for.
"""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from machine.irq import IrqLine
from machine.kvm import one_reg
from machine.kvm.arch_timer import ArchTimer
from machine.kvm.errors import KvmError
from machine.kvm.pmu import Pmu
from machine.kvm.run import INTERRUPTED, InternalError, KvmRun, Left, as_record
from machine.kvm.smccc import AFFINITY_OFF, AFFINITY_ON, MASK32
from machine.kvm.sysreg import DAIF, read_system_register, write_system_register
from machine.kvm.vcpu_events import ESR_SERROR
from machine.topology import MPIDR_AFFINITY, MPIDR_RES1, mpidr_affinity

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.gicv3.gic import GicCpu
    from machine.kvm.vm import Vm

MASK64 = (1 << 64) - 1

PSTATE_AT_RESET = 0x3C5
"""EL1h with D, A, I and F masked."""
PSR_A, PSR_I = 0x100, 0x080
"""The masks of SErrors and of IRQs in PSTATE (DDI 0487 §C5.2)."""

POWER_OFF, PMU_V3 = "power-off", "pmu-v3"
KVM_FEATURES = frozenset(
    {POWER_OFF, "el1-32bit", "psci-0.2", PMU_V3, "sve", "ptrauth-address", "ptrauth-generic"},
)
"""KVM_ARM_VCPU_*, as the kernel's interface names them."""
HOST_FEATURES = frozenset({POWER_OFF, "psci-0.2", PMU_V3})
"""Those that the modelled host has."""


class MpState(IntEnum):
    """KVM_MP_STATE_*, as far as arm64 knows them, by their numbers."""

    RUNNABLE = 0
    STOPPED = 5
    SUSPENDED = 10


class Engine(Protocol):
    """What executes on a vCPU while it is powered on."""

    def run(self) -> None:
        """Execute until the code waits for an interrupt, or the vCPU stops."""


def _still_wired(*parts: ArchTimer | Pmu) -> bool:
    """Reset some parts; whether any has to be kept, as something listens to its line."""
    for part in parts:
        part.reset()
    return any(part.line.connected for part in parts)


class Vcpu:
    """One vCPU: identity, power, timers, the interrupt input, and the way out to user space.

    Attributes:
        gic: the vGIC's part for it, once that is initialised.
        in_guest: whether its code executes, and not user space at an exit of it.
        left: the record of the last exit, if any, as `kvm_run` needs it.
        hides_pmu: whether the performance monitors that it has are kept from its code.
        transition: what AFFINITY_INFO says while power is on its way; None where it is not.
        pstate: of the code; what masks interrupts is in it.
        serror_pending: an SError is to be taken once PSTATE.A lets it through.
        remembered: registers that only keep what was written, by name; None while none was.
    """

    __slots__ = (
        "_pmu",
        "_timers",
        "engine",
        "features",
        "gic",
        "has_run",
        "hides_pmu",
        "id",
        "in_guest",
        "irq",
        "left",
        "midr",
        "mp_state",
        "mpidr",
        "on_kick",
        "pc",
        "pstate",
        "remembered",
        "serror_pending",
        "transition",
        "vm",
        "x0",
    )

    def __init__(self, vm: Vm, vcpu_id: int) -> None:
        self.vm = vm
        self.id = vcpu_id
        self.mpidr: int = MPIDR_RES1 | mpidr_affinity(vcpu_id)
        self.midr: int = 0
        self.features: frozenset[str] | None = None
        self.mp_state = MpState.STOPPED
        self.has_run = False
        self.pc = 0
        self.x0 = 0
        self.pstate: int = PSTATE_AT_RESET
        self.serror_pending = False
        self.engine: Engine | None = None
        self.gic: GicCpu | None = None
        self.in_guest = False
        self.left: Left | None = None
        self.transition: int | None = None
        self.on_kick: Callable[[], None] | None = None
        self.remembered: dict[str, int] | None = None
        self.hides_pmu = False
        self._timers: tuple[ArchTimer, ArchTimer] | None = None
        self._pmu: Pmu | None = None
        self.irq = IrqLine("irq", self._irq_changed)

    @property
    def affinity(self) -> int:
        """Aff2.Aff1.Aff0: MPIDR_EL1 without what is no affinity."""
        return self.mpidr & MPIDR_AFFINITY

    @property
    def affinity_state(self) -> int:
        """What PSCI AFFINITY_INFO says of it (DEN0022F §5.7)."""
        if self.transition is not None:
            return self.transition
        return AFFINITY_OFF if self.mp_state is MpState.STOPPED else AFFINITY_ON

    @property
    def kvm_run(self) -> KvmRun | None:
        """The record of the last exit; None before the first."""
        return None if self.left is None else as_record(self.left)

    @property
    def virt_timer(self) -> ArchTimer:
        """The virtual timer."""
        return self._both_timers()[0]

    @property
    def phys_timer(self) -> ArchTimer:
        """The physical timer."""
        return self._both_timers()[1]

    def _both_timers(self) -> tuple[ArchTimer, ArchTimer]:
        if self._timers is None:
            clock = self.vm.clock
            self._timers = ArchTimer(clock, "virt-timer"), ArchTimer(clock, "phys-timer")
        return self._timers

    @property
    def has_pmu(self) -> bool:
        """Whether its code finds performance monitors (ID_AA64DFR0_EL1.PMUVer)."""
        return not self.hides_pmu and PMU_V3 in (self.features or ())

    @property
    def pmu(self) -> Pmu:
        """The performance monitors."""
        if self._pmu is None:
            self._pmu = Pmu(self.vm.clock)
        return self._pmu

    # What user space calls

    def init(self, features: frozenset[str], *, midr: int) -> None:
        """KVM_ARM_VCPU_INIT: set the features, and reset.

        Raises:
            KvmError: ENOENT for a feature that there is not, EINVAL for one that the host has not,
                and where this vCPU, or another one of the VM, has been given others.
        """
        if features - KVM_FEATURES:
            raise KvmError(errno.ENOENT, "KVM_ARM_VCPU_INIT")
        lasting = features - {POWER_OFF}  # which says what this call does, and is not kept
        if features - HOST_FEATURES or self.vm.features not in {None, lasting}:
            raise KvmError(errno.EINVAL, "KVM_ARM_VCPU_INIT")
        self.features = self.vm.features = self.vm.features or lasting
        self.midr = midr
        self.left = None
        self.mp_state = MpState.STOPPED if POWER_OFF in features else MpState.RUNNABLE
        self.reset()

    def reset(self) -> None:
        """Bring registers and timers to their values after reset."""
        self.pc = 0
        self.x0 = 0
        self.pstate = PSTATE_AT_RESET
        self.serror_pending = False
        self.remembered = None
        if self._timers is not None and not _still_wired(*self._timers):
            self._timers = None
        if self._pmu is not None and not _still_wired(self._pmu):
            self._pmu = None

    def set_mp_state(self, state: int) -> None:
        """KVM_SET_MP_STATE: a stopped vCPU has no engine, a suspended one waits for a wake-up.

        Raises:
            KvmError: EINVAL for a state that arm64 does not know.
        """
        try:
            self.mp_state = MpState(state)
        except ValueError:
            raise KvmError(errno.EINVAL, "KVM_SET_MP_STATE") from None
        if self.mp_state is MpState.STOPPED:
            self.engine = None

    def get_one_reg(self, reg_id: int) -> int:
        """KVM_GET_ONE_REG; see `machine.kvm.one_reg`."""
        return one_reg.get(self, reg_id)

    def set_one_reg(self, reg_id: int, value: int) -> None:
        """KVM_SET_ONE_REG; see `machine.kvm.one_reg`."""
        one_reg.put(self, reg_id, value)

    def get_reg_list(self, room: int) -> list[int]:
        """KVM_GET_REG_LIST into a buffer for `room` ids; see `machine.kvm.one_reg`."""
        return one_reg.get_list(self, room)

    def set_mpidr(self, value: int) -> None:
        """Write MPIDR_EL1 (the talk's T12, T22: user space chooses, the kernel writes).

        It lasts: no reset, and no further KVM_ARM_VCPU_INIT, brings back the one by default.

        Raises:
            KvmError: EINVAL, EEXIST or EBUSY, as `Vm.move` says.
        """
        if value != self.mpidr or not self.vm.vgic_initialized:
            self.vm.move(self, value)
            self.mpidr = value

    def run(self) -> KvmRun:
        """KVM_RUN: execute until there is nothing more to do but wait; gives the last exit.

        Exits for MMIO and hypercalls are calls of the VM's exit handler, in whose place real user
        space sees KVM_RUN return, and calls it again. Each leaves its record, as there.

        Raises:
            KvmError: ENOEXEC without KVM_ARM_VCPU_INIT; what `Vgic.map_resources` raises at the
                first run of a VM.
        """
        if self.features is None:
            raise KvmError(errno.ENOEXEC, "KVM_RUN")
        if not self.has_run:
            self.vm.first_run()
            self.has_run = True
        self.left = INTERRUPTED
        exits = self.vm.exits
        exits.enter(self)
        try:
            self._execute()
        finally:
            exits.leave(self)
        return as_record(self.left)

    def _execute(self) -> None:
        if self.mp_state is MpState.SUSPENDED:
            if self.irq.level:
                self.vm.exits.system_event(self, "wakeup")
        elif self.mp_state is MpState.RUNNABLE and self.engine is not None:
            self.engine.run()
            if self.mp_state is MpState.RUNNABLE:
                self.vm.exits.record(self, INTERRUPTED)

    def fail(self, suberror: InternalError) -> None:
        """Let KVM_RUN come back with an internal error: what the kernel meets is beyond it."""
        self.vm.exits.internal_error(self, suberror)

    def enter_serror(self) -> None:
        """What the CPU itself does as it takes the SError (DDI 0487 §D1): syndrome, masks."""
        self.serror_pending = False
        self.remembered = {**(self.remembered or {}), "ESR_EL1": ESR_SERROR}
        self.pstate |= DAIF
        if self.vm.trace.on:
            self.vm.trace("kvm", "kvm_inject_vabt", vcpu_id=self.id, esr=ESR_SERROR)

    def kick(self) -> None:
        """Ask whoever schedules this vCPU to run it."""
        if self.on_kick is not None and self.mp_state is not MpState.STOPPED:
            self.on_kick()

    def _irq_changed(self, level: bool) -> None:  # noqa: FBT001 - a line's level
        if level:
            if self.vm.trace.on:
                self.vm.trace("kvm", "kvm_vcpu_kick", vcpu_id=self.id)
            self.kick()

    # What its code does

    def load(self, address: int, size: int) -> int:
        """Load `size` bytes from guest-physical memory."""
        vm = self.vm
        ram = vm.ram
        if ram is not None and ram.contains(address, size):
            return ram.load(address, size)
        region = vm.io_bus.find(address)
        if region is not None:
            value = region.device.read(address - region.base, size)
            if vm.trace.on:
                vm.trace("kvm", "kvm_mmio_read", vcpu_id=self.id, gpa=address, len=size, val=value)
            return value
        return vm.exits.mmio_read(self, address, size)

    def store(self, address: int, size: int, value: int) -> None:
        """Store `size` bytes to guest-physical memory."""
        vm = self.vm
        ram = vm.ram
        if ram is not None and ram.contains(address, size):
            ram.store(address, size, value)
            return
        region = vm.io_bus.find(address)
        if region is not None:
            if vm.trace.on:
                vm.trace("kvm", "kvm_mmio_write", vcpu_id=self.id, gpa=address, len=size, val=value)
            region.device.write(address - region.base, size, value)
            return
        vm.exits.mmio_write(self, address, size, value)

    def mrs(self, register: str) -> int:
        """Read a system register, by its architectural name."""
        return read_system_register(self, register)

    def msr(self, register: str, value: int) -> None:
        """Write a system register, by its architectural name."""
        write_system_register(self, register, value & MASK64)

    def hvc(self, function: int, *args: int) -> int:
        """HVC #0 with a function identifier in W0: x0 after the call, as 64 bits."""
        return self.vm.smccc(self, function & MASK32, args) & MASK64
