"""CPU hot-plug as the `virt` board does it: pre_plug, plug, unplug_request, unplug.

hw/arm/virt of the reference. A plug takes the vCPU of the slot out of the parked pool, opens its
GIC CPU interface and wires it; an unplug, which only the guest's eject brings about, cuts the
wires and parks it again. Each time it is the same vCPU, MPIDR and redistributor.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from machine.accel import UNPARK_ERRORS, init_failed
from machine.cpu import ArmCpu
from machine.cpu_features import check_realize, finalize
from machine.cpu_properties import UNSET_NODE
from machine.errors import MachineError
from machine.events import DeviceDeleted, DeviceUnplugRefused, VcpuChanged
from machine.memmap import PPI_PHYSICAL_TIMER, PPI_PMU, PPI_VIRTUAL_TIMER
from machine.qdev import DeviceRequest
from machine.scheduler import VcpuThread
from machine.topology import CpuLocation

if TYPE_CHECKING:
    from machine.cpu import CpuSlot
    from machine.virt import VirtMachine

LEVELS = ("thread", "core", "cluster", "socket")
"""The order in which the board checks the ids."""
NO_NUMA_NODE = 0


def _check_node(slot: CpuSlot, request: DeviceRequest) -> None:
    """A request need not name the slot's NUMA node, but must not name another."""
    node = NO_NUMA_NODE if slot.node_id is None else slot.node_id
    if request.properties.get("node-id", UNSET_NODE) not in {UNSET_NODE, node}:
        raise MachineError(f"invalid node-id, must be {node}")


