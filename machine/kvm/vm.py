"""The VM of the host kernel: memory, vCPUs, the in-kernel interrupt controller, exits.

The order rules are KVM's (arch/arm64/kvm; Documentation/virt/kvm/api.rst): vCPUs first, then the
vGIC, whose initialisation fixes their number for good: creating one afterwards is EBUSY. This is
the whole reason for pre-creating and parking every possible vCPU (the talk's T8 to T11).
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from machine.bus import Bus
from machine.kvm.errors import KvmError
from machine.kvm.psci import kernel_call
from machine.kvm.vcpu import Vcpu
from machine.kvm.vgic import Vgic
from machine.trace import Trace

if TYPE_CHECKING:
    from machine.clock import VirtualClock
    from machine.gicv3.gic import GicCpu
    from machine.memory import Ram

MAX_VCPUS = 512
"""KVM_CAP_MAX_VCPUS with a GICv3."""


class FilterAction(Enum):
    """KVM_SMCCC_FILTER_*: who answers a call."""

    HANDLE = "handle"
    DENY = "deny"
    FORWARD = "fwd-to-user"


class ExitHandler(Protocol):
    """User space's side of KVM_RUN: one method for each exit reason that arm64 has here."""

    def mmio_read(self, vcpu: Vcpu, address: int, size: int) -> int:
        """KVM_EXIT_MMIO: a load that nothing in the kernel answers."""

    def mmio_write(self, vcpu: Vcpu, address: int, size: int, value: int) -> None:
        """KVM_EXIT_MMIO: a store that nothing in the kernel takes."""

    def hypercall(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """KVM_EXIT_HYPERCALL: a call that the SMCCC filter forwards; the result goes to x0."""

    def system_event(self, vcpu: Vcpu, kind: str) -> None:
        """KVM_EXIT_SYSTEM_EVENT: "shutdown" or "reset", asked for by PSCI."""

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        """KVM_EXIT_SYSTEM_EVENT of type SUSPEND: x0, where the call is refused."""


class Vm:
    """One VM; `exits` is user space."""

    def __init__(self, clock: VirtualClock, exits: ExitHandler, trace: Trace | None = None) -> None:
        self.clock = clock
        self.exits = exits
        self.trace = trace or Trace(clock)
        self.ram: Ram | None = None
        self.io_bus = Bus()
        self.vcpus: dict[int, Vcpu] = {}
        self.vgic: Vgic | None = None
        self._by_affinity: dict[int, Vcpu] = {}
        self._filter: dict[int, FilterAction] = {}
        self._ran = False
        self.system_suspend: bool = False
        """KVM_CAP_ARM_SYSTEM_SUSPEND: whether PSCI SYSTEM_SUSPEND is there, as an exit."""

    def set_user_memory_region(self, ram: Ram) -> None:
        """KVM_SET_USER_MEMORY_REGION: one slot is all that this machine has.

        Raises:
            KvmError: EEXIST where there is memory already.
        """
        if self.ram is not None:
            raise KvmError(errno.EEXIST, "KVM_SET_USER_MEMORY_REGION")
        self.ram = ram

    def create_vcpu(self, vcpu_id: int) -> Vcpu:
        """KVM_CREATE_VCPU: for good.

        Raises:
            KvmError: EBUSY once the vGIC is initialised, EINVAL for an id out of range, EEXIST
                for one that is taken; in this order, as the kernel checks.
        """
        if self.vgic is not None and self.vgic.initialized:
            raise KvmError(errno.EBUSY, "KVM_CREATE_VCPU")
        if not 0 <= vcpu_id < MAX_VCPUS:
            raise KvmError(errno.EINVAL, "KVM_CREATE_VCPU")
        if vcpu_id in self.vcpus:
            raise KvmError(errno.EEXIST, "KVM_CREATE_VCPU")
        vcpu = Vcpu(self, vcpu_id)
        self.vcpus[vcpu_id] = vcpu
        self._by_affinity[vcpu.affinity] = vcpu
        return vcpu

    def create_vgic(self) -> Vgic:
        """KVM_CREATE_DEVICE(KVM_DEV_TYPE_ARM_VGIC_V3).

        Raises:
            KvmError: EEXIST where there is one, EBUSY where a vCPU has run.
        """
        if self.vgic is not None:
            raise KvmError(errno.EEXIST, "KVM_CREATE_DEVICE")
        if self._ran:
            raise KvmError(errno.EBUSY, "KVM_CREATE_DEVICE")
        self.vgic = Vgic(self)
        return self.vgic

    def set_smccc_filter(self, base: int, count: int, action: FilterAction) -> None:
        """KVM_ARM_VM_SMCCC_FILTER for `count` function identifiers from `base`.

        Raises:
            KvmError: EBUSY once a vCPU has run, EINVAL for an empty range, EEXIST where one of
                the functions has an action already.
        """
        functions = range(base, base + count)
        if self._ran:
            raise KvmError(errno.EBUSY, "KVM_ARM_VM_SMCCC_FILTER")
        if not functions:
            raise KvmError(errno.EINVAL, "KVM_ARM_VM_SMCCC_FILTER")
        if any(function in self._filter for function in functions):
            raise KvmError(errno.EEXIST, "KVM_ARM_VM_SMCCC_FILTER")
        self._filter.update(dict.fromkeys(functions, action))

    def smccc(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """Answer a call of a vCPU, or have it answered where the filter says so."""
        action = self._filter.get(function, FilterAction.HANDLE)
        if action is FilterAction.FORWARD:
            return self.exits.hypercall(vcpu, function, args)
        if action is FilterAction.DENY:
            return -1
        return kernel_call(vcpu, function, args)

    def by_affinity(self, affinity: int) -> Vcpu | None:
        """The vCPU with these affinity fields of MPIDR, if there is one."""
        return self._by_affinity.get(affinity)

    def gic_cpu(self, vcpu: Vcpu) -> GicCpu:
        """The vGIC's part for one vCPU."""
        if self.vgic is None or self.vgic.gic is None:
            raise KvmError(errno.ENXIO, "vGIC")
        return self.vgic.gic.cpus[self.vgic.position(vcpu.id)]

    def first_run(self) -> None:
        """Map what the first KVM_RUN of any vCPU maps."""
        if self._ran:
            return
        if self.vgic is not None:
            self.vgic.map_resources()
        self._ran = True
