"""The VM of the host kernel: memory, vCPUs, the in-kernel interrupt controller, exits.

The order rules are KVM's (arch/arm64/kvm; Documentation/virt/kvm/api.rst): vCPUs first, then the
vGIC, whose initialisation fixes their number for good: creating one afterwards is EBUSY. This is
the whole reason for pre-creating and parking every possible vCPU (the talk's T8 to T11).
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from machine.bus import Bus
from machine.kvm.errors import KvmError
from machine.kvm.psci import kernel_call
from machine.kvm.run import ExitHandler, Exits
from machine.kvm.smccc import ARCH_CALLS, MASK32, name_of
from machine.kvm.vcpu import Vcpu
from machine.kvm.vgic import Vgic
from machine.topology import MPIDR_AFFINITY, MPIDR_MT, MPIDR_RES1
from machine.trace import Trace

if TYPE_CHECKING:
    from machine.clock import VirtualClock
    from machine.gicv3.gic import GicCpu
    from machine.memory import Ram

__all__ = ["MAX_VCPUS", "ExitHandler", "FilterAction", "HostLimits", "Vm"]

MAX_VCPUS = 512
"""KVM_CAP_MAX_VCPUS of an arm64 kernel with a GICv3, as built by default."""


class FilterAction(Enum):
    """KVM_SMCCC_FILTER_*: who answers a call."""

    HANDLE = "handle"
    DENY = "deny"
    FORWARD = "fwd-to-user"


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What the host's kernel was built for.

    Attributes:
        max_vcpus: KVM_CAP_MAX_VCPUS, and KVM_CAP_MAX_VCPU_ID.
        max_vgic_vcpus: how many a GICv3 can have; it is the new limit once there is one.
    """

    max_vcpus: int = MAX_VCPUS
    max_vgic_vcpus: int = MAX_VCPUS


