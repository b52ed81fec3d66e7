"""System registers as a vCPU's code reads and writes them, by architectural name.

GIC CPU interface registers go to the vGIC; the rest is a table. A name that is in neither raises
what hardware calls an undefined instruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.gic import UnknownRegister
from machine.kvm.arch_timer import FREQUENCY, TICK, ArchTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.kvm.vcpu import Vcpu


class UndefinedInstructionError(Exception):
    """MRS or MSR of a register that this CPU does not have."""


def _count(vcpu: Vcpu) -> int:
    return vcpu.vm.clock.now // TICK


_READ: dict[str, Callable[[Vcpu], int]] = {
    "MIDR_EL1": lambda vcpu: vcpu.midr,
    "MPIDR_EL1": lambda vcpu: vcpu.mpidr,
    "CNTFRQ_EL0": lambda _vcpu: FREQUENCY,
    "CNTVCT_EL0": _count,
    "CNTPCT_EL0": _count,
    "CNTV_CTL_EL0": lambda vcpu: vcpu.virt_timer.ctl,
    "CNTV_CVAL_EL0": lambda vcpu: vcpu.virt_timer.cval,
    "CNTV_TVAL_EL0": lambda vcpu: vcpu.virt_timer.tval,
    "CNTP_CTL_EL0": lambda vcpu: vcpu.phys_timer.ctl,
    "CNTP_CVAL_EL0": lambda vcpu: vcpu.phys_timer.cval,
    "CNTP_TVAL_EL0": lambda vcpu: vcpu.phys_timer.tval,
}

_WRITE: dict[str, Callable[[ArchTimer, int], None]] = {
    "CTL_EL0": ArchTimer.write_ctl,
    "CVAL_EL0": ArchTimer.write_cval,
    "TVAL_EL0": ArchTimer.write_tval,
}


def read_system_register(vcpu: Vcpu, name: str) -> int:
    """MRS.

    Raises:
        UndefinedInstructionError: where there is no such register.
    """
    if name.startswith("ICC_"):
        return _read_gic(vcpu, name)
    read = _READ.get(name)
    if read is None:
        raise UndefinedInstructionError(name)
    return read(vcpu)


def write_system_register(vcpu: Vcpu, name: str, value: int) -> None:
    """MSR.

    Raises:
        UndefinedInstructionError: where there is no such register, or it is read-only.
    """
    if name.startswith("ICC_"):
        _write_gic(vcpu, name, value)
        return
    which, _, register = name.partition("_")
    timer = {"CNTV": vcpu.virt_timer, "CNTP": vcpu.phys_timer}.get(which)
    write = _WRITE.get(register)
    if timer is None or write is None:
        raise UndefinedInstructionError(name)
    write(timer, value)


def _read_gic(vcpu: Vcpu, name: str) -> int:
    try:
        value = vcpu.vm.gic_cpu(vcpu).mrs(name)
    except UnknownRegister:
        raise UndefinedInstructionError(name) from None
    if vcpu.vm.trace.on:
        vcpu.vm.trace("gic", f"gicv3_{_plain(name)}_read", cpu=vcpu.id, val=value)
    return value


def _write_gic(vcpu: Vcpu, name: str, value: int) -> None:
    if vcpu.vm.trace.on:
        vcpu.vm.trace("gic", f"gicv3_{_plain(name)}_write", cpu=vcpu.id, val=value)
    try:
        vcpu.vm.gic_cpu(vcpu).msr(name, value)
    except UnknownRegister:
        raise UndefinedInstructionError(name) from None


def _plain(name: str) -> str:
    """A register as the names of QEMU's trace points spell it: ICC_IAR1_EL1 is icc_iar1."""
    return name.lower().removesuffix("_el1")
