"""Domain objects to wire models, and domain events to wire events. Nothing is decided here."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from machine import events as domain
from machine.kvm.run import InternalErrorExit
from machine.kvm.smccc import AFFINITY_OFF, AFFINITY_ON, AFFINITY_ON_PENDING
from machine.kvm.vcpu import MpState
from machine.topology import MOST_CPUS
from protocol.qapi import acpi, misc, qdev, run_state
from protocol.qapi.acpi import ACPIOSTInfo, ACPISlotType
from protocol.qapi.machine import CpuInstanceProperties
from protocol.qapi.run_state import GuestPanicAction, ShutdownCause
from protocol.qapi.vcpus import (
    AcpiVcpuInfo,
    GuestCpuTopology,
    GuestVcpuInfo,
    KvmVcpuInfo,
    KvmVcpuState,
    LastOst,
    PsciState,
    VcpuErrors,
    VcpuErrorSeverity,
    VcpuInfo,
    VmmVcpuInfo,
    XVcpuError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.cpu import CpuSlot, PossibleCpu
    from machine.topology import CpuLocation
    from machine.virt import VirtMachine
    from protocol.event import Event


def instance_properties(slot: PossibleCpu) -> CpuInstanceProperties:
    """Where a possible CPU sits."""
    return _properties(slot.location, slot.node_id)


@lru_cache(MOST_CPUS)
def _properties(at: CpuLocation, node_id: int | None) -> CpuInstanceProperties:
    return CpuInstanceProperties(
        node_id=node_id,
        core_id=at.core_id,
        thread_id=at.thread_id,
        socket_id=at.socket_id,
        cluster_id=at.cluster_id,
    )


def ost_info(ost: domain.AcpiDeviceOst) -> ACPIOSTInfo:
    """A report of the guest."""
    return ACPIOSTInfo(
        device=ost.device,
        source=ost.source,
        status=ost.status,
        slot=str(ost.slot),
        slot_type=ACPISlotType.CPU,
    )


def vcpu_info(machine: VirtMachine, slot: CpuSlot) -> VcpuInfo:
    """One possible CPU on every layer."""
    return VcpuInfo(
        index=slot.index,
        props=instance_properties(slot),
        mpidr=slot.vcpu.mpidr,
        redistributor=slot.redistributor,
        kvm=KvmVcpuInfo(
            vcpu_id=slot.vcpu.id,
            created=slot.vcpu.id in machine.vm.vcpus,
            state=_kvm_state(machine, slot),
        ),
        vmm=VmmVcpuInfo(
            plugged=slot.cpu is not None,
            id_=slot.cpu.device_id if slot.cpu else None,
            qom_path=slot.cpu.path if slot.cpu else None,
            gicc_accessible=slot.gic_cpu.accessible,
            errors=_errors(slot),
        ),
        acpi=_acpi(machine, slot),
        guest=_guest(machine, slot),
        psci=_PSCI[slot.vcpu.affinity_state],
    )


_PSCI: Mapping[int, PsciState] = {
    AFFINITY_ON: PsciState.ON,
    AFFINITY_OFF: PsciState.OFF,
    AFFINITY_ON_PENDING: PsciState.ON_PENDING,
}


def _kvm_state(machine: VirtMachine, slot: CpuSlot) -> KvmVcpuState:
    if slot.vcpu.id in machine.accel.parked:
        return KvmVcpuState.PARKED
    if isinstance(slot.vcpu.left, InternalErrorExit):
        return KvmVcpuState.INTERNAL_ERROR
    on = slot.vcpu.mp_state is MpState.RUNNABLE
    return KvmVcpuState.RUNNING if on else KvmVcpuState.STOPPED


def _errors(slot: CpuSlot) -> VcpuErrors | None:
    if slot.cpu is None or not slot.cpu.errors:
        return None
    return VcpuErrors(**{each.value: slot.cpu.errors[each] for each in domain.ErrorSeverity})


def _acpi(machine: VirtMachine, slot: CpuSlot) -> AcpiVcpuInfo | None:
    if machine.cpuhp is None:
        return None
    state = machine.cpuhp.cpus[slot.index]
    return AcpiVcpuInfo(
        enabled=state.is_enabled,
        insert_pending=state.is_inserting,
        remove_pending=state.is_removing,
        last_ost=LastOst(source=state.ost_event, status=state.ost_status),
    )


def _guest(machine: VirtMachine, slot: CpuSlot) -> GuestVcpuInfo | None:
    kernel = machine.power.kernel
    cpu = kernel.by_affinity.get(slot.arch_id) if kernel is not None else None
    if cpu is None:
        return None
    topology = GuestCpuTopology(**cpu.topology._asdict()) if cpu.topology else None
    return GuestVcpuInfo(
        present=True,
        enabled=cpu.enabled,
        online=cpu.online,
        node_id=cpu.node,
        topology=topology,
    )


def _ost(event: domain.AcpiDeviceOst) -> Event:
    return acpi.AcpiDeviceOst(info=ost_info(event))


def _deleted(event: domain.DeviceDeleted) -> Event:
    return qdev.DeviceDeleted(device=event.device, path=event.path)


def _unplug_refused(event: domain.DeviceUnplugRefused) -> Event:
    return qdev.DeviceUnplugGuestError(device=event.device, path=event.path)


def _reset(event: domain.WasReset) -> Event:
    return run_state.Reset(guest=event.guest, reason=ShutdownCause(event.reason))


def _shutdown(event: domain.ShutdownRequested) -> Event:
    return run_state.Shutdown(guest=event.guest, reason=ShutdownCause(event.reason))


def _panicked(event: domain.GuestPanicked) -> Event:
    return run_state.GuestPanicked(action=GuestPanicAction(event.action))


def _crash_loaded(event: domain.GuestCrashLoaded) -> Event:
    return run_state.GuestCrashloaded(action=GuestPanicAction(event.action))


def _rtc_change(event: domain.RtcChanged) -> Event:
    return misc.RtcChange(offset=event.offset, qom_path=event.path)


def _vcpu_error(event: domain.VcpuError) -> Event:
    return XVcpuError(
        index=event.index,
        device=event.device,
        path=event.path,
        severity=VcpuErrorSeverity(event.severity.value),
    )


_EVENTS: Mapping[type, Callable[..., Event]] = {
    domain.AcpiDeviceOst: _ost,
    domain.DeviceDeleted: _deleted,
    domain.DeviceUnplugRefused: _unplug_refused,
    domain.Stopped: lambda _event: run_state.Stop(),
    domain.Resumed: lambda _event: run_state.Resume(),
    domain.Suspended: lambda _event: run_state.Suspend(),
    domain.WokenUp: lambda _event: run_state.Wakeup(),
    domain.WasReset: _reset,
    domain.PowerdownRequested: lambda _event: run_state.Powerdown(),
    domain.ShutdownRequested: _shutdown,
    domain.GuestPanicked: _panicked,
    domain.GuestCrashLoaded: _crash_loaded,
    domain.GuestPvShutdown: lambda _event: run_state.GuestPvshutdown(),
    domain.RtcChanged: _rtc_change,
    domain.VcpuError: _vcpu_error,
}


def wire_event(event: domain.MachineEvent) -> Event | None:
    """The QMP event for a domain event; None for one that QMP has no name for."""
    translate = _EVENTS.get(type(event))
    return translate(event) if translate is not None else None
