"""The `virt` board: what a machine consists of, and the order in which it comes to be.

The order is the point (the talk's T9 to T14, T20, T21): the host kernel's VM, *every* possible
vCPU, then the vGIC, which closes that door; the vCPUs are parked, and only the CPUs that are there
at start take theirs out again. Firmware's tables tell of all possible CPUs and never change.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from machine import memmap
from machine.acpi.cpu_hotplug import CpuHotplug
from machine.acpi.ged import CPU_HOTPLUG, POWER_DOWN, GenericEventDevice
from machine.acpi.pvpanic import PvPanic
from machine.bus import Bus
from machine.clock import VirtualClock
from machine.cpu import CpuSlot
from machine.cpu_models import CPU_MODELS
from machine.errors import DeviceNotFoundError, MachineError
from machine.events import (
    AcpiDeviceOst,
    EventSink,
    PowerdownRequested,
    RtcChanged,
    ShutdownRequested,
    VcpuChanged,
)
from machine.fault_actions import FaultActions
from machine.faults.faults import Faults
from machine.firmware.loader import acpi_region
from machine.firmware.tables import acpi_tables
from machine.kvm.smccc import name_of
from machine.memory import Ram
from machine.panic import PanicPolicy
from machine.pl011 import Pl011
from machine.pl031 import Pl031
from machine.power import Power
from machine.psci import PsciPolicy
from machine.qdev import SYSTEM_BUS, parse_globals, parse_request, spelled
from machine.qom.board import BoardObjects
from machine.qom.tree import QomTree
from machine.runstate import NEEDS_RESET, RunState, Verb, transition
from machine.trace import Trace
from machine.virt_cpus import CpuPlugger
from machine.virt_kvm import create_vcpus, create_vgic, create_vm, redistributor_regions
from machine.will import GuestWill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from machine.config import MachineConfig
    from machine.cpu import ArmCpu, PossibleCpu
    from machine.kvm.vcpu import Vcpu

MACHINE_TYPE = "virt-9.2"


class VirtMachine:
    """One machine. It does nothing until its clock advances, and that is for its owner to do.

    Raises:
        MachineError: where a property of `-cpu` or a `-device` of the configuration is refused, or
            there are too many CPUs.
    """

    def __init__(self, config: MachineConfig, trace: Trace | None = None) -> None:
        config.check_capacity()
        self.config = config
        self.clock = trace.clock if trace is not None else VirtualClock()
        self.trace = trace or Trace(self.clock)
        self.events = EventSink()
        self.run_state = RunState.PRELAUNCH
        self.actions = config.actions
        self.ended = False
        self.exit_status = 0
        self.topology = config.topology
        self.cpu_model = CPU_MODELS[config.cpu_model]
        self.cpu_typename = self.cpu_model.typename
        self.has_hotpluggable_cpus = config.has_hotpluggable_cpus
        self.cpu_globals = parse_globals(self.cpu_model, config.cpu_properties)
        self.ram = Ram(memmap.RAM_BASE, config.ram_size)
        self.bus = Bus()
        self._create_host_side()
        self._create_slots()
        self._create_faults()
        self._create_peripherals()
        self._create_acpi_devices()
        self._realize_boot_cpus()
        self.power = Power(self, self._tables())
        self.psci = PsciPolicy(self, self.by_affinity, self.power)
        objects = self.objects = BoardObjects(self)
        self.qom = QomTree(f"{MACHINE_TYPE}-machine", objects.machine)
        self.qom.mount("objects", "container", objects.objects)
        for properties in config.devices:
            self._cold_plug(properties)
        self.power.start()  # everything is new: nothing has to be reset
        if not config.paused:
            self._runstate_set(RunState.RUNNING)

    # Creation, in its order

    def _create_host_side(self) -> None:
        """The VM, all vCPUs, parked, and the vGIC: in this order, or KVM refuses."""
        self.vm = create_vm(self.config, self.ram, self.clock, self, self.trace)
        self.accel = create_vcpus(self.vm, self.config, self.cpu_model.midr)
        self.redistributor_regions = redistributor_regions(self.config)
        self.vgic = create_vgic(self.vm, self.redistributor_regions)
        if self.vgic.gic is None:
            raise AssertionError("vGIC without a GIC")
        self.gic = self.vgic.gic

    def _create_slots(self) -> None:
        """The possible CPUs; none may use its GIC CPU interface yet."""
        self.slots = [
            CpuSlot(
                index=vcpu.id,
                location=self.topology.location(vcpu.id),
                vcpu=vcpu,
                gic_cpu=self.vm.gic_cpu(vcpu),
                redistributor=self.vgic.redistributor_address(vcpu.id),
                node_id=None if self.config.numa is None else self.config.numa.cpus[vcpu.id],
            )
            for vcpu in self.vm.vcpus.values()
        ]
        self.by_affinity = {slot.arch_id: slot for slot in self.slots}
        self.plugger = CpuPlugger(self)

    def _create_faults(self) -> None:
        """What is made to go otherwise, and what the guest is like.

        Raises:
            MachineError: a stage of the configuration can't be.
        """
        config = self.config
        self.faults = Faults(
            self.clock,
            self.trace,
            FaultActions(self),
            seed=config.seed,
            possible=config.possible_count,
        )
        self.will = GuestWill(config.behaviour, self.faults, self.by_affinity)
        for stage in config.stages:
            self.faults.inject(stage)

    def _create_peripherals(self) -> None:
        """The UART and the RTC, which the board always has."""
        self.uart = Pl011(self.clock)
        self.uart.irq.connect(partial(self._set_spi, memmap.SPI_BASE + memmap.UART0_SPI))
        self.bus.map("pl011", memmap.UART0.base, memmap.UART0.size, self.uart)
        self.rtc = Pl031(self.clock, self.config.rtc_base, self._rtc_was_set)
        self.rtc.irq.connect(partial(self._set_spi, memmap.SPI_BASE + memmap.RTC_SPI))
        self.bus.map("pl031", memmap.RTC.base, memmap.RTC.size, self.rtc)
        self.pvpanic: PvPanic | None = None
        if self.config.pvpanic:
            self.pvpanic = PvPanic(PanicPolicy(self).on_event)
            self.bus.map("pvpanic-mmio", memmap.PVPANIC.base, memmap.PVPANIC.size, self.pvpanic)

    def _create_acpi_devices(self) -> None:
        """GED and CPU hot-plug registers, where there is firmware that tells of them."""
        self.ged: GenericEventDevice | None = None
        self.cpuhp: CpuHotplug | None = None
        if not self.config.acpi:
            return
        ged = self.ged = GenericEventDevice(self.trace)
        spi = memmap.SPI_BASE + memmap.GED_SPI
        ged.irq.connect(partial(self._set_spi, spi))
        self.bus.map("acpi-ged", memmap.GED.base, memmap.GED.size, ged)
        self.cpuhp = CpuHotplug(
            [slot.arch_id for slot in self.slots],
            on_eject=self.plugger.eject,
            on_ost=self._guest_reported,
            raise_event=lambda: ged.raise_event(CPU_HOTPLUG),
            trace=self.trace,
        )
        self.bus.map("acpi-cpu-hotplug", memmap.CPUHP.base, memmap.CPUHP.size, self.cpuhp)

    def _set_spi(self, spi: int, level: bool) -> None:  # noqa: FBT001 - a line's level
        if self.trace.on:
            self.trace("kvm", "kvm_irq_line", irq=spi, level=int(level))
        self.gic.set_spi(spi, level)

    def _realize_boot_cpus(self) -> None:
        for slot in self.slots[: self.topology.cpus]:
            self.plugger.boot(slot)

    def _cold_plug(self, properties: Mapping[str, object]) -> None:
        """Plug what a `-device` asks for.

        Raises:
            MachineError: where it is refused; the text begins with the option.
        """
        try:
            self._plug_cold(properties)
        except MachineError as error:
            self.close()
            raise MachineError(f"-device {spelled(properties)}: {error}") from None

    def _plug_cold(self, properties: Mapping[str, object]) -> None:
        if isinstance(properties.get("id"), str) and properties["id"] in self.plugger.ids:
            raise MachineError(f"Duplicate ID '{properties['id']}' for device")
        request = parse_request(properties, self.plugger.ids, self.cpu_globals)
        self.plugger.plug(
            self.plugger.pre_plug(request, hotplugged=False), request, hotplugged=False
        )

    def _tables(self) -> Mapping[str, bytes]:
        """ACPI's tables, the same for every plug state."""
        if not self.config.acpi:
            return {}
        return acpi_tables(
            self.topology,
            tuple(slot.arch_id for slot in self.slots),
            tuple(self.redistributor_regions),
            self.config.numa,
            hotplug=self.has_hotpluggable_cpus,
            pmu=self.has_pmu,
            pvpanic=self.config.pvpanic,
        )

    @property
    def has_pmu(self) -> bool:
        """Whether firmware tells of performance monitors: `-cpu` decides for the whole machine."""
        return self.cpu_globals.get("pmu") is not False

    @property
    def possible_count(self) -> int:
        """Number of possible CPUs: without hot-plug, those that are there."""
        return self.config.possible_count

    # What clients ask

    def cpus(self) -> Iterator[tuple[CpuSlot, ArmCpu]]:
        """Plugged CPUs in the order of plugging."""
        for index, cpu in self.plugger.plugged.items():
            yield self.slots[index], cpu

    @property
    def generation(self) -> int:
        """What the lists of CPUs depend on: while it is equal, they are."""
        return self.plugger.generation

    def uses_backend(self, id_: str) -> bool:
        """Whether RAM is in a memory backend."""
        return any(backend == id_ for backend, _base, _size in self.ram_layout())

    def ram_layout(self) -> Iterator[tuple[str, int, int]]:
        """Which memory backend lies where: id, address, bytes."""
        if self.config.numa is not None:
            return self.config.numa.layout(self.ram.base)
        return iter([(self.config.ram_backend or "", self.ram.base, self.ram.size)])

    def hotpluggable_slots(self) -> Sequence[PossibleCpu]:
        """Every possible CPU, in ascending order.

        Raises:
            MachineError: where CPUs can't be plugged.
        """
        self.config.check_hotpluggable()
        return self.slots

    def device_add(self, properties: Mapping[str, object]) -> None:
        """Plug a device.

        Raises:
            MachineError: where it is refused; nothing has changed then.
        """
        request = parse_request(properties, self.plugger.ids, self.cpu_globals)
        slot = self.plugger.pre_plug(request, hotplugged=True)
        self.plugger.plug(slot, request, hotplugged=True)

    def device_del(self, name: str) -> None:
        """Ask for a CPU back, by id or QOM path; the guest decides.

        Raises:
            MachineError: where it is refused; nothing has changed then.
        """
        path = name if name.startswith("/") else f"/machine/peripheral/{name}"
        slot = self.plugger.by_path.get(path) or self._resolve_cpu(path, name)
        if slot.cpu is None:
            raise AssertionError("a path to a CPU that is not there")
        self.plugger.unplug_request(slot, slot.cpu)

    def _resolve_cpu(self, path: str, name: str) -> CpuSlot:
        """Find a CPU by a path of another spelling; say why anything else can't be removed."""
        try:
            node = self.qom.resolve(path)
        except DeviceNotFoundError:
            raise DeviceNotFoundError(f"Device '{name}' not found") from None
        if node.slot is not None:
            return node.slot
        if not node.device:
            raise MachineError(f"{name} is not a device")
        raise MachineError(f"Bus '{SYSTEM_BUS}' does not support hotplugging")

    def ospm_status(self) -> list[AcpiDeviceOst]:
        """The last _OST of each possible CPU.

        Raises:
            MachineError: where no ACPI device keeps it.
        """
        if self.cpuhp is None:
            raise MachineError("command is not supported, missing ACPI device")
        return [
            AcpiDeviceOst(slot.index, self._device_id(slot), state.ost_event, state.ost_status)
            for slot, state in zip(self.slots, self.cpuhp.cpus, strict=True)
        ]

    def acpi_tables(self) -> Mapping[str, bytes]:
        """Every ACPI table as it lies in RAM, by signature; the root pointer is "RSDP".

        With acpi=off there are none.
        """
        tables = self._tables()
        return acpi_region(self.ram.end, tables).tables if tables else {}

    def stop(self) -> None:
        """Stop the vCPUs."""
        self._move(Verb.STOP)

    def cont(self) -> None:
        """Let the vCPUs run; those of a guest that sleeps sleep on.

        Raises:
            MachineError: where nothing but a reset leads on.
        """
        if self.run_state in NEEDS_RESET:
            raise MachineError("Resetting the Virtual Machine is required")
        self._move(Verb.CONT_ASLEEP if self.power.asleep else Verb.CONT)

    def system_reset(self) -> None:
        """Reset from outside."""
        self.power.system_reset(guest=False, reason="host-qmp-system-reset")

    def system_powerdown(self) -> None:
        """Press the power button."""
        if self.ged is not None:
            self.ged.raise_event(POWER_DOWN)
            self.ged.insist()
        self.events.emit(PowerdownRequested())

    def suspended(self) -> None:
        """The guest has suspended the system."""
        self._move(Verb.SUSPEND)

    def panicked(self) -> None:
        """The guest has panicked, and is to be stopped."""
        self._move(Verb.PANIC)

    def system_wakeup(self) -> None:
        """Wake the guest up.

        Raises:
            MachineError: where it does not sleep, or never can.
        """
        if not self.config.system_suspend:
            raise MachineError("wake-up from suspend is not supported by this guest")
        if self.run_state is not RunState.SUSPENDED:
            raise MachineError("Unable to wake up: guest is not in suspended state")
        self.power.wake_up()
        self._move(Verb.WAKEUP)

    def shutdown(self, reason: str, *, guest: bool = False) -> None:
        """End the machine; once is enough. One that is to be kept only stops."""
        if self.ended:
            return
        self.ended = self.actions.ends(reason)
        if self.ended:
            self.exit_status = self.actions.exit_status(reason)
            self._move(Verb.SHUTDOWN)
        self.events.emit(ShutdownRequested(guest=guest, reason=reason))
        if not self.ended:
            self._move(Verb.POWER_OFF)

    @property
    def running(self) -> bool:
        """Whether the clock may advance."""
        return self.run_state is RunState.RUNNING

    def close(self) -> None:
        """Give the memory back to the host."""
        self.ram.close()

    def _move(self, verb: Verb) -> None:
        state, event = transition(self.run_state, verb)
        self._runstate_set(state)
        if event is not None:
            self.events.emit(event)

    def _runstate_set(self, state: RunState) -> None:
        if self.trace.on and state is not self.run_state:
            self.trace("vmm", "runstate_set", current_state=self.run_state.value,
                       new_state=state.value)  # fmt: skip
        self.run_state = state

    def was_reset(self) -> None:
        """The run state follows a reset."""
        self._move(Verb.RESET)

    @staticmethod
    def _device_id(slot: CpuSlot) -> str | None:
        return slot.cpu.device_id if slot.cpu is not None else None

    # Exits of the vCPUs, and what the guest reports

    def mmio_read(self, vcpu: Vcpu, address: int, size: int) -> int:
        """KVM_EXIT_MMIO, a load."""
        value = self.bus.read(address, size)
        if self.trace.on:
            self.trace("guest", "mmio_read", cpu=vcpu.id, address=address, size=size, value=value)
        return value

    def mmio_write(self, vcpu: Vcpu, address: int, size: int, value: int) -> None:
        """KVM_EXIT_MMIO, a store."""
        if self.trace.on:
            self.trace("guest", "mmio_write", cpu=vcpu.id, address=address, size=size, value=value)
        self.bus.write(address, size, value)

    def hypercall(self, vcpu: Vcpu, function: int, args: tuple[int, ...]) -> int:
        """KVM_EXIT_HYPERCALL: PSCI that is the VMM's to answer."""
        answer = self.psci.call(vcpu, function, args)
        if self.trace.on:
            self.trace("psci", name_of(function), cpu=vcpu.id,
                       target=args[0] if args else vcpu.id, result=answer)  # fmt: skip
        return answer

    def system_event(self, vcpu: Vcpu, kind: str) -> None:
        """KVM_EXIT_SYSTEM_EVENT: the guest powers off, or resets."""
        self.power.system_event(vcpu, kind)

    def system_suspend(self, vcpu: Vcpu, entry: int, context: int) -> int:
        """KVM_EXIT_SYSTEM_EVENT of type SUSPEND: the guest goes to sleep, if it may."""
        answer = self.psci.system_suspend(vcpu, entry, context)
        if self.trace.on:
            self.trace("psci", "SYSTEM_SUSPEND", cpu=vcpu.id, entry=entry, result=answer)
        return answer

    def internal_error(self, vcpu: Vcpu) -> None:
        """KVM_EXIT_INTERNAL_ERROR: the machine stops, and nothing but a reset leads on."""
        self._move(Verb.FAIL)
        self.events.emit(VcpuChanged(vcpu.id))

    def _rtc_was_set(self, offset: int) -> None:
        self.events.emit(RtcChanged(offset, self.objects.rtc_path))

    def _guest_reported(self, index: int, source: int, status: int) -> None:
        device_id = self._device_id(self.slots[index])
        self.events.emit(AcpiDeviceOst(index, device_id, source, status))
        self.plugger.ost(index, source, status)
        self.events.emit(VcpuChanged(index))
