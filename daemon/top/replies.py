"""Replies to CPUs: those of `x-query-vcpus`, or of what every QEMU answers.

All functions read members that are there for certain, by the schema, and raise KeyError, TypeError,
ValueError or AttributeError where they are not; members that are not known are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daemon.top.model import Cpu, CpuState, place_of
from daemon.top.ost import EJECT_REQUEST, IN_PROGRESS, failed, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

Ost = tuple[int, int]
"""Source and status of a report; zeros for none."""

NO_REPORT: Ost = (0, 0)
INTERNAL_ERROR = "internal-error"

GUEST_UNKNOWN = "which CPUs the guest uses: that is only guessed from its reports"
REPORTS_UNKNOWN = "what the guest reports: query-acpi-ospm-status is refused"
ABSENT_UNKNOWN = "where CPUs could be plugged: query-hotpluggable-cpus is refused"


def of_vcpus(reply: Any) -> tuple[Cpu, ...]:
    """CPUs by `x-query-vcpus`, which tells all."""
    return tuple(_of_vcpu(vcpu) for vcpu in reply)


def _of_vcpu(vcpu: Any) -> Cpu:
    ost = _last_ost(vcpu)
    return Cpu(
        index=vcpu["index"],
        place=place_of(vcpu["props"]),
        node=vcpu["props"].get("node-id"),
        state=_state(vcpu, ost),
        name=vcpu["vmm"].get("id") or _leaf(vcpu["vmm"].get("qom-path", "")),
        report=in_words(*ost),
        trouble=_trouble(vcpu, ost) if vcpu["vmm"]["plugged"] else "",
    )


def _trouble(vcpu: Any, ost: Ost) -> str:
    """All that is wrong with a CPU that is there."""
    errors = vcpu["vmm"].get("errors", {}).items()
    found = [f"{severity} errors: {count}" for severity, count in errors if count]
    if vcpu.get("kvm", {}).get("state") == INTERNAL_ERROR:
        found.append("internal error")
    if failed(*ost):
        found.append(in_words(*ost))
    return ", ".join(found)


def _last_ost(vcpu: Any) -> Ost:
    if "acpi" not in vcpu:
        return NO_REPORT
    last = vcpu["acpi"]["last-ost"]
    return last["source"], last["status"]


def _state(vcpu: Any, ost: Ost) -> CpuState:
    """The first of these that is so."""
    acpi, guest = vcpu.get("acpi", {}), vcpu.get("guest", {})
    table = (
        (CpuState.ABSENT, not vcpu["vmm"]["plugged"]),
        (CpuState.REMOVING, acpi.get("remove-pending") or ost == (EJECT_REQUEST, IN_PROGRESS)),
        (CpuState.INSERTING, acpi.get("insert-pending")),
        (CpuState.ONLINE, guest.get("online")),
        (CpuState.OFFLINE, guest.get("enabled")),
    )
    return next((state for state, so in table if so), CpuState.PLUGGED)


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def of_hotpluggable(slots: Any, fast: Any, ospm: Any) -> tuple[Cpu, ...]:
    """CPUs by `query-hotpluggable-cpus`; by `query-cpus-fast` alone where that is None.

    Args:
        slots: those that can be plugged, the last one first, as QEMU lists them; None if refused.
        fast: the CPUs that are there.
        ospm: the guest's reports, by slot; None if refused.
    """
    reports = {int(one["slot"]): (one["source"], one["status"]) for one in ospm or ()}
    if slots is None:
        return tuple(_of_slot(cpu["cpu-index"], _as_slot(cpu), reports) for cpu in fast)
    return tuple(_of_slot(n, slot, reports) for n, slot in enumerate(reversed(slots)))


def _as_slot(cpu: Any) -> dict[str, Any]:
    return {"props": cpu.get("props", {}), "qom-path": cpu["qom-path"]}


def _of_slot(index: int, slot: Any, reports: Mapping[int, Ost]) -> Cpu:
    ost = reports.get(index, NO_REPORT)
    path = slot.get("qom-path", "")
    return Cpu(
        index=index,
        place=place_of(slot["props"]),
        node=slot["props"].get("node-id"),
        state=_guessed(path, ost),
        name=_leaf(path),
        report=in_words(*ost),
        trouble=in_words(*ost) if path and failed(*ost) else "",
        vcpus=slot.get("vcpus-count", 1),
    )


def _guessed(path: str, ost: Ost) -> CpuState:
    if not path:
        return CpuState.ABSENT
    return CpuState.REMOVING if ost == (EJECT_REQUEST, IN_PROGRESS) else CpuState.PRESENT


def unknown(slots: Any, ospm: Any) -> tuple[str, ...]:
    """What those replies leave open."""
    missing = ((ABSENT_UNKNOWN, slots is None), (REPORTS_UNKNOWN, ospm is None))
    return (GUEST_UNKNOWN, *(text for text, so in missing if so))


def version_of(greeting: Any) -> str:
    """Whose machine it is, by its greeting: `QEMU 7.2.22 (Debian 1:7.2+dfsg-7)`."""
    version = greeting["QMP"]["version"]
    number = ".".join(str(version["qemu"][part]) for part in ("major", "minor", "micro"))
    package = version.get("package", "")
    return f"QEMU {number} ({package})" if package else f"QEMU {number}"
