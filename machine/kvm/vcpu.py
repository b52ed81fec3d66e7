"""A vCPU of the host kernel: what one is from its creation on, and what its code can do.

Once created it stays for the life of the VM (Documentation/virt/kvm/api.rst, KVM_CREATE_VCPU;
there is no call that takes it back). Whether it executes is its MP state, whether there is code
to execute is its engine: one exists only while the vCPU is powered on.
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from machine.irq import IrqLine
from machine.kvm.arch_timer import ArchTimer
from machine.kvm.errors import KvmError
from machine.kvm.sysreg import read_system_register, write_system_register
from machine.topology import MPIDR_RES1, mpidr_affinity

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.kvm.vm import Vm

MASK64 = (1 << 64) - 1


class MpState(Enum):
    """KVM_GET_MP_STATE, as far as arm64 knows it."""

    RUNNABLE = "runnable"
    STOPPED = "stopped"


class Engine(Protocol):
    """What executes on a vCPU while it is powered on."""

    def run(self) -> None:
        """Execute until the code waits for an interrupt, or the vCPU stops."""


class Vcpu:
    """One vCPU: identity, power, timers, the interrupt input, and the way out to user space."""

    __slots__ = (
        "engine",
        "features",
        "has_run",
        "id",
        "irq",
        "midr",
        "mp_state",
        "mpidr",
        "on_kick",
        "pc",
        "phys_timer",
        "virt_timer",
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
        self.engine: Engine | None = None
        self.on_kick: Callable[[], None] | None = None
        self.virt_timer: ArchTimer = ArchTimer(vm.clock, "virt-timer")
        self.phys_timer: ArchTimer = ArchTimer(vm.clock, "phys-timer")
        self.irq = IrqLine("irq", self._irq_changed)

    @property
    def affinity(self) -> int:
        """Aff2.Aff1.Aff0: MPIDR_EL1 without its constant bit."""
        return self.mpidr & 0xFF_FFFF

    # What user space calls

    def init(self, features: frozenset[str], *, midr: int) -> None:
        """KVM_ARM_VCPU_INIT: set the features, and reset.

        Raises:
            KvmError: EINVAL where a second call names other features than the first.
        """
        if self.features is not None and self.features != features:
            raise KvmError(errno.EINVAL, "KVM_ARM_VCPU_INIT")
        self.features = features
        self.midr = midr
        self.mp_state = MpState.STOPPED if "power-off" in features else MpState.RUNNABLE
        self.reset()

    def reset(self) -> None:
        """Bring registers and timers to their values after reset."""
        self.pc = 0
        self.x0 = 0
        self.virt_timer.reset()
        self.phys_timer.reset()

    def set_mp_state(self, state: MpState) -> None:
        """KVM_SET_MP_STATE: a stopped vCPU has no engine."""
        self.mp_state = state
        if state is MpState.STOPPED:
            self.engine = None

    def run(self) -> None:
        """KVM_RUN: execute until there is nothing more to do but wait.

        Exits for MMIO and hypercalls are calls of the VM's exit handler, in whose place real user
        space sees KVM_RUN return, and calls it again.

        Raises:
            KvmError: ENOEXEC without KVM_ARM_VCPU_INIT; what `Vgic.map_resources` raises at the
                first run of a VM.
        """
        if self.features is None:
            raise KvmError(errno.ENOEXEC, "KVM_RUN")
        if not self.has_run:
            self.vm.first_run()
            self.has_run = True
        if self.mp_state is MpState.RUNNABLE and self.engine is not None:
            self.engine.run()

    def kick(self) -> None:
        """Ask whoever schedules this vCPU to run it."""
        if self.on_kick is not None and self.mp_state is MpState.RUNNABLE:
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
        return self.vm.smccc(self, function, args) & MASK64
