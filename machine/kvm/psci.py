"""PSCI and SMCCC as the kernel answers them by itself.

Whatever a filter forwards never arrives here (see `Vm.set_smccc_filter`): with vCPU hot-plug that
is CPU_ON and CPU_OFF, whose policy is user space's. The rest is DEN0022F §5, as far as KVM has it
(arch/arm64/kvm/psci.c and hypercalls.c): what is not in the table is NOT_SUPPORTED.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from machine.kvm.smccc import (
    AFFINITY_FIELDS,
    AFFINITY_OFF,
    AFFINITY_ON,
    AFFINITY_ON_PENDING,
    CPU_SUSPEND_FEATURES,
    MASK32,
    PSCI_1_1,
    SMC64,
    SMCCC_1_1,
    TOS_NOT_PRESENT,
    VENDOR_RESETS,
    WARM_RESET,
    Function,
    Result,
    arguments,
)
from machine.kvm.spectre import arch_feature
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.kvm.vcpu import Vcpu

_Args = tuple[int, int, int]


def _cpu_suspend(_vcpu: Vcpu, _args: _Args) -> int:
    """Wait for an interrupt: the engine does, as with WFI.

    KVM treats a powerdown state as standby, as DEN0022F §5.4 allows: all registers are kept, the
    entry point is not used, and the caller goes on behind the call.
    """
    return Result.SUCCESS


def _cpu_off(vcpu: Vcpu, _args: _Args) -> int:
    vcpu.set_mp_state(MpState.STOPPED)
    return Result.SUCCESS


def _cpu_on(vcpu: Vcpu, args: _Args) -> int:
    affinity, entry, context = args
    target = vcpu.vm.by_affinity(affinity)  # one with bits that are no affinity finds none
    if target is None:
        return Result.INVALID_PARAMETERS
    if target.mp_state is not MpState.STOPPED:
        return Result.ALREADY_ON
    target.reset()
    target.pc, target.x0 = entry, context
    target.set_mp_state(MpState.RUNNABLE)
    target.kick()
    return Result.SUCCESS


def _level_mask(level: int) -> int:
    """The affinity fields from a level on up."""
    below = (0, 0xFF, 0xFFFF, 0xFF_FFFF)[level]
    return AFFINITY_FIELDS & ~below


_STRONGEST = (AFFINITY_ON, AFFINITY_ON_PENDING, AFFINITY_OFF)
"""What a group of CPUs is: on if one of them is, else on its way if one is (DEN0022F §5.7)."""


def _affinity_info(vcpu: Vcpu, args: _Args) -> int:
    affinity, level, _ = args
    if affinity & ~AFFINITY_FIELDS or level > 3:
        return Result.INVALID_PARAMETERS
    mask = _level_mask(level)
    group = affinity & mask
    if level == 0:
        target = vcpu.vm.by_affinity(group)
        matching = [target] if target is not None else []
    else:
        matching = [other for other in vcpu.vm.vcpus.values() if other.affinity & mask == group]
    if not matching:
        return Result.INVALID_PARAMETERS
    states = {other.affinity_state for other in matching}
    return next(state for state in _STRONGEST if state in states)


def _psci_features(vcpu: Vcpu, args: _Args) -> int:
    """SMCCC has its own way of asking, but for its version."""
    function = args[0] & MASK32
    call = find_call(vcpu, function)
    if call is None or not call.feature:
        return Result.NOT_SUPPORTED
    short = function & ~SMC64
    return CPU_SUSPEND_FEATURES if short == Function.CPU_SUSPEND else Result.SUCCESS


def _system_event(kind: str) -> Callable[[Vcpu, _Args], int]:
    """An exit that user space is not to come back from; if it does, that was a failure."""

    def call(vcpu: Vcpu, _args: _Args) -> int:
        vcpu.vm.exits.system_event(vcpu, kind)
        return Result.INTERNAL_FAILURE

    return call


_reset = _system_event("reset")


def _system_reset2(vcpu: Vcpu, args: _Args) -> int:
    """The architecture's warm reset, or one of the vendor's: for KVM each is a reset."""
    if WARM_RESET < args[0] < VENDOR_RESETS:
        return Result.INVALID_PARAMETERS
    return _reset(vcpu, args)


def _system_suspend(vcpu: Vcpu, args: _Args) -> int:
    """User space does it all, or says why not (KVM_SYSTEM_EVENT_SUSPEND in KVM's api.rst)."""
    return vcpu.vm.exits.system_suspend(vcpu, args[0], args[1])


def _constant(value: int) -> Callable[[Vcpu, _Args], int]:
    return lambda _vcpu, _args: value


def _always(_vcpu: Vcpu) -> bool:
    return True


class Call(NamedTuple):
    """One function.

    Attributes:
        answer: gives x0, from the calling vCPU and x1 to x3.
        wide: whether it has a 64-bit form; those have that take an address or an affinity.
        feature: whether PSCI_FEATURES knows it.
        there: whether this VM has it.
    """

    answer: Callable[[Vcpu, _Args], int]
    wide: bool = False
    feature: bool = True
    there: Callable[[Vcpu], bool] = _always


CALLS: Mapping[int, Call] = {
    Function.SMCCC_VERSION: Call(_constant(SMCCC_1_1)),
    Function.SMCCC_ARCH_FEATURES: Call(
        lambda vcpu, args: arch_feature(vcpu.midr, args[0] & MASK32), feature=False
    ),
    Function.SMCCC_ARCH_WORKAROUND_1: Call(_constant(Result.SUCCESS), feature=False),
    Function.SMCCC_ARCH_WORKAROUND_2: Call(_constant(Result.SUCCESS), feature=False),
    Function.SMCCC_ARCH_WORKAROUND_3: Call(_constant(Result.SUCCESS), feature=False),
    Function.PSCI_VERSION: Call(_constant(PSCI_1_1)),
    Function.CPU_SUSPEND: Call(_cpu_suspend, wide=True),
    Function.CPU_OFF: Call(_cpu_off),
    Function.CPU_ON: Call(_cpu_on, wide=True),
    Function.AFFINITY_INFO: Call(_affinity_info, wide=True),
    Function.MIGRATE_INFO_TYPE: Call(_constant(TOS_NOT_PRESENT)),
    Function.SYSTEM_OFF: Call(_system_event("shutdown")),
    Function.SYSTEM_RESET: Call(_reset),
    Function.PSCI_FEATURES: Call(_psci_features),
    Function.SYSTEM_SUSPEND: Call(
        _system_suspend, wide=True, there=lambda vcpu: vcpu.vm.system_suspend
    ),
    Function.SYSTEM_RESET2: Call(_system_reset2, wide=True),
}
"""Every function that there is, by its 32-bit identifier."""


def find_call(vcpu: Vcpu, function: int) -> Call | None:
    """The function with an identifier, 32- or 64-bit, if this vCPU's VM has it."""
    short = function & ~SMC64
    call = CALLS.get(short)
    if call is None or not call.there(vcpu) or (short != function and not call.wide):
        return None
    return call


def kernel_call(vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
    """Answer a call in the kernel; one that is unknown gives NOT_SUPPORTED."""
    call = find_call(vcpu, function)
    if call is None:
        return Result.NOT_SUPPORTED
    return int(call.answer(vcpu, arguments(function, args)))
