r"""Which CPU a trace point is about, by its fields.

Most name it outright. An ACPI path does (`\_SB.CPUS.C01F`), a PSCI call by the affinity of its
target. What a CPU merely executes may be about another one, or about none: those are `executed`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.trace import TracePoint

FIELDS = ("index", "idx", "slot", "vcpu_id", "cpu")
"""Where the number of a CPU stands, the more telling first."""
_DEVICE = re.compile(r"\bCPUS\.C([0-9A-F]{3,4})\b")
_EXECUTED_LAYERS = frozenset({"gic", "guest", "aml", "psci"})
_EXECUTED = frozenset(
    {
        "kvm_entry",
        "kvm_exit",
        "kvm_mmio_read",
        "kvm_mmio_write",
        "kvm_userspace_exit",
        "kvm_vcpu_kick",
    }
)
_OF_ITSELF = frozenset({"AFFINITY_INFO", "CPU_OFF", "CPU_ON", "cpu_masks"})
_TARGETED = frozenset({"AFFINITY_INFO", "CPU_ON"})


def cpu_of(point: TracePoint) -> int | None:
    """The CPU on whose track a point belongs: the one that is named, or that executes."""
    return next((number(point.fields[key]) for key in FIELDS if key in point.fields), None)


def number(value: object) -> int | None:
    """A field that is a number; None for anything else, as in a file of somebody else's."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def subject(point: TracePoint, affinities: Mapping[int, int]) -> int | None:
    """The CPU that a point is about; None where it may be about any.

    Args:
        point: the point.
        affinities: the numbers of CPUs by their affinities, as far as known.
    """
    path = _DEVICE.search(str(point.fields.get("path", "")))
    if path is not None:
        return int(path[1], 16)
    if point.name in _TARGETED:
        target = number(point.fields.get("target"))
        return None if target is None else affinities.get(target, target)
    return cpu_of(point)


def is_executed(point: TracePoint) -> bool:
    """Whether the CPU that a point names is only the one that does it."""
    if point.name in _OF_ITSELF:
        return False
    return point.name in _EXECUTED or point.layer in _EXECUTED_LAYERS
