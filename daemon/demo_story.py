"""The trace of a machine, told to a person: aligned, glossed, and short where it repeats itself.

A line of `--trace` becomes a row of four columns: virtual time, layer, what happened in the words
of QEMU and Linux, and what that means. Accesses to registers are counted rather than shown.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from machine import memmap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAYERS = {
    "qmp": ("QMP", "36", "the wire: what the client says and hears"),
    "vmm": ("VMM", "35", "QEMU's part: CPU objects, their wires, their ids"),
    "kvm": ("KVM", "34", "the host kernel: vCPUs, created once and parked, and the vGIC"),
    "gic": ("GIC", "33", "the CPU interfaces of the vGICv3"),
    "acpi": ("ACPI", "32", "firmware's part: the GED and the CPU hot-plug registers"),
    "guest": ("guest", "37", "its kernel, which knows only tables, registers and interrupts"),
    "psci": ("PSCI", "31", "the guest's calls for power, which the VMM answers"),
}
"""What trace points call a layer: its label, its colour (SGR), what it is."""

SGIS, SPURIOUS = 16, 1023
HEXADECIMAL = frozenset(
    {"mpidr", "entry", "context", "address", "gpa", "value", "val", "event", "status"}
)
TRACE_LINE = re.compile(r"\s*(?P<time>[\d.]+) ms  (?P<layer>\w+) +(?P<told>.*)")
FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")

Value = int | str


@dataclass(frozen=True, slots=True)
class Point:
    """One line of a trace.

    Attributes:
        time: virtual milliseconds.
        layer: who.
        name: what; for a line of the guest's log, the line.
        fields: and with what; numbers are numbers.
    """

    time: float
    layer: str
    name: str
    fields: dict[str, Value] = field(default_factory=dict)

    @classmethod
    def parse(cls, line: str) -> Point | None:
        """Read a line; None where it is no trace point."""
        match = TRACE_LINE.fullmatch(line)
        if match is None or match["layer"] not in LAYERS:
            return None
        time, layer, told = float(match["time"]), match["layer"], match["told"]
        if told.startswith("["):
            return cls(time, layer, told)
        name, _, rest = told.partition(" ")
        return cls(time, layer, name, dict(_fields(rest)))

    def number(self, key: str) -> int:
        """A field that is a number; -1 where it is not there."""
        value = self.fields.get(key, -1)
        return value if isinstance(value, int) else -1


def _fields(text: str) -> Iterator[tuple[str, Value]]:
    before, found, document = text.partition("json=")
    if not found:
        before, found, document = text.partition("args={")
        document = "{" + document
    for key, value in FIELD.findall(before.strip()):
        yield key, int(value, 16) if re.fullmatch(r"-?0x[0-9a-f]+", value) else value
    if found:
        yield "json", document


# What a point says, and what it means

_MEANING = {
    "kvm_create_vcpu": "KVM_CREATE_VCPU: each possible one, for good",
    "vgic_init": "a redistributor for each; from here on KVM_CREATE_VCPU is EBUSY",
    "kvm_park_vcpu": "nobody runs it; it waits for its id to be asked for again",
    "kvm_unpark_vcpu": "the same vCPU, MPIDR and redistributor as ever",
    "wire_gic_cpu_irqs": "IRQ and timers, between vCPU and GIC",
    "unwire_gic_cpu_irqs": "cut IRQ and timers",
    "cpu_pre_plug": "all checks are passed, and the slot is found",
    "qdev_realize": "the CPU object is being made",
    "cpu_plug": "the CPU object is realized",
    "cpu_unplug_request": "the guest is asked; it decides",
    "cpu_unplug": "the CPU object is gone",
    "ged_event": "the GED notes why, and pulses its interrupt",
    "ged_read_esel": "_EVT asks why: 8 is CPU hot-plug",
    "kvm_vcpu_kick": "an interrupt is pending for it: it runs",
    "cpuhp_acpi_cpu_has_events": "CSCN looks for CPUs with news",
    "cpuhp_acpi_clear_inserting_evt": "acknowledged",
    "cpuhp_acpi_clear_remove_evt": "acknowledged",
    "cpuhp_acpi_ejecting_cpu": "_EJ0: the guest lets go of it",
    "arm_set_cpu_on": "reset; an engine to execute it is made",
    "arm_set_cpu_off": "its engine is dropped",
    "AFFINITY_INFO": "is it off? 1 says so",
    "CPU_OFF": "a CPU turns itself off",
}
_OST = {
    (1, 0): "Device Check: success, the guest has the CPU",
    (3, 0x84): "Eject Request: in progress",
    (3, 0): "Eject Request: success, the guest has given it back",
}
_NOTIFY = {1: "Device Check: look, it has come", 3: "Eject Request: please give it back"}
_METHODS = {
    "_EVT": "the GED's handler: firmware's code, run by the guest",
    "_STA": "is it enabled?",
    "_OST": "report what became of it",
    "_EJ0": "eject",
}
_MASKS = {"True": "it schedules", "False": "present, as always; it does not schedule"}
_PSCI_RESULTS = {0: "SUCCESS", -3: "DENIED: possible, but not plugged"}


def _interrupt(intid: int) -> str:
    if intid < SGIS:
        return f"SGI {intid}, from another CPU"
    if intid == memmap.SPI_BASE + memmap.GED_SPI:
        return f"INTID {intid}, the GED's SPI"
    return f"INTID {intid}"


def _targets(value: int) -> str:
    """Aff0 of those that ICC_SGI1R_EL1 names, one cluster's worth."""
    cluster = value >> 16 & 0xFF
    return ", ".join(f"CPU{16 * cluster + bit}" for bit in range(16) if value >> bit & 1)


