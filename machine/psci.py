"""PSCI calls that the kernel forwards, whose policy is the VMM's: CPU_ON, CPU_OFF, SYSTEM_SUSPEND.

A CPU that is possible but not plugged is DENIED (DEN0022F §5.6; Linux keeps quiet about it), and
so is an MPIDR that no possible CPU has, as in the reference. What could be granted is asked of the
machine's faults first.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine.events import VcpuChanged
from machine.kvm.smccc import AFFINITY_FIELDS, SMC64, Function, Result, arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.cpu import ArmCpu, CpuSlot
    from machine.kvm.vcpu import Vcpu
    from machine.power import Power
    from machine.virt import VirtMachine

INSTRUCTION_SIZE = 4

REFUSALS: Mapping[str, Result] = {
    "denied": Result.DENIED,
    "invalid-parameters": Result.INVALID_PARAMETERS,
    "already-on": Result.ALREADY_ON,
    "internal-failure": Result.INTERNAL_FAILURE,
}
"""Outcomes of `cpu-on` and `cpu-off` that are results (see `machine.faults.table`)."""
PENDING = "pending"


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
            return self._cpu_off(self._by_affinity[vcpu.affinity])
        return Result.NOT_SUPPORTED

    def _cpu_on(self, affinity: int, entry: int, context: int) -> int:
        if affinity & ~AFFINITY_FIELDS or entry % INSTRUCTION_SIZE:
            return Result.INVALID_PARAMETERS
        slot = self._by_affinity.get(affinity)
        if slot is None or slot.cpu is None:
            return Result.DENIED
        if not slot.is_off:
            pending = slot.cpu.thread.on_pending
            return Result.ON_PENDING if pending else Result.ALREADY_ON
        if self._machine.faults.on:
            return self._fated_cpu_on(
                slot, slot.cpu, partial(self._power.cpu_on, slot, entry, context)
            )
        self._power.cpu_on(slot, entry, context)
        return Result.SUCCESS

    def _fated_cpu_on(self, slot: CpuSlot, cpu: ArmCpu, begin: Callable[[], None]) -> int:
        outcome, delay = self._machine.faults.decide("cpu-on", slot.index)
        if outcome in REFUSALS:
            return REFUSALS[outcome]
        if outcome == PENDING or delay:
            cpu.thread.start_later(None if outcome == PENDING else delay, begin)
            self._machine.events.emit(VcpuChanged(slot.index))
        else:
            begin()
        return Result.SUCCESS

    def _cpu_off(self, slot: CpuSlot) -> int:
        delay = 0
        if self._machine.faults.on:
            outcome, delay = self._machine.faults.decide("cpu-off", slot.index)
            if outcome in REFUSALS:
                return REFUSALS[outcome]
        self._power.cpu_off(slot)
        if delay and slot.cpu is not None:
            changed = partial(self._machine.events.emit, VcpuChanged(slot.index))
            slot.cpu.thread.stop_late(delay, changed)
            changed()
        return Result.SUCCESS

    def let_begin(self, cpu: int | None) -> None:
        """Let CPUs begin that are pending for good: the one with this index, or all."""
        for slot, its in self._machine.cpus():
            if cpu in {None, slot.index}:
                its.thread.release()

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        """Suspend the system, from its last CPU only (DEN0022F); x0, where that is refused."""
        on = [slot for slot, _ in self._machine.cpus() if not slot.is_off]
        slot = self._by_affinity[vcpu.affinity]
        if on != [slot]:
            return Result.DENIED
        if entry % INSTRUCTION_SIZE or not self._machine.ram.contains(entry, INSTRUCTION_SIZE):
            return Result.INVALID_ADDRESS
        self._power.suspend(slot, entry, context)
        return Result.SUCCESS
