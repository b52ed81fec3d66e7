"""What must agree between the layers of a machine, whatever has been asked of it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from machine.kvm.errors import KvmError
from machine.kvm.vcpu import MpState

if TYPE_CHECKING:
    from machine.cpu import CpuSlot
    from machine.kvm.vcpu import Vcpu
    from machine.virt import VirtMachine


class Birth:
    """What was there when the machine was made, and must stay."""

    def __init__(self, machine: VirtMachine) -> None:
        self.vcpus: list[Vcpu] = list(machine.vm.vcpus.values())
        self.mpidrs = [vcpu.mpidr for vcpu in self.vcpus]
        self.redistributors = [slot.redistributor for slot in machine.slots]

    def check(self, machine: VirtMachine) -> None:
        """No vCPU was destroyed, none was created late, none changed its identity."""
        now = list(machine.vm.vcpus.values())
        assert len(now) == len(self.vcpus)
        assert all(before is after for before, after in zip(self.vcpus, now, strict=True))
        assert [vcpu.mpidr for vcpu in now] == self.mpidrs
        assert [slot.redistributor for slot in machine.slots] == self.redistributors
        with pytest.raises(KvmError) as refused:
            machine.vm.create_vcpu(len(now))
        assert refused.value.errno == errno.EBUSY


def check_layers(machine: VirtMachine) -> None:
    """At any moment: KVM, VMM, GIC and ACPI say the same of each possible CPU."""
    for slot in machine.slots:
        _check_slot(machine, slot)
    assert [slot.index for slot, _ in machine.cpus()] == list(machine.plugger.plugged)
    ids = {cpu.device_id for _, cpu in machine.cpus() if cpu.device_id is not None}
    assert ids == set(machine.plugger.ids)
    assert {cpu.path for _, cpu in machine.cpus()} == set(machine.plugger.by_path)
    assert machine.bus.unassigned == machine.vm.io_bus.unassigned == 0


def _check_slot(machine: VirtMachine, slot: CpuSlot) -> None:
    vcpu, plugged = slot.vcpu, slot.cpu is not None
    assert (vcpu.id in machine.accel.parked) is not plugged
    assert slot.gic_cpu.accessible is plugged
    assert slot.gic_cpu.irq.connected is plugged
    assert vcpu.virt_timer.line.connected is plugged
    assert (vcpu.engine is not None) == (vcpu.mp_state is MpState.RUNNABLE)
    if not plugged:
        assert vcpu.mp_state is MpState.STOPPED
        assert not vcpu.irq.level
    assert machine.cpuhp is not None
    state = machine.cpuhp.cpus[slot.index]
    assert state.is_present
    assert state.is_enabled is plugged
    waits = state.is_inserting or state.is_removing or state.fw_remove
    assert (slot.index in machine.cpuhp.pending) is waits


def check_answered(machine: VirtMachine) -> None:
    """Once nothing is due any more: every removal that was asked for is done, or refused."""
    assert not any(cpu.unplug_pending for _, cpu in machine.cpus())


def check_settled(machine: VirtMachine) -> None:
    """Once nothing is due any more, and all that may be online is: the guest has caught up."""
    check_answered(machine)
    kernel = machine.power.kernel
    assert kernel is not None
    for slot in machine.slots:
        cpu = kernel.by_uid[slot.index]
        plugged = slot.cpu is not None
        on = slot.vcpu.mp_state is MpState.RUNNABLE
        assert cpu.enabled is plugged, slot.index
        assert cpu.online is plugged, slot.index
        assert on is plugged, slot.index