_EXPLAIN: dict[str, Callable[[Point], str]] = {
    "gicv3_set_gicc_accessible": lambda point: (
        f"its ICC registers {'may' if point.fields['accessible'] == 'True' else 'must not'} be used"
    ),
    "kvm_irq_line": lambda point: _interrupt(point.number("irq")),
    "gicv3_icc_iar1_read": lambda point: (
        f"CPU{point.number('cpu')} takes {_interrupt(point.number('val'))}"
    ),
    "gicv3_icc_sgi1r_write": lambda point: (
        f"SGI {point.number('val') >> 24 & 0xF} to {_targets(point.number('val'))}"
    ),
    "cpuhp_acpi_write_ost": lambda point: _OST.get(
        (point.number("event"), point.number("status")), ""
    ),
    "acpi_ev_queue_notify_request": lambda point: _NOTIFY.get(point.number("value"), ""),
    "acpi_evaluate_object": lambda point: _METHODS.get(_method(point), ""),
    "cpu_masks": lambda point: _MASKS[str(point.fields["online"])],
    "CPU_ON": lambda point: _PSCI_RESULTS.get(point.number("result"), ""),
}


def _method(point: Point) -> str:
    return str(point.fields["path"]).rpartition(".")[2]


def _say(point: Point) -> str:
    """What happened."""
    fields = point.fields
    if point.layer == "qmp":
        return _say_qmp(point.name, str(fields.get("execute", "")), json.loads(str(fields["json"])))
    if point.name == "acpi_evaluate_object":
        args = str(fields["args"]).replace(", bytearray(b'')", "").replace(",)", ")")
        return f"CPU{fields['cpu']} evaluates {fields['path']}{args}"
    if point.name == "acpi_ev_queue_notify_request":
        return f"Notify({fields['path']}, {fields['value']})"
    return " ".join([point.name, *(f"{key}={_show(key, fields[key])}" for key in fields)])


def _say_qmp(name: str, command: str, message: dict[str, Any]) -> str:
    """A message, without what is there for machines."""
    if name == "handle_qmp_command":
        return f"--> {command} {json.dumps(message) if message else ''}".rstrip()
    if name == "monitor_qapi_event_emit":
        data = message.get("data", {})
        return f"<== {message['event']} {json.dumps(data.get('info', data))}"
    return f"<-- {json.dumps({key: message[key] for key in message if key != 'id'})}"


