"""The trace points that there are: layer, name, meaning. `docs/tracing.md` shows this table.

A test holds it complete: every call that reports one is found here, and every row is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of trace point.

    Attributes:
        layer: who reports it.
        name: what it is called; `*` stands for what differs from point to point.
        help: what has happened.
    """

    layer: str
    name: str
    help: str


LAYERS: Mapping[str, str] = {
    "qmp": "QMP",
    "vmm": "VMM",
    "kvm": "host KVM",
    "gic": "GIC",
    "acpi": "ACPI registers",
    "aml": "AML",
    "psci": "PSCI",
    "guest": "guest kernel",
    "fault": "faults",
}
"""Who reports, from the wire down to the guest, and how each is shown."""

POINTS: tuple[Kind, ...] = (
    Kind("qmp", "handle_qmp_command", "a QMP command is executed"),
    Kind("qmp", "handle_hmp_command", "a line of the human monitor is executed"),
    Kind("qmp", "monitor_qmp_respond", "a command is answered"),
    Kind("qmp", "monitor_qapi_event_emit", "an event goes to all clients"),
    Kind("vmm", "cpu_pre_plug", "the board has found the slot of a CPU that is to be plugged"),
    Kind("vmm", "qdev_realize", "the CPU's object is being realized"),
    Kind("vmm", "gicv3_set_gicc_accessible", "a CPU interface of the GIC is opened, or closed"),
    Kind("vmm", "wire_gic_cpu_irqs", "IRQ and timers are connected between vCPU and GIC"),
    Kind("vmm", "unwire_gic_cpu_irqs", "they are cut"),
    Kind("vmm", "cpu_plug", "the CPU's object is there"),
    Kind("vmm", "cpu_unplug_request", "the guest is to be asked for a CPU"),
    Kind("vmm", "cpu_unplug", "the CPU's object is gone"),
    Kind("vmm", "cpu_eject_ignored", "the guest has ejected a CPU that may not go"),
    Kind("vmm", "arm_set_cpu_on", "a CPU is reset and powered on"),
    Kind("vmm", "arm_set_cpu_off", "a CPU is powered off"),
    Kind("vmm", "runstate_set", "the machine's run state changes"),
    Kind("vmm", "qemu_system_reset", "the machine is reset"),
    Kind("kvm", "kvm_create_vcpu", "KVM_CREATE_VCPU"),
    Kind("kvm", "vgic_init", "the vGIC is initialised: no vCPU can be created any more"),
    Kind("kvm", "kvm_park_vcpu", "a vCPU is put aside, as nothing can destroy it"),
    Kind("kvm", "kvm_unpark_vcpu", "a parked vCPU is taken back into use"),
    Kind("kvm", "kvm_set_mp_state", "KVM_SET_MP_STATE: a vCPU may run, or may not"),
    Kind("kvm", "kvm_inject_vabt", "a vCPU takes an SError that was pending"),
    Kind("kvm", "kvm_irq_line", "KVM_IRQ_LINE: a device raises or lowers a shared interrupt"),
    Kind("kvm", "kvm_vcpu_kick", "a vCPU has an interrupt, and is to run"),
    Kind("kvm", "kvm_entry", "KVM_RUN begins"),
    Kind("kvm", "kvm_exit", "the guest has to be left, and why"),
    Kind("kvm", "kvm_userspace_exit", "KVM_RUN returns, and why"),
    Kind("kvm", "kvm_mmio_read", "a load from a device that KVM has itself: the vGIC"),
    Kind("kvm", "kvm_mmio_write", "a store to one"),
    Kind("gic", "vgic_update_irq_pending", "a timer or the PMU raises or lowers its interrupt"),
    Kind("gic", "gicv3_*_read", "a register of a CPU interface is read"),
    Kind("gic", "gicv3_*_write", "a register of a CPU interface is written"),
    Kind("acpi", "ged_event", "the GED notes an event, and pulses its interrupt"),
    Kind("acpi", "ged_read_esel", "the guest reads what the GED has noted"),
    Kind("acpi", "cpuhp_acpi_cpu_has_events", "the guest looks for a CPU with an event"),
    Kind("acpi", "cpuhp_acpi_clear_inserting_evt", "it acknowledges an insertion"),
    Kind("acpi", "cpuhp_acpi_clear_remove_evt", "it acknowledges a removal"),
    Kind("acpi", "cpuhp_acpi_ejecting_cpu", "it ejects a CPU"),
    Kind("acpi", "cpuhp_acpi_write_ost", "it reports what became of an event"),
    Kind("aml", "acpi_ds_begin_method_execution", "a method of firmware's AML is entered"),
    Kind("aml", "acpi_ds_terminate_control_method", "the method is left"),
    Kind("psci", "*", "a call of the guest, by its name, with its result"),
    Kind("guest", "[*] *", "a line of the kernel's log"),
    Kind("guest", "mmio_read", "a load from a device of the VMM"),
    Kind("guest", "mmio_write", "a store to one"),
    Kind("guest", "vfs_write", "a user of the guest writes to a file of the kernel's"),
    Kind("guest", "acpi_evaluate_object", "the kernel evaluates an object of firmware's AML"),
    Kind("guest", "acpi_ev_queue_notify_request", "AML has executed Notify"),
    Kind("guest", "acpi_map_gic_cpu_interface", "a kernel without hot-plug skips a disabled GICC"),
    Kind("guest", "cpu_masks", "a CPU has become enabled or online, or has ceased to be"),
    Kind("fault", "*", "a stage of a scenario makes something go otherwise"),
)
"""All of them, by layer."""
