"""PSCI and SMCCC as the kernel answers them by itself.

Whatever a filter forwards never arrives here (see `Vm.set_smccc_filter`): with vCPU hot-plug that
is CPU_ON and CPU_OFF, whose policy is user space's. The rest is DEN0022F §5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.kvm.smccc import (
    AFFINITY_OFF,
    AFFINITY_ON,
    HAS_64_BIT_FORM,
    PSCI_1_1,
    SMC64,
    SMCCC_1_1,
    TOS_NOT_PRESENT,
    Function,
    Result,
)
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.kvm.vcpu import Vcpu

AFFINITY_FIELDS = 0xFF_00FF_FFFF
"""Aff3, Aff2, Aff1 and Aff0 of MPIDR_EL1."""

_Args = tuple[int, ...]


def _argument(args: _Args, n: int) -> int:
    return args[n] if n < len(args) else 0


def _cpu_suspend(_vcpu: Vcpu, _args: _Args) -> int:
    return Result.SUCCESS


def _cpu_off(vcpu: Vcpu, _args: _Args) -> int:
    vcpu.set_mp_state(MpState.STOPPED)
    return Result.SUCCESS


def _cpu_on(vcpu: Vcpu, args: _Args) -> int:
    target = vcpu.vm.by_affinity(_argument(args, 0) & AFFINITY_FIELDS)
    if target is None:
        return Result.INVALID_PARAMETERS
    if target.mp_state is MpState.RUNNABLE:
        return Result.ALREADY_ON
    target.reset()
    target.pc, target.x0 = _argument(args, 1), _argument(args, 2)
    target.set_mp_state(MpState.RUNNABLE)
    target.kick()
    return Result.SUCCESS


def _level_mask(level: int) -> int:
    """The affinity fields from a level on up."""
    below = (0, 0xFF, 0xFFFF, 0xFF_FFFF)[level]
    return AFFINITY_FIELDS & ~below


def _affinity_info(vcpu: Vcpu, args: _Args) -> int:
    level = _argument(args, 1)
    if level > 3:
        return Result.INVALID_PARAMETERS
    mask = _level_mask(level)
    group = _argument(args, 0) & mask
    if level == 0:
        target = vcpu.vm.by_affinity(group)
        matching = [target] if target is not None else []
    else:
        matching = [other for other in vcpu.vm.vcpus.values() if other.affinity & mask == group]
    if not matching:
        return Result.INVALID_PARAMETERS
    on = any(other.mp_state is MpState.RUNNABLE for other in matching)
    return AFFINITY_ON if on else AFFINITY_OFF


def _features(_vcpu: Vcpu, args: _Args) -> int:
    wanted = _argument(args, 0) & 0xFFFF_FFFF
    return Result.SUCCESS if answers(wanted) else Result.NOT_SUPPORTED


def _system_event(kind: str) -> Callable[[Vcpu, _Args], int]:
    def call(vcpu: Vcpu, _args: _Args) -> int:
        vcpu.vm.exits.system_event(vcpu, kind)
        return Result.INTERNAL_FAILURE

    return call


_CALLS: dict[int, Callable[[Vcpu, _Args], int]] = {
    Function.SMCCC_VERSION: lambda _vcpu, _args: SMCCC_1_1,
    Function.SMCCC_ARCH_FEATURES: lambda _vcpu, _args: Result.NOT_SUPPORTED,
    Function.PSCI_VERSION: lambda _vcpu, _args: PSCI_1_1,
    Function.CPU_SUSPEND: _cpu_suspend,
    Function.CPU_OFF: _cpu_off,
    Function.CPU_ON: _cpu_on,
    Function.AFFINITY_INFO: _affinity_info,
    Function.MIGRATE_INFO_TYPE: lambda _vcpu, _args: TOS_NOT_PRESENT,
    Function.SYSTEM_OFF: _system_event("shutdown"),
    Function.SYSTEM_RESET: _system_event("reset"),
    Function.PSCI_FEATURES: _features,
}


def answers(function: int) -> bool:
    """Whether a function identifier, 32- or 64-bit, is one that is implemented."""
    short = function & ~SMC64
    return short in _CALLS and (short == function or short in HAS_64_BIT_FORM)


def kernel_call(vcpu: Vcpu, function: int, args: _Args) -> int:
    """Answer a call in the kernel; one that is unknown gives NOT_SUPPORTED."""
    if not answers(function):
        return Result.NOT_SUPPORTED
    return int(_CALLS[function & ~SMC64](vcpu, args))
