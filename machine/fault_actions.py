"""What the actions of stages do to a machine (see `machine.faults.table.ACTIONS`).

What can't be done at that moment (the guest is not up, the CPU is not there) changes nothing; the
trace says so.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from machine.errors import MachineError
from machine.events import Aborted, ErrorSeverity, VcpuChanged, VcpuError
from machine.kvm.run import InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.cpu import ArmCpu, CpuSlot
    from machine.faults.stage import Stage
    from machine.virt import VirtMachine

PENDING, HANG = "pending", "hang"


class FaultActions:
    """Does them."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine
        self._hangs: set[str] = set()
        self._to_cpu: Mapping[str, Callable[[CpuSlot], None]] = {
            "online": partial(self._set_online, "1"),
            "offline": partial(self._set_online, "0"),
            "eject": self._eject,
            "corrected-error": partial(self._hardware_error, ErrorSeverity.CORRECTED),
            "uncorrected-error": self._uncorrected_error,
            "internal-error": self._internal_error,
        }
        self._to_machine: Mapping[str, Callable[[], None]] = {
            "reboot": partial(self._sysrq, "b"),
            "poweroff": partial(self._sysrq, "o"),
            "panic": partial(self._sysrq, "c"),
            "abort": self._abort,
        }

    def act(self, stage: Stage, cpu: int | None) -> None:
        """Do what a stage asks for, to a CPU if it is done to one."""
        try:
            self._do(stage, cpu)
        except MachineError as error:
            self._tell_failure(str(error), do=stage.do, cpu=cpu)

    def _do(self, stage: Stage, cpu: int | None) -> None:
        if stage.do == HANG:
            self._hang(stage.name)
        elif stage.do in self._to_machine:
            self._to_machine[stage.do]()
        elif cpu is None:
            raise MachineError("the event was about no CPU")
        else:
            self._to_cpu[stage.do](self._machine.slots[cpu])

    def end(self, stage: Stage) -> None:
        """An action that lasts is over, or a stage is cleared."""
        if stage.do == HANG:
            self._end_hang(stage.name)
        elif stage.do == PENDING:
            self._machine.psci.let_begin(stage.cpu)

    def _tell_failure(self, reason: str, **what: object) -> None:
        if self._machine.trace.on:
            self._machine.trace("fault", "not_done", **what, reason=reason)

    # The guest's user

    def _set_online(self, text: str, slot: CpuSlot) -> None:
        kernel = self._machine.power.kernel
        cpu = None if kernel is None else kernel.by_affinity.get(slot.arch_id)
        if cpu is None:
            raise MachineError(f"the guest knows no CPU with arch-id {slot.arch_id}")
        self._write(f"/sys/devices/system/cpu/cpu{cpu.id}/online", text)

    def _eject(self, slot: CpuSlot) -> None:
        """The DSDT has the possible CPUs in their order, and so has the guest."""
        self._write(f"/sys/bus/acpi/devices/ACPI0007:{slot.index:02x}/eject", "1")

    def _sysrq(self, key: str) -> None:
        self._write("/proc/sysrq-trigger", key)

    def _write(self, path: str, text: str) -> None:
        def done(error: int) -> None:
            if error:
                self._tell_failure(os.strerror(-error), path=path)

        self._machine.power.guest_write(path, text, done)

    # The hardware, and the host

    def _plugged(self, slot: CpuSlot) -> ArmCpu:
        if slot.cpu is None:
            raise MachineError(f"CPU {slot.index} is not plugged")
        return slot.cpu

    def _hardware_error(self, severity: ErrorSeverity, slot: CpuSlot) -> None:
        """A CPU has an error, and the host is told, as by RAS firmware and EDAC."""
        cpu = self._plugged(slot)
        cpu.errors[severity] += 1
        self._machine.events.emit(VcpuError(slot.index, cpu.device_id, cpu.path, severity))
        self._machine.events.emit(VcpuChanged(slot.index))

    def _uncorrected_error(self, slot: CpuSlot) -> None:
        """One that the CPU itself learns of, too."""
        self._hardware_error(ErrorSeverity.UNCORRECTED, slot)
        self._machine.power.inject_serror(slot)

    def _internal_error(self, slot: CpuSlot) -> None:
        self._plugged(slot)
        if not self._machine.running:
            raise MachineError("the machine does not run")
        slot.vcpu.fail(InternalError.EMULATION)

    def _abort(self) -> None:
        self._machine.events.emit(Aborted())

    # A host that does not schedule the vCPUs

    def _hang(self, name: str) -> None:
        """A CPU that is plugged later needs no holding: nobody is there who could start it."""
        if not self._hangs:
            for _slot, cpu in self._machine.cpus():
                cpu.thread.hold()
        self._hangs.add(name)

    def _end_hang(self, name: str) -> None:
        """Let the vCPUs run; what the GED has gone on about in vain it says again."""
        if name not in self._hangs:
            return
        self._hangs.remove(name)
        if self._hangs:
            return
        for _slot, cpu in self._machine.cpus():
            cpu.thread.let_go()
        ged = self._machine.ged
        if ged is not None and ged.pending:
            ged.insist()
