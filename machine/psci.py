"""PSCI calls that the kernel forwards: CPU_ON and CPU_OFF, whose policy is the VMM's.

A CPU that is possible but not plugged is DENIED (DEN0022F §5.6; Linux keeps quiet about it), and
so is an MPIDR that no possible CPU has, as in the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.kvm.smccc import SMC64, Function, Result
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from collections.abc import Callable

    from machine.cpu import CpuSlot
    from machine.kvm.vcpu import Vcpu

AFFINITY_MASK = 0xFF_00FF_FFFF


class PsciPolicy:
    """Answers forwarded calls.

    Args:
        by_affinity: possible CPUs by MPIDR affinity.
        power_on: start a plugged CPU at an address with a context in x0.
        power_off: stop one.
    """

    def __init__(
        self,
        by_affinity: dict[int, CpuSlot],
        power_on: Callable[[CpuSlot, int, int], None],
        power_off: Callable[[CpuSlot], None],
    ) -> None:
        self._by_affinity = by_affinity
        self._power_on = power_on
        self._power_off = power_off

    def call(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """Answer one call; x0 afterwards."""
        if function & ~SMC64 == Function.CPU_ON:
            target, entry, context = (*args, 0, 0, 0)[:3]
            return self._cpu_on(target & AFFINITY_MASK, entry, context)
        if function == Function.CPU_OFF:
            self._power_off(self._by_affinity[vcpu.affinity])
            return Result.SUCCESS
        return Result.NOT_SUPPORTED

    def _cpu_on(self, affinity: int, entry: int, context: int) -> int:
        slot = self._by_affinity.get(affinity)
        if slot is None or slot.cpu is None:
            return Result.DENIED
        if slot.vcpu.mp_state is MpState.RUNNABLE:
            return Result.ALREADY_ON
        if entry % 4:
            return Result.INVALID_PARAMETERS
        self._power_on(slot, entry, context)
        return Result.SUCCESS
