"""Which trace points are arrows between the five layers, and which are notes in one of them.

The layers are those that the talk draws: hardware, host KVM, VMM, ACPI interface, guest; the client
stands beside. What is not in the table is detail that a diagram leaves out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from machine.faults.table import EVENTS
from machine.kvm.smccc import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.trace import TracePoint


class Lane(Enum):
    """Who takes part, from left to right."""

    CLIENT = "client"
    VMM = "VMM"
    KVM = "host KVM"
    HARDWARE = "hardware"
    ACPI = "ACPI interface"
    GUEST = "guest kernel"


class Step(NamedTuple):
    """An arrow from one lane to another, or a note where both are the same; `time` in ns."""

    time: int
    source: Lane
    target: Lane
    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a trace point is drawn.

    Attributes:
        source: where the arrow begins.
        target: where it ends.
        text: what it says, with the point's fields in braces.
        when: which of the points of that name.
    """

    source: Lane
    target: Lane
    text: str
    when: Callable[[Mapping[str, Any]], bool] = lambda _fields: True


def _path_ends(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda fields: fields["path"].rpartition(".")[2] in names


HYPERCALL = "HVC on CPU "
"""How a call of firmware begins."""
_C, _V, _K, _H, _A, _G = Lane

FORMS: Mapping[str, tuple[Form, ...]] = {
    "kvm_unpark_vcpu": (Form(_V, _K, "unpark vCPU {vcpu_id}"),),
    "kvm_park_vcpu": (Form(_V, _K, "park vCPU {vcpu_id}: it stays created"),),
    "gicv3_set_gicc_accessible": (
        Form(_V, _H, "GIC CPU interface {index} opens", lambda f: f["accessible"]),
        Form(_V, _H, "GIC CPU interface {index} closes", lambda f: not f["accessible"]),
    ),
    "wire_gic_cpu_irqs": (Form(_V, _H, "wire IRQ and timers of CPU {index}"),),
    "unwire_gic_cpu_irqs": (Form(_V, _H, "cut IRQ and timers of CPU {index}"),),
    "cpu_plug": (Form(_V, _V, "{path}"),),
    "cpu_unplug": (Form(_V, _V, "{path} is gone"),),
    "ged_event": (Form(_V, _A, "GED event {event:#x}: CPU hot-plug"),),
    "kvm_irq_line": (Form(_A, _H, "INTID {irq}", lambda f: f["level"]),),
    "gicv3_icc_iar1_read": (
        Form(_H, _G, "IRQ {val} on CPU {cpu}", lambda f: 32 <= f["val"] < 1020),
    ),
    "ged_read_esel": (Form(_G, _A, "_EVT reads ESEL: {events:#x}"),),
    "cpuhp_acpi_cpu_has_events": (
        Form(_G, _A, "CSCN: CPU {idx} has come", lambda f: f["ins"]),
        Form(_G, _A, "CSCN: CPU {idx} must go", lambda f: f["rm"]),
    ),
    "acpi_ev_queue_notify_request": (Form(_G, _G, "Notify ({path}, {value})"),),
    "cpuhp_acpi_clear_inserting_evt": (Form(_G, _A, "insertion of CPU {idx} acknowledged"),),
    "cpuhp_acpi_clear_remove_evt": (Form(_G, _A, "removal of CPU {idx} acknowledged"),),
    "acpi_evaluate_object": (
        Form(_G, _A, "_STA of {path}", _path_ends("_STA")),
        Form(_G, _A, "_EJ0 of {path}", _path_ends("_EJ0")),
    ),
    "cpuhp_acpi_ejecting_cpu": (Form(_A, _V, "eject CPU {idx}"),),
    "cpuhp_acpi_write_ost": (Form(_G, _A, "_OST ({event:#x}, {status:#x}) of CPU {slot}"),),
    "kvm_exit": (
        Form(_G, _V, f"{HYPERCALL}{{vcpu_id}}: PSCI", lambda f: f["reason"] == "HYPERCALL"),
    ),
    "CPU_ON": (Form(_V, _G, "CPU_ON of {target:#x}: {result}"),),
    "CPU_OFF": (Form(_V, _V, "CPU_OFF: CPU {cpu} is off"),),
    "kvm_set_mp_state": (Form(_V, _K, "vCPU {vcpu_id} is {state}"),),
    "gicv3_icc_igrpen1_write": (Form(_G, _H, "CPU {cpu} enables its interface"),),
    "runstate_set": (Form(_V, _V, "run state: {new_state}"),),
    "qemu_system_reset": (Form(_V, _V, "the machine is reset"),),
    "vfs_write": (Form(_G, _G, "echo {text} > {path}"),),
    "cpu_masks": (
        Form(_G, _G, "CPU {cpu}: enabled, not online", lambda f: f["enabled"] and not f["online"]),
        Form(_G, _G, "CPU {cpu}: enabled, online", lambda f: f["online"]),
        Form(_G, _G, "CPU {cpu}: not enabled", lambda f: not f["enabled"]),
    ),
}
"""By the trace point's name; of several forms, the first that fits."""

_RESULTS = {int(result): result.name for result in Result}
_DEVICE = re.compile(r"\\_SB\.CPUS\.(C[0-9A-F]{3})(?:\._\w+)?")
_FAULTS: Mapping[str, Lane] = {"guest": _G, "kvm": _K, "qmp": _C}
"""Where a fault is noted, by the layer of what it is about; elsewhere it is the VMM's."""
MOST = 48
"""Characters of a text; what is longer is cut."""


def of_point(point: TracePoint) -> Step | None:
    """The step that a trace point is, if it is one, and has the fields for it."""
    try:
        return _step(point)
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _step(point: TracePoint) -> Step | None:
    """The step.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: a field is not there, or something else.
    """
    if point.layer == "qmp":
        return _of_qmp(point)
    if point.layer == "fault":
        return _of_fault(point)
    for form in FORMS.get(point.name, ()):
        if form.when(point.fields):
            text = _DEVICE.sub(r"\1", form.text.format_map(_spelled(point.fields)))
            return Step(point.time, form.source, form.target, _cut(text))
    return None


def _spelled(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, with a result of PSCI's by its name."""
    result = fields.get("result")
    return fields if result not in _RESULTS else {**fields, "result": _RESULTS[result]}


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[: MOST - 3]}..."


def _of_fault(point: TracePoint) -> Step:
    """Something was made to go otherwise: a note, where it was."""
    event = EVENTS.get(str(point.fields.get("when")))
    lane = _FAULTS.get(event.layer, _V) if event is not None else _V
    stage = point.fields.get("stage", "")
    return Step(point.time, lane, lane, _cut(f"fault {stage}: {point.name}".replace(" :", ":")))


def _of_qmp(point: TracePoint) -> Step | None:
    told = _WIRE.get(point.name)
    if told is None:
        return None
    inwards = point.name.startswith("handle")
    source, target = (_C, _V) if inwards else (_V, _C)
    return Step(point.time, source, target, _cut(told(point.fields)))


def _command(fields: Mapping[str, Any]) -> str:
    """A command and those of its arguments that say which CPU is meant."""
    args = _object(fields.get("args"))
    named = args.pop("id", None)
    words = [str(named)] if isinstance(named, str) else []
    words += [f"{key}={value}" for key, value in args.items() if key.endswith("-id")]
    return " ".join([str(fields.get("execute")), *words])


def _line(fields: Mapping[str, Any]) -> str:
    return str(fields.get("cmdline", "")).strip("'\"")


def _reply(fields: Mapping[str, Any]) -> str:
    error = _object(fields.get("json")).get("error")
    return f"error: {error.get('desc')}" if isinstance(error, dict) else "return"


def _event(fields: Mapping[str, Any]) -> str:
    """An event's name, and what an _OST says."""
    event = _object(fields.get("json"))
    info = event.get("data", {}).get("info")
    name = str(event.get("event", "event"))
    if not isinstance(info, dict) or "status" not in info:
        return name
    return f"{name} {info['source']}/{info['status']:#x}"


def _object(text: object) -> dict[str, Any]:
    """What a text of JSON says; nothing, where it was cut."""
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_WIRE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "handle_qmp_command": _command,
    "handle_hmp_command": _line,
    "monitor_qmp_respond": _reply,
    "monitor_qapi_event_emit": _event,
}
"""What is said between client and VMM."""
