"""System registers as a vCPU's code reads and writes them, by architectural name.

GIC CPU interface registers go to the vGIC; the rest are tables. A name that is in none raises
what hardware calls an undefined instruction, and so do the performance monitors' where the CPU has
none. Encodings are for user space, which names registers by number (see `machine.kvm.one_reg`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.gicv3.gic import UnknownRegister
from machine.kvm.arch_timer import FREQUENCY, TICK
from machine.kvm.pmu import CPU_CYCLES, SELECT_CYCLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.kvm.vcpu import Vcpu

DFR0_DEBUG_VER = 6
"""ID_AA64DFR0_EL1.DebugVer: Armv8.0, the lowest that there is."""
DFR0_PMU_VER = 1 << 8
"""ID_AA64DFR0_EL1.PMUVer: PMUv3 of Armv8.0."""
DAIF = 0x3C0
"""PSTATE.{D, A, I, F}, where the register has them (DDI 0487 §C5.2)."""
CNTKCTL_WRITABLE = 0x3FF
"""CNTKCTL_EL1: access from EL0, and the event stream; nothing here acts upon it."""


class UndefinedInstructionError(Exception):
    """MRS or MSR of a register that this CPU does not have."""


def _count(vcpu: Vcpu) -> int:
    return vcpu.vm.clock.now // TICK


def _debug_features(vcpu: Vcpu) -> int:
    return DFR0_DEBUG_VER | (DFR0_PMU_VER if vcpu.has_pmu else 0)


def _write_cntkctl(vcpu: Vcpu, value: int) -> None:
    vcpu.remembered = {**(vcpu.remembered or {}), "CNTKCTL_EL1": value & CNTKCTL_WRITABLE}


def _write_daif(vcpu: Vcpu, value: int) -> None:
    vcpu.pstate = (vcpu.pstate & ~DAIF) | (value & DAIF)


def _write_esr(vcpu: Vcpu, value: int) -> None:
    vcpu.remembered = {**(vcpu.remembered or {}), "ESR_EL1": value}


_READ: Mapping[str, Callable[[Vcpu], int]] = {
    "MIDR_EL1": lambda vcpu: vcpu.midr,
    "MPIDR_EL1": lambda vcpu: vcpu.mpidr,
    "ID_AA64DFR0_EL1": _debug_features,
    "DAIF": lambda vcpu: vcpu.pstate & DAIF,
    "ESR_EL1": lambda vcpu: (vcpu.remembered or {}).get("ESR_EL1", 0),
    "CNTFRQ_EL0": lambda _vcpu: FREQUENCY,
    "CNTVCT_EL0": _count,
    "CNTPCT_EL0": _count,
    "CNTKCTL_EL1": lambda vcpu: (vcpu.remembered or {}).get("CNTKCTL_EL1", 0),
    "CNTV_CTL_EL0": lambda vcpu: vcpu.virt_timer.ctl,
    "CNTV_CVAL_EL0": lambda vcpu: vcpu.virt_timer.cval,
    "CNTV_TVAL_EL0": lambda vcpu: vcpu.virt_timer.tval,
    "CNTP_CTL_EL0": lambda vcpu: vcpu.phys_timer.ctl,
    "CNTP_CVAL_EL0": lambda vcpu: vcpu.phys_timer.cval,
    "CNTP_TVAL_EL0": lambda vcpu: vcpu.phys_timer.tval,
}

_WRITE: Mapping[str, Callable[[Vcpu, int], None]] = {
    "DAIF": _write_daif,
    "ESR_EL1": _write_esr,
    "CNTKCTL_EL1": _write_cntkctl,
    "CNTV_CTL_EL0": lambda vcpu, value: vcpu.virt_timer.write_ctl(value),
    "CNTV_CVAL_EL0": lambda vcpu, value: vcpu.virt_timer.write_cval(value),
    "CNTV_TVAL_EL0": lambda vcpu, value: vcpu.virt_timer.write_tval(value),
    "CNTP_CTL_EL0": lambda vcpu, value: vcpu.phys_timer.write_ctl(value),
    "CNTP_CVAL_EL0": lambda vcpu, value: vcpu.phys_timer.write_cval(value),
    "CNTP_TVAL_EL0": lambda vcpu, value: vcpu.phys_timer.write_tval(value),
}


# The performance monitors


def _read_event_type(vcpu: Vcpu) -> int:
    return vcpu.pmu.filter if vcpu.pmu.selected == SELECT_CYCLES else 0


def _write_event_type(vcpu: Vcpu, value: int) -> None:
    if vcpu.pmu.selected == SELECT_CYCLES:
        vcpu.pmu.write_filter(value)


def _select(vcpu: Vcpu, value: int) -> None:
    vcpu.pmu.selected = value & 0x1F


def _permit(vcpu: Vcpu, value: int) -> None:
    vcpu.pmu.user = value & 0xF


def _ignore(_vcpu: Vcpu, _value: int) -> None:
    """WI: there are no event counters."""


def _setting(what: str) -> Callable[[Vcpu, int], None]:
    return lambda vcpu, value: vcpu.pmu.assign(what, value, value)


def _clearing(what: str) -> Callable[[Vcpu, int], None]:
    return lambda vcpu, value: vcpu.pmu.assign(what, value, 0)


_PMU_READ: Mapping[str, Callable[[Vcpu], int]] = {
    "PMCR_EL0": lambda vcpu: vcpu.pmu.pmcr,
    "PMCNTENSET_EL0": lambda vcpu: vcpu.pmu.enabled,
    "PMCNTENCLR_EL0": lambda vcpu: vcpu.pmu.enabled,
    "PMOVSSET_EL0": lambda vcpu: vcpu.pmu.read_overflows(),
    "PMOVSCLR_EL0": lambda vcpu: vcpu.pmu.read_overflows(),
    "PMSELR_EL0": lambda vcpu: vcpu.pmu.selected,
    "PMCEID0_EL0": lambda _vcpu: 1 << CPU_CYCLES,
    "PMCEID1_EL0": lambda _vcpu: 0,
    "PMCCNTR_EL0": lambda vcpu: vcpu.pmu.cycles,
    "PMXEVTYPER_EL0": _read_event_type,
    "PMXEVCNTR_EL0": lambda _vcpu: 0,
    "PMUSERENR_EL0": lambda vcpu: vcpu.pmu.user,
    "PMCCFILTR_EL0": lambda vcpu: vcpu.pmu.filter,
    "PMINTENSET_EL1": lambda vcpu: vcpu.pmu.interrupts,
    "PMINTENCLR_EL1": lambda vcpu: vcpu.pmu.interrupts,
}

_PMU_WRITE: Mapping[str, Callable[[Vcpu, int], None]] = {
    "PMCR_EL0": lambda vcpu, value: vcpu.pmu.write_pmcr(value),
    "PMCNTENSET_EL0": _setting("enabled"),
    "PMCNTENCLR_EL0": _clearing("enabled"),
    "PMOVSSET_EL0": _setting("overflows"),
    "PMOVSCLR_EL0": _clearing("overflows"),
    "PMSELR_EL0": _select,
    "PMSWINC_EL0": _ignore,
    "PMCCNTR_EL0": lambda vcpu, value: vcpu.pmu.write_cycles(value),
    "PMXEVTYPER_EL0": _write_event_type,
    "PMXEVCNTR_EL0": _ignore,
    "PMUSERENR_EL0": _permit,
    "PMCCFILTR_EL0": lambda vcpu, value: vcpu.pmu.write_filter(value),
    "PMINTENSET_EL1": _setting("interrupts"),
    "PMINTENCLR_EL1": _clearing("interrupts"),
}


# For user space


def encoding(op0: int, op1: int, crn: int, crm: int, op2: int) -> int:
    """Name a register as instructions do, in 16 bits (arch/arm64/include/uapi/asm/kvm.h)."""
    return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2


ENCODINGS: Mapping[str, int] = {
    name: encoding(*fields)
    for name, fields in {
        "MIDR_EL1": (3, 0, 0, 0, 0),
        "MPIDR_EL1": (3, 0, 0, 0, 5),
        "ID_AA64DFR0_EL1": (3, 0, 0, 5, 0),
        "ESR_EL1": (3, 0, 5, 2, 0),
        "CNTKCTL_EL1": (3, 0, 14, 1, 0),
        "CNTPCT_EL0": (3, 3, 14, 0, 1),
        "CNTP_CVAL_EL0": (3, 3, 14, 2, 2),
        "CNTP_CTL_EL0": (3, 3, 14, 2, 1),
        "CNTVCT_EL0": (3, 3, 14, 3, 2),
        "CNTV_CVAL_EL0": (3, 3, 14, 0, 2),
        "CNTV_CTL_EL0": (3, 3, 14, 3, 1),
        "PMCCNTR_EL0": (3, 3, 9, 13, 0),
        "PMCCFILTR_EL0": (3, 3, 14, 15, 7),
        "PMSELR_EL0": (3, 3, 9, 12, 5),
        "PMUSERENR_EL0": (3, 3, 9, 14, 0),
        "PMCNTENSET_EL0": (3, 3, 9, 12, 1),
        "PMINTENSET_EL1": (3, 0, 9, 14, 1),
        "PMOVSSET_EL0": (3, 3, 9, 14, 3),
        "PMCR_EL0": (3, 3, 9, 12, 0),
    }.items()
}
"""What user space can get and set, in the order in which it is to be set: an instant before its
timer's enable, a count before what counts. CNTVCT_EL0 and CNTV_CVAL_EL0 stand in each other's
place, as in the kernel's interface ever since."""

INVARIANT = frozenset({"MIDR_EL1", "ID_AA64DFR0_EL1", "CNTPCT_EL0", "CNTVCT_EL0"})
"""What nobody can change; the counters are the VM's time, without an offset."""


# The instructions


def read_system_register(vcpu: Vcpu, name: str) -> int:
    """MRS.

    Raises:
        UndefinedInstructionError: where there is no such register.
    """
    if name.startswith("ICC_"):
        return _read_gic(vcpu, name)
    read = _READ.get(name)
    if read is None and vcpu.has_pmu:
        read = _PMU_READ.get(name)
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
    write = _WRITE.get(name)
    if write is None and vcpu.has_pmu:
        write = _PMU_WRITE.get(name)
    if write is None:
        raise UndefinedInstructionError(name)
    write(vcpu, value)


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
