"""What lasts: which points open a slice, which close one, which change what a CPU is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.trace.subject import cpu_of
from daemon.trace.tracks import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.trace import TracePoint

    Fields = Mapping[str, Any]
    Change = tuple[Place, str | None]


def _method(fields: Fields) -> str:
    return str(fields.get("path", "method")).rpartition(".")[2]


BEGINS: Mapping[str, Callable[[Fields], str]] = {
    "handle_qmp_command": lambda fields: str(fields.get("execute", "command")),
    "kvm_entry": lambda _fields: "KVM_RUN",
    "acpi_ds_begin_method_execution": _method,
}
"""The points that open a slice on their track, with its name."""

ENDS = frozenset({"monitor_qmp_respond", "kvm_userspace_exit", "acpi_ds_terminate_control_method"})
"""Those that close the innermost one."""

_STATES: Mapping[str, tuple[str, str | None]] = {
    "cpu_plug": ("vmm", "plugged"),
    "cpu_unplug": ("vmm", None),
    "kvm_park_vcpu": ("kvm", "parked"),
    "kvm_unpark_vcpu": ("kvm", None),
    "arm_set_cpu_on": ("psci", "on"),
    "arm_set_cpu_off": ("psci", None),
}
"""The points that change what a CPU is in a layer, and to what."""
RESET = "qemu_system_reset"


def change(point: TracePoint) -> Change | None:
    """What something is from this point on, and on which track that is shown; None for nothing."""
    if point.name in _STATES:
        layer, state = _STATES[point.name]
        return Place(layer, cpu_of(point), lasting=True), state
    if point.name == "cpu_masks":
        return Place("guest", cpu_of(point), lasting=True), _guest_state(point.fields)
    if point.name == "runstate_set":
        return Place("vmm", None, lasting=True), str(point.fields.get("new_state"))
    return None


def _guest_state(fields: Fields) -> str | None:
    if fields.get("online"):
        return "online"
    return "enabled" if fields.get("enabled") else None
