"""Operations: from the request for a CPU, or for one back, to what came of it.

A stream of trace points goes in, in its order; for each point comes out to which operations it
belongs. Points are correlated by the CPU that they are about; the GED's interrupt is about all
CPUs that are waited for. Whatever does not end stays open until the next request for its CPU.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from daemon.trace.subject import is_executed, number, subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from machine.trace import TracePoint

EJECT_EVENTS = frozenset({3, 0x103})
"""Sources of an _OST that are about a removal: asked for by the VMM, by a user of the guest."""
IN_PROGRESS = 0x84


class Kind(Enum):
    """What is wanted: a CPU, a CPU back, or the guest has it go by itself."""

    PLUG = "plug"
    UNPLUG = "unplug"
    EJECT = "eject"


_FAILURES = {1: "non-specific failure", 2: "unrecognized notify"}
_EJECTION = {
    0x80: "not supported",
    0x81: "device in use",
    0x82: "device busy",
    0x83: "dependency busy",
}
_INSERTION = {0x80: "in progress", 0x81: "driver load failure", 0x82: "not supported"}
"""Status codes of _OST (ACPI 6.5 §6.3.5.2)."""
REQUESTS: Mapping[str, Kind] = {"device_add": Kind.PLUG, "device_del": Kind.UNPLUG}


@dataclass(slots=True, eq=False)
class Operation:
    """One of them.

    Attributes:
        number: from 1 on.
        kind: what is wanted.
        began: when, in ns.
        name: the id that the client has given, or the CPU's number.
        cpu: its number; None where the request was refused before it was known.
        online: whether the guest has brought the CPU online since.
        reported: whether it has reported success.
        removed: whether the CPU has left.
        ended: when, in ns; None where nothing has ended it.
        outcome: what came of it, in a few words; None while that is open.
    """

    number: int
    kind: Kind
    began: int
    name: str = ""
    cpu: int | None = None
    online: bool = False
    reported: bool = False
    removed: bool = False
    ended: int | None = None
    outcome: str | None = None

    @property
    def settled(self) -> bool:
        """Whether what was wanted has happened; a report may still come."""
        return self.online or self.removed

    @property
    def title(self) -> str:
        """What it is called."""
        return f"{self.kind.value} {self.name or f'CPU {self.cpu}'}"

    @property
    def result(self) -> str:
        """What came of it, also where nothing did."""
        if self.outcome is not None:
            return self.outcome
        states = ("online", self.online), ("removed", self.removed), ("reported", self.reported)
        so_far = ", ".join(word for word, so in states if so)
        return f"{so_far}, and nothing more" if so_far else "no answer"


class Part(Enum):
    """Where in an operation a point stands."""

    FIRST = "first"
    STEP = "step"
    LAST = "last"
    AFTER = "after"


class Mark(NamedTuple):
    """A point's part in an operation."""

    operation: Operation
    part: Part