class CpuPlugger:
    """The board's hot-plug handler for CPUs."""

    def __init__(self, machine: VirtMachine) -> None:
        self._machine = machine
        self.plugged: dict[int, ArmCpu] = {}
        """Slot number to CPU, in the order of plugging."""
        self.by_path: dict[str, CpuSlot] = {}
        self.ids: dict[str, CpuSlot] = {}
        self.generation = 0
        """Counts plugs and unplugs: while it is equal, the same CPUs are there."""
        self._anonymous = 0

    # Plug

    def pre_plug(self, request: DeviceRequest, *, hotplugged: bool) -> CpuSlot:
        """Find the slot that a request means.

        Raises:
            MachineError: where the board refuses, in the order of its checks.
        """
        machine = self._machine
        if hotplugged and machine.cpuhp is None:
            raise MachineError("GED acpi device does not exists")
        if hotplugged and not machine.has_hotpluggable_cpus:
            raise MachineError("CPU hotplug not supported on this machine")
        if request.driver != machine.cpu_typename:
            raise MachineError(f"Invalid CPU type, expected cpu type: '{machine.cpu_typename}'")
        index = machine.topology.index(self._location(request))
        if index >= machine.possible_count:
            raise MachineError("CPU hotplug not supported on this machine")
        slot = machine.slots[index]
        if slot.cpu is not None:
            raise MachineError(
                f"cpu(id{slot.index}={slot.location}) with arch-id {slot.arch_id} exist",
            )
        _check_node(slot, request)
        if machine.trace.on:
            machine.trace("vmm", "cpu_pre_plug", index=slot.index, id=request.device_id,
                          hotplugged=hotplugged)  # fmt: skip
        return slot

    def _finalized(self, request: DeviceRequest) -> DeviceRequest:
        """The request, with what follows from its properties.

        Raises:
            MachineError: where there is no such CPU.
        """
        given = request.properties
        properties = {**given, **finalize(self._machine.cpu_model, given)}
        check_realize(properties)
        return replace(request, properties=properties)

    def _location(self, request: DeviceRequest) -> CpuLocation:
        topology = self._machine.topology
        ids = {f"{level}_id": request.number(f"{level}-id") for level in LEVELS}
        for level in LEVELS:
            value, most = ids[f"{level}_id"], getattr(topology, f"{level}s") - 1
            if not 0 <= value <= most:
                raise MachineError(f"Invalid {level}-id {value} specified, correct range 0:{most}")
        return CpuLocation(**ids)

    def plug(self, slot: CpuSlot, request: DeviceRequest, *, hotplugged: bool) -> ArmCpu:
        """Realize the CPU of a request in its slot.

        Raises:
            MachineError: where there is no such CPU, or the host has no vCPU for it; nothing has
                changed then.
        """
        request = self._finalized(request)
        faults = self._machine.faults
        if faults.on:
            self._ask_host(slot)
        cpu = self._realize(slot, request, self._path(request), hotplugged=hotplugged)
        if request.device_id is None:
            self._anonymous += 1
        if faults.on and hotplugged:
            faults.decide("plug", slot.index)
        return cpu

    def _ask_host(self, slot: CpuSlot) -> None:
        outcome = self._machine.faults.decide("unpark", slot.index).outcome
        if outcome in UNPARK_ERRORS:
            raise init_failed(slot.vcpu.id, UNPARK_ERRORS[outcome])

    def boot(self, slot: CpuSlot) -> ArmCpu:
        """Realize one of the CPUs that `-smp cpus=` counts.

        Raises:
            MachineError: where `-cpu` asks for a CPU that can't be.
        """
        request = DeviceRequest(self._machine.cpu_typename, None, self._machine.cpu_globals)
        _check_node(slot, request)
        path = f"/machine/unattached/device[{slot.index}]"
        return self._realize(slot, self._finalized(request), path, hotplugged=False)

    def _path(self, request: DeviceRequest) -> str:
        if request.device_id is not None:
            return f"/machine/peripheral/{request.device_id}"
        return f"/machine/peripheral-anon/device[{self._anonymous}]"

    def _realize(
        self,
        slot: CpuSlot,
        request: DeviceRequest,
        path: str,
        *,
        hotplugged: bool,
    ) -> ArmCpu:
        """Make the CPU object, from the slot's parked vCPU, and connect everything to it."""
        machine = self._machine
        if machine.trace.on:
            machine.trace("vmm", "qdev_realize", index=slot.index, path=path, type=request.driver)
        pmu = request.properties.get("pmu") is not False
        vcpu = machine.accel.unpark_vcpu(slot.index, request.number("midr"), pmu=pmu)
        slot.cpu = cpu = ArmCpu(
            typename=request.driver,
            device_id=request.device_id,
            path=path,
            hotplugged=hotplugged,
            vcpu=vcpu,
            thread=VcpuThread(machine.clock, vcpu),
            properties=request.properties,
        )
        self.generation += 1
        self.plugged[slot.index] = cpu
        self.by_path[cpu.path] = slot
        if cpu.device_id is not None:
            self.ids[cpu.device_id] = slot
        self._wire(slot)
        if machine.trace.on:
            machine.trace("vmm", "cpu_plug", index=slot.index, mpidr=slot.arch_id, path=cpu.path)
        if machine.cpuhp is not None:
            machine.cpuhp.set_enabled(slot.index, enabled=True)
            if cpu.hotplugged:
                machine.cpuhp.request_insert(slot.index)
        machine.events.emit(VcpuChanged(slot.index))
        return cpu

    def _wire(self, slot: CpuSlot) -> None:
        """Open the GIC CPU interface, and connect it, the timers and the PMU."""
        index, vcpu, trace = slot.index, slot.vcpu, self._machine.trace
        if trace.on:
            trace("vmm", "gicv3_set_gicc_accessible", index=index, accessible=True)
            trace("vmm", "wire_gic_cpu_irqs", index=index)
        slot.gic_cpu.accessible = True
        slot.gic_cpu.irq.connect(vcpu.irq.set)
        vcpu.virt_timer.line.connect(partial(self._set_ppi, index, PPI_VIRTUAL_TIMER))
        vcpu.phys_timer.line.connect(partial(self._set_ppi, index, PPI_PHYSICAL_TIMER))
        if vcpu.has_pmu:
            vcpu.pmu.line.connect(partial(self._set_ppi, index, PPI_PMU))

    def _set_ppi(self, index: int, intid: int, level: bool) -> None:  # noqa: FBT001 - a line's
        if self._machine.trace.on:
            self._machine.trace("gic", "vgic_update_irq_pending", cpu=index, irq=intid,
                                level=int(level))  # fmt: skip
        self._machine.gic.set_ppi(index, intid, level)

    def _unwire(self, slot: CpuSlot) -> None:
        """Cut what `_wire` connected, and close the interface."""
        vcpu, trace = slot.vcpu, self._machine.trace
        if trace.on:
            trace("vmm", "unwire_gic_cpu_irqs", index=slot.index)
            trace("vmm", "gicv3_set_gicc_accessible", index=slot.index, accessible=False)
        vcpu.virt_timer.line.disconnect()
        vcpu.phys_timer.line.disconnect()
        if vcpu.has_pmu:
            vcpu.pmu.line.disconnect()
        slot.gic_cpu.irq.disconnect()
        slot.gic_cpu.accessible = False

    # Unplug

    def unplug_request(self, slot: CpuSlot, cpu: ArmCpu) -> None:
        """Ask the guest to give a CPU back; one that has not begun to run is not asked.

        Raises:
            MachineError: where it can't be given back.
        """
        machine = self._machine
        if machine.cpuhp is None or machine.ged is None:
            raise MachineError("GED does not exists or device is not realized!")
        if not machine.has_hotpluggable_cpus:
            raise MachineError("CPU hot(un)plug not supported on this machine")
        if not cpu.hotplugged:
            raise MachineError("Hot-unplug of cold-booted CPU not supported!")
        if machine.trace.on:
            machine.trace("vmm", "cpu_unplug_request", index=slot.index, path=cpu.path)
        if machine.faults.on:
            machine.faults.decide("unplug-request", slot.index)
        if not machine.power.guest_has_begun:
            self.unplug(slot, cpu)
            return
        cpu.unplug_pending = True
        machine.cpuhp.request_remove(slot.index)
        machine.ged.insist()
        machine.events.emit(VcpuChanged(slot.index))

    def eject(self, index: int) -> None:
        """The guest ejects a CPU: an unplug, if it is one that may go; else nothing happens.

        A CPU that was there at boot may not go, whoever asks: what QMP refuses, the guest's own
        eject does not get either, and its _STA says so.
        """
        slot = self._machine.slots[index]
        if slot.cpu is None or not slot.cpu.hotplugged:
            if self._machine.trace.on:
                self._machine.trace("vmm", "cpu_eject_ignored", index=index)
            return
        self.unplug(slot, slot.cpu)

    def unplug(self, slot: CpuSlot, cpu: ArmCpu) -> None:
        """Take a CPU out, and park its vCPU."""
        machine = self._machine
        if machine.cpuhp is not None:
            machine.cpuhp.set_enabled(slot.index, enabled=False)
            machine.cpuhp.cancel(slot.index)  # or the slot's next CPU would meet them
        cpu.thread.end()
        self._unwire(slot)
        machine.accel.park_vcpu(cpu.vcpu)
        slot.cpu = None
        self.generation += 1
        del self.plugged[slot.index], self.by_path[cpu.path]
        if cpu.device_id is not None:
            del self.ids[cpu.device_id]
        if machine.trace.on:
            machine.trace("vmm", "cpu_unplug", index=slot.index, path=cpu.path)
        machine.events.emit(DeviceDeleted(cpu.device_id, cpu.path))
        machine.events.emit(VcpuChanged(slot.index))
        if machine.faults.on:
            machine.faults.decide("unplug", slot.index)

    def ost(self, index: int, source: int, status: int) -> None:
        """The guest reported: a removal that it refuses is no longer pending."""
        cpu = self._machine.slots[index].cpu
        if cpu is None or source != EJECT_REQUEST or status in ON_ITS_WAY:
            return
        if not cpu.unplug_pending:
            return  # nobody but the guest has asked
        cpuhp = self._machine.cpuhp
        cpu.unplug_pending = cpuhp is not None and cpuhp.cpus[index].is_removing
        self._machine.events.emit(DeviceUnplugRefused(cpu.device_id, cpu.path))

    def complete_removals(self) -> None:
        """A reset answers the removals that the guest has not: the CPUs go now."""
        for index, cpu in list(self.plugged.items()):
            if cpu.unplug_pending:
                self.unplug(self._machine.slots[index], cpu)


EJECT_REQUEST = 3
ON_ITS_WAY = frozenset({0, 0x84})
"""_OST status of an eject request: done, or in progress (ACPI 6.5 §6.3.5.2)."""