class Vm:
    """One VM; `user` is user space, and serves its exits."""

    def __init__(
        self,
        clock: VirtualClock,
        user: ExitHandler,
        trace: Trace | None = None,
        limits: HostLimits | None = None,
    ) -> None:
        self.clock = clock
        self.trace = trace or Trace(clock)
        self.exits = Exits(user, self.trace)
        self.limits = limits or HostLimits()
        self.max_vcpus = self.limits.max_vcpus
        self.ram: Ram | None = None
        self.io_bus = Bus()
        self.vcpus: dict[int, Vcpu] = {}
        self.vgic: Vgic | None = None
        self.features: frozenset[str] | None = None
        """What the vCPUs have been initialised with: the same for all of a VM."""
        self._by_affinity: dict[int, Vcpu] = {}
        self._chosen: set[int] = set()
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
            KvmError: EINVAL for an id that no vCPU of this host can have, and where there are as
                many as there can be; EBUSY once the vGIC is initialised; EINVAL for an id that is
                too high with that vGIC; EEXIST for one that is taken; in this order.
        """
        self._check_vcpu(vcpu_id)
        vcpu = Vcpu(self, vcpu_id)
        self.vcpus[vcpu_id] = vcpu
        self._by_affinity.setdefault(vcpu.affinity, vcpu)  # a place that was chosen stays taken
        return vcpu

    def _check_vcpu(self, vcpu_id: int) -> None:
        if not 0 <= vcpu_id < self.limits.max_vcpus or len(self.vcpus) >= self.max_vcpus:
            raise KvmError(errno.EINVAL, "KVM_CREATE_VCPU")
        if self.vgic_initialized:
            raise KvmError(errno.EBUSY, "KVM_CREATE_VCPU")
        if vcpu_id >= self.max_vcpus:
            raise KvmError(errno.EINVAL, "KVM_CREATE_VCPU")
        if vcpu_id in self.vcpus:
            raise KvmError(errno.EEXIST, "KVM_CREATE_VCPU")

    def move(self, vcpu: Vcpu, mpidr: int) -> None:
        """Let a vCPU be found by the affinity of another MPIDR_EL1.

        A vCPU whose MPIDR nobody has chosen gives way; that no two are alike in the end is seen
        when the vGIC is initialised.

        Raises:
            KvmError: EINVAL for bits that MPIDR_EL1 can't have, EBUSY once the vGIC is
                initialised, EEXIST where the affinity was chosen for another vCPU.
        """
        affinity = mpidr & MPIDR_AFFINITY
        if mpidr & ~(MPIDR_AFFINITY | MPIDR_MT) != MPIDR_RES1:
            raise KvmError(errno.EINVAL, "KVM_SET_ONE_REG")
        if self.vgic_initialized:
            raise KvmError(errno.EBUSY, "KVM_SET_ONE_REG")
        other = self._by_affinity.get(affinity, vcpu)
        if other is not vcpu and other.id in self._chosen:
            raise KvmError(errno.EEXIST, "KVM_SET_ONE_REG")
        if self._by_affinity.get(vcpu.affinity) is vcpu:
            del self._by_affinity[vcpu.affinity]
        self._by_affinity[affinity] = vcpu
        self._chosen.add(vcpu.id)

    @property
    def vgic_initialized(self) -> bool:
        """Whether CTRL_INIT has been done: from then on, vCPUs are what they are."""
        return self.vgic is not None and self.vgic.initialized

    def settle_affinities(self) -> bool:
        """Find every vCPU by its affinity from now on; False where two have the same."""
        self._by_affinity = {vcpu.affinity: vcpu for vcpu in self.vcpus.values()}
        return len(self._by_affinity) == len(self.vcpus)

    def affinities(self) -> list[int]:
        """That of each vCPU, in the order of creation."""
        return list(self._by_affinity)

    def create_vgic(self) -> Vgic:
        """KVM_CREATE_DEVICE(KVM_DEV_TYPE_ARM_VGIC_V3).

        Raises:
            KvmError: EEXIST where there is one, EBUSY where a vCPU has run, E2BIG where there are
                more vCPUs than it can have.
        """
        if self.vgic is not None:
            raise KvmError(errno.EEXIST, "KVM_CREATE_DEVICE")
        if self._ran or self.exits.executing:
            raise KvmError(errno.EBUSY, "KVM_CREATE_DEVICE")
        limit = min(self.limits.max_vcpus, self.limits.max_vgic_vcpus)
        if len(self.vcpus) > limit:
            raise KvmError(errno.E2BIG, "KVM_CREATE_DEVICE")
        self.max_vcpus = limit
        self.vgic = Vgic(self)
        return self.vgic

    def set_smccc_filter(self, base: int, count: int, action: FilterAction) -> None:
        """KVM_ARM_VM_SMCCC_FILTER for `count` function identifiers from `base`.

        Raises:
            KvmError: EINVAL for an empty range and for one beyond 32 bits, EBUSY once a vCPU has
                run, EEXIST where one of the functions has an action already, or is one of the
                architecture's, which are the kernel's to answer.
        """
        functions = range(base, base + count)
        if not functions or functions[-1] > MASK32:
            raise KvmError(errno.EINVAL, "KVM_ARM_VM_SMCCC_FILTER")
        if self._ran:
            raise KvmError(errno.EBUSY, "KVM_ARM_VM_SMCCC_FILTER")
        reserved = any(base < its.stop and its.start < functions.stop for its in ARCH_CALLS)
        if reserved or any(function in self._filter for function in functions):
            raise KvmError(errno.EEXIST, "KVM_ARM_VM_SMCCC_FILTER")
        self._filter.update(dict.fromkeys(functions, action))

    def smccc(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """Answer a call of a vCPU, or have it answered where the filter says so."""
        action = self._filter.get(function, FilterAction.HANDLE)
        if action is FilterAction.FORWARD:
            return self.exits.hypercall(vcpu, function, args)
        if action is FilterAction.DENY:
            return -1
        answer = kernel_call(vcpu, function, args)
        if self.trace.on:
            self.trace("psci", name_of(function), cpu=vcpu.id,
                       target=args[0] if args else vcpu.id, result=answer)  # fmt: skip
        return answer

    def by_affinity(self, affinity: int) -> Vcpu | None:
        """The vCPU with these affinity fields of MPIDR, if there is one."""
        return self._by_affinity.get(affinity)

    def gic_cpu(self, vcpu: Vcpu) -> GicCpu:
        """The vGIC's part for one vCPU.

        Raises:
            KvmError: ENXIO before the vGIC is initialised.
        """
        if vcpu.gic is None:
            raise KvmError(errno.ENXIO, "vGIC")
        return vcpu.gic

    def first_run(self) -> None:
        """Map what the first KVM_RUN of any vCPU maps."""
        if self._ran:
            return
        if self.vgic is not None:
            self.vgic.map_resources()
        self._ran = True