class Operations:
    """Follows a stream of points."""

    def __init__(self) -> None:
        self._count = 0
        self._request: Operation | None = None
        self._open: dict[int, Operation] = {}
        self._last: Operation | None = None
        self._affinities: dict[int, int] = {}

    def take(self, point: TracePoint) -> list[Mark]:
        """The next point: the operations that it belongs to, if any."""
        handler = _HANDLERS.get(point.name)
        if handler is not None:
            return handler(self, point)
        return self._step(point)

    # Requests and their answers

    def _command(self, point: TracePoint) -> list[Mark]:
        """A client says something; what has gone before it without an answer was refused."""
        if self._request is not None and self._request.cpu is None:
            self._end(self._request, point, "refused")
        self._request = None
        word, _, rest = _said(point).partition(" ")
        kind = REQUESTS.get(word)
        if kind is None:
            return []
        self._request = self._begin(kind, point)
        self._request.name = _id_in(rest)
        return [Mark(self._request, Part.FIRST)]

    def _answer(self, point: TracePoint) -> list[Mark]:
        request, self._request = self._request, None
        if request is None or request.ended is not None:
            return []
        text = str(point.fields.get("json", ""))
        if not text.startswith('{"error"'):
            return [Mark(request, Part.STEP)]
        why = _inside(_json(text), "error").get("desc", "")
        return self._end(request, point, f"refused: {why}")

    def _wanted(self, point: TracePoint, kind: Kind) -> list[Mark]:
        """It is known now which CPU a request is about."""
        operation, part = self._request, Part.STEP
        if operation is None or operation.kind is not kind or operation.cpu is not None:
            operation, part = self._begin(kind, point), Part.FIRST
        self._assign(operation, subject(point, {}), point)
        path = str(point.fields.get("path", ""))
        operation.name = str(point.fields.get("id") or path.rpartition("/")[2] or operation.name)
        return [Mark(operation, part)]

    def _pre_plug(self, point: TracePoint) -> list[Mark]:
        return self._wanted(point, Kind.PLUG) if point.fields.get("hotplugged") else []

    def _unplug_request(self, point: TracePoint) -> list[Mark]:
        return self._wanted(point, Kind.UNPLUG)

    # What comes of them

    def _plugged(self, point: TracePoint) -> list[Mark]:
        mpidr, index = number(point.fields.get("mpidr")), number(point.fields.get("index"))
        if mpidr is not None and index is not None:
            self._affinities[mpidr] = index
        return self._step(point)

    def _masks(self, point: TracePoint) -> list[Mark]:
        operation = self._about(point)
        if operation is None or operation.kind is not Kind.PLUG or operation.online:
            return self._step(point)
        operation.online = bool(point.fields.get("online"))
        if operation.online and operation.reported:
            return self._end(operation, point, "online")
        return [Mark(operation, Part.STEP)]

    def _unplugged(self, point: TracePoint) -> list[Mark]:
        marks = self._step(point)
        for mark in marks:
            mark.operation.removed = True
        return marks

    def _ejecting(self, point: TracePoint) -> list[Mark]:
        return self._by_the_guest(point) or self._step(point)

    def _ost(self, point: TracePoint) -> list[Mark]:
        event, status = number(point.fields.get("event")), number(point.fields.get("status"))
        removal = event in EJECT_EVENTS
        if removal and (began := self._by_the_guest(point)):
            return began
        operation = self._about(point)
        if operation is None or removal is (operation.kind is Kind.PLUG):
            return []
        if removal and status == IN_PROGRESS:
            return [Mark(operation, Part.STEP)]
        if status:
            return self._end(operation, point, _refusal(event, status))
        operation.reported = True
        if not operation.settled:
            return [Mark(operation, Part.STEP)]
        return self._end(operation, point, "removed" if operation.removed else "online")

    def _by_the_guest(self, point: TracePoint) -> list[Mark]:
        """The guest lets a CPU go that nobody has asked for."""
        if self._about(point) is not None:
            return []
        operation = self._begin(Kind.EJECT, point)
        self._assign(operation, subject(point, {}), point)
        return [Mark(operation, Part.FIRST)]

    def _reset(self, point: TracePoint) -> list[Mark]:
        """What was settled before is not reported after it."""
        for operation in [each for each in self._open.values() if each.settled]:
            self._end(operation, point, operation.result)
        return [Mark(operation, Part.STEP) for operation in self._open.values()]

    def _event(self, point: TracePoint) -> list[Mark]:
        """An event goes to the clients; one that tells of a CPU may come right after the end."""
        data = _inside(_json(str(point.fields.get("json", ""))), "data")
        cpu = _slot(data)
        names = {str(data.get("device", "")), str(data.get("path", "")).rpartition("/")[2]} - {""}
        about_one = cpu is not None or bool(names)
        candidates = [*self._open.values(), *([self._last] if self._last is not None else [])]
        found = [each for each in candidates if _is_about(each, cpu, names)]
        if not about_one:
            found = [each for each in self._open.values() if not each.settled]
        return [
            Mark(each, Part.STEP if each.ended is None else Part.AFTER)
            for each in found
            if each.ended in {None, point.time}
        ]

    # What all of it is made of

    def _step(self, point: TracePoint) -> list[Mark]:
        cpu = subject(point, self._affinities)
        operation = self._open.get(cpu) if cpu is not None else None
        if operation is not None:
            wanted = not operation.online or _is_report(point)
            return [Mark(operation, Part.STEP)] if wanted else []
        if cpu is not None and not is_executed(point):
            return []
        return [Mark(each, Part.STEP) for each in self._open.values() if not each.settled]

    def _about(self, point: TracePoint) -> Operation | None:
        cpu = subject(point, self._affinities)
        return self._open.get(cpu) if cpu is not None else None

    def _begin(self, kind: Kind, point: TracePoint) -> Operation:
        self._count += 1
        return Operation(self._count, kind, point.time)

    def _assign(self, operation: Operation, cpu: int | None, point: TracePoint) -> None:
        operation.cpu = cpu
        if cpu is None:
            return
        before = self._open.get(cpu)
        if before is not None:
            self._end(before, point, before.result)
        self._open[cpu] = operation

    def _end(self, operation: Operation, point: TracePoint, outcome: str) -> list[Mark]:
        operation.ended, operation.outcome = point.time, outcome
        if operation.cpu is not None and self._open.get(operation.cpu) is operation:
            del self._open[operation.cpu]
        self._last = operation
        return [Mark(operation, Part.LAST)]