def _show(key: str, value: Value) -> str:
    return hex(value) if isinstance(value, int) and key in HEXADECIMAL else str(value)


def _mean(point: Point) -> str:
    """What that means; empty where it speaks for itself."""
    explain = _EXPLAIN.get(point.name)
    return explain(point) if explain is not None else _MEANING.get(point.name, "")


# What is counted, not shown

_ACCESS = frozenset({"mmio_read", "mmio_write", "kvm_mmio_read", "kvm_mmio_write"})
_SHOWN_OF_GIC = frozenset({"gicv3_icc_iar1_read", "gicv3_icc_sgi1r_write"})
_SHOWN_METHODS = frozenset(_METHODS)
_AREAS = (
    ("UART", memmap.UART0),
    ("RTC", memmap.RTC),
    ("GED", memmap.GED),
    ("CPU hot-plug", memmap.CPUHP),
    ("GICD", memmap.GICD),
)


def _counted_as(point: Point) -> str | None:
    """The register block that an access goes to; None for what is no mere access."""
    if point.name in _ACCESS:
        address = point.number("address" if "address" in point.fields else "gpa")
        areas = (name for name, area in _AREAS if area.base <= address < area.base + area.size)
        return next(areas, "GICR")
    if point.layer != "gic":
        return None
    if point.name in _SHOWN_OF_GIC and point.fields.get("val") != SPURIOUS:
        return None
    return "ICC"


_COMINGS_AND_GOINGS = frozenset({"kvm_entry", "kvm_exit", "kvm_userspace_exit"})


def _left_out(point: Point) -> bool:
    """Whether it adds nothing: an exit, the falling edge of a pulse, the asking for names."""
    if point.name in _COMINGS_AND_GOINGS:
        return True
    if point.name == "acpi_evaluate_object":
        return _method(point) not in _SHOWN_METHODS
    return point.name == "kvm_irq_line" and point.fields["level"] == 0


class Story:
    """Turns points into rows.

    Args:
        write: takes each row.
        colour: label the layers in colour.
        verbose: show everything, every register access too.
        width: of the third column, in characters.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        colour: bool = False,
        verbose: bool = False,
        width: int = 66,
    ) -> None:
        self._write = write
        self._colour = colour
        self._verbose = verbose
        self._width = width
        self._accesses: Counter[str] = Counter()
        self._time = 0.0

    def legend(self) -> None:
        """Say what the layers are."""
        for layer, (_, _, meaning) in LAYERS.items():
            self._write(f"  {self._label(layer)}  {meaning}")

    def heading(self, text: str) -> None:
        """Begin a chapter."""
        self.settle()
        line = f"-- {text} ".ljust(100, "-")
        self._write(f"\n\033[1m{line}\033[0m\n" if self._colour else f"\n{line}\n")

    def tell(self, point: Point) -> None:
        """Show one point, or count it."""
        area = None if self._verbose else _counted_as(point)
        if area is not None:
            self._accesses[area] += 1
            self._time = point.time
        elif self._verbose or not _left_out(point):
            if point.layer in {"guest", "psci", "qmp"}:
                self.settle()
            self._row(point.time, point.layer, _say(point), _mean(point))

    def settle(self) -> None:
        """Show the count, if there is one."""
        if self._accesses:
            told = ", ".join(f"{count} to {area}" for area, count in self._accesses.items())
            self._row(self._time, "guest", f"... register accesses: {told}", "")
            self._accesses.clear()

    def _row(self, time: float, layer: str, what: str, meaning: str) -> None:
        room = self._width if meaning else self._width + 34
        told = what if len(what) <= room or self._verbose else f"{what[: room - 3]}..."
        row = f"{time:12.6f}  {self._label(layer)}  {told:<{self._width}}  {meaning}"
        self._write(row.rstrip())

    def _label(self, layer: str) -> str:
        label, colour, _ = LAYERS[layer]
        return f"\033[{colour}m{label:<5}\033[0m" if self._colour else f"{label:<5}"
