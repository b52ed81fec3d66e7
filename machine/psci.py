"""PSCI calls that the kernel forwards, whose policy is the VMM's: CPU_ON, CPU_OFF, SYSTEM_SUSPEND.

A CPU that is possible but not plugged is DENIED (DEN0022F §5.6; Linux keeps quiet about it), and
so is an MPIDR that no possible CPU has, as in the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from machine.kvm.smccc import AFFINITY_FIELDS, SMC64, Function, Result, arguments
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from machine.cpu import CpuSlot
    from machine.kvm.vcpu import Vcpu
    from machine.power import Power
    from machine.virt import VirtMachine

INSTRUCTION_SIZE = 4


class PsciPolicy:
    """Answers forwarded calls.

    Args:
        machine: the board, which has the CPUs and the RAM.
        by_affinity: possible CPUs by MPIDR affinity.
        power: does what is granted.
    """

    def __init__(self, machine: VirtMachine, by_affinity: dict[int, CpuSlot], power: Power) -> None:
        self._machine = machine
        self._by_affinity = by_affinity
        self._power = power

    def call(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """Answer one call; x0 afterwards."""
        if function & ~SMC64 == Function.CPU_ON:
            return self._cpu_on(*arguments(function, args))
        if function == Function.CPU_OFF:
            self._power.cpu_off(self._by_affinity[vcpu.affinity])
            return Result.SUCCESS
        return Result.NOT_SUPPORTED

    def _cpu_on(self, affinity: int, entry: int, context: int) -> int:
        if affinity & ~AFFINITY_FIELDS or entry % INSTRUCTION_SIZE:
            return Result.INVALID_PARAMETERS
        slot = self._by_affinity.get(affinity)
        if slot is None or slot.cpu is None:
            return Result.DENIED
        if slot.vcpu.mp_state is not MpState.STOPPED:
            pending = slot.cpu.thread.on_pending
            return Result.ON_PENDING if pending else Result.ALREADY_ON
        self._power.cpu_on(slot, entry, context)
        return Result.SUCCESS

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        """Suspend the system, from its last CPU only (DEN0022F); x0, where that is refused."""
        on = [slot for slot, _ in self._machine.cpus() if slot.vcpu.mp_state is not MpState.STOPPED]
        slot = self._by_affinity[vcpu.affinity]
        if on != [slot]:
            return Result.DENIED
        if entry % INSTRUCTION_SIZE or not self._machine.ram.contains(entry, INSTRUCTION_SIZE):
            return Result.INVALID_ADDRESS
        self._power.suspend(slot, entry, context)
        return Result.SUCCESS