def _refusal(event: int | None, status: int) -> str:
    """A failure that the guest has reported, in words where there are some."""
    words = _EJECTION if event in EJECT_EVENTS else _INSERTION
    why = {**_FAILURES, **words}.get(status, "failed")
    return f"{why}: _OST ({event}, {status})"


def _is_report(point: TracePoint) -> bool:
    return str(point.fields.get("path", "")).endswith("._OST")


def _said(point: TracePoint) -> str:
    """A command and its arguments, in one line."""
    fields = point.fields
    if "execute" in fields:
        return f"{fields['execute']} {fields.get('args', '')}"
    return str(fields.get("cmdline", "")).strip("'\"")


def _id_in(text: str) -> str:
    """The id in a request's arguments, by QMP or as the human monitor takes them."""
    named = _json(text).get("id")
    if isinstance(named, str):
        return named
    if text.startswith("{"):
        return ""
    words = dict(word.partition("=")[::2] for word in text.replace(",", " ").split())
    return words.get("id", "") if "=" in text else text.strip()


def _json(text: str) -> dict[str, Any]:
    """An object; an empty one for what is none, such as a text that was cut short."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _inside(found: dict[str, Any], key: str) -> dict[str, Any]:
    inside = found.get(key)
    return inside if isinstance(inside, dict) else {}


def _slot(data: dict[str, Any]) -> int | None:
    """The CPU that an event's information names."""
    slot = _inside(data, "info").get("slot")
    return int(slot) if isinstance(slot, str) and slot.isascii() and slot.isdigit() else None


def _is_about(operation: Operation, cpu: int | None, names: set[str]) -> bool:
    return operation.name in names or (cpu is not None and operation.cpu == cpu)


_HANDLERS: Mapping[str, Callable[[Operations, TracePoint], list[Mark]]] = {
    "handle_qmp_command": Operations._command,  # noqa: SLF001 - its own
    "handle_hmp_command": Operations._command,  # noqa: SLF001
    "monitor_qmp_respond": Operations._answer,  # noqa: SLF001
    "monitor_qapi_event_emit": Operations._event,  # noqa: SLF001
    "cpu_pre_plug": Operations._pre_plug,  # noqa: SLF001
    "cpu_plug": Operations._plugged,  # noqa: SLF001
    "cpu_masks": Operations._masks,  # noqa: SLF001
    "cpu_unplug_request": Operations._unplug_request,  # noqa: SLF001
    "cpu_unplug": Operations._unplugged,  # noqa: SLF001
    "cpuhp_acpi_ejecting_cpu": Operations._ejecting,  # noqa: SLF001
    "cpuhp_acpi_write_ost": Operations._ost,  # noqa: SLF001
    "qemu_system_reset": Operations._reset,  # noqa: SLF001
}
