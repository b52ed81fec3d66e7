"""The accelerator: QEMU's side of KVM's vCPUs, and the pool of parked ones.

KVM can't destroy a vCPU, and can't create one once the vGIC is initialised. So every possible
vCPU is created at machine init; those without a CPU object are *parked*: kept by vcpu id, off,
without engine, until a plug asks for the same id again (accel/kvm: kvm_park_vcpu, and the talk's
T20, T23).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.kvm.one_reg import sysreg
from machine.kvm.sysreg import ENCODINGS
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.kvm.vcpu import Vcpu
    from machine.kvm.vm import Vm
    from machine.trace import Trace

MPIDR_EL1 = sysreg(ENCODINGS["MPIDR_EL1"])
FEATURES = frozenset({"power-off", "psci-0.2", "pmu-v3"})
"""KVM_ARM_VCPU_* that every vCPU is initialised with."""


UNPARK_ERRORS: Mapping[str, int] = {"enomem": errno.ENOMEM, "ebusy": errno.EBUSY}
"""Outcomes of `unpark` (see `machine.faults.table`), and the errno that the host's kernel gives."""


def init_failed(vcpu_id: int, number: int) -> MachineError:
    """What is said where a CPU gets no vCPU (accel/kvm: kvm_init_vcpu)."""
    return MachineError(f"kvm_init_vcpu: kvm_create_vcpu failed ({vcpu_id}): {os.strerror(number)}")


class KvmAccel:
    """Creates, parks and unparks vCPUs."""

    def __init__(self, vm: Vm, midr: int, trace: Trace) -> None:
        self._vm = vm
        self._midr = midr
        self._trace = trace
        self._parked: dict[int, Vcpu] = {}

    @property
    def parked(self) -> Mapping[int, Vcpu]:
        """The pool, by vcpu id."""
        return self._parked

    def create_vcpu(self, vcpu_id: int, mpidr: int | None = None) -> Vcpu:
        """Have the kernel create and initialise a vCPU; it starts powered off.

        Args:
            vcpu_id: its number.
            mpidr: what its MPIDR_EL1 is to say; None for what the kernel derives.
        """
        vcpu = self._vm.create_vcpu(vcpu_id)
        vcpu.init(FEATURES, midr=self._midr)
        if mpidr is not None:
            vcpu.set_one_reg(MPIDR_EL1, mpidr)
        if self._trace.on:
            self._trace("kvm", "kvm_create_vcpu", vcpu_id=vcpu_id)
        return vcpu

    def park_vcpu(self, vcpu: Vcpu) -> None:
        """Take a vCPU out of use: off, nobody to run it, kept for its id."""
        vcpu.set_mp_state(MpState.STOPPED)
        vcpu.reset()
        vcpu.on_kick = None
        self._parked[vcpu.id] = vcpu
        if self._trace.on:
            self._trace("kvm", "kvm_park_vcpu", vcpu_id=vcpu.id)

    def unpark_vcpu(self, vcpu_id: int, midr: int = 0, *, pmu: bool = True) -> Vcpu:
        """Take a vCPU back into use, as it was created: the same MPIDR, the same redistributor.

        Args:
            vcpu_id: which one.
            midr: what its MIDR_EL1 is to say; 0 for that of the machine's CPU model.
            pmu: whether its code is to find performance monitors. (The kernel's vCPU has them for
                good: features can't be changed.)

        Raises:
            MachineError: where no vCPU of that id is parked.
        """
        vcpu = self._parked.pop(vcpu_id, None)
        if vcpu is None:
            raise MachineError(f"KVM vCPU {vcpu_id} is not parked")
        vcpu.init(FEATURES, midr=midr or self._midr)
        vcpu.hides_pmu = not pmu
        if self._trace.on:
            self._trace("kvm", "kvm_unpark_vcpu", vcpu_id=vcpu_id)
        return vcpu
