"""Possible CPUs, and the CPU objects that occupy them.

A slot is there for the life of the machine: its number, location, MPIDR, vCPU, redistributor. A
CPU object comes with a plug and goes with an unplug (hw/arm/virt: possible_cpus, ARMCPU).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from machine.kvm.smccc import AFFINITY_OFF

if TYPE_CHECKING:
    from machine.events import ErrorSeverity
    from machine.gicv3.gic import GicCpu
    from machine.kvm.vcpu import Vcpu
    from machine.scheduler import VcpuThread
    from machine.topology import CpuLocation


@dataclass(slots=True, eq=False)
class ArmCpu:
    """A realized CPU.

    Attributes:
        typename: its QOM type.
        device_id: the user's id, if one was given.
        path: its QOM path.
        hotplugged: whether it came while the machine was up.
        vcpu: what runs it in the kernel.
        thread: what calls KVM_RUN.
        properties: what the user set besides the location.
        unplug_pending: whether its removal was asked for, and the guest has not refused.
        errors: how many hardware errors it has had, by severity.
    """

    typename: str
    device_id: str | None
    path: str
    hotplugged: bool
    vcpu: Vcpu
    thread: VcpuThread
    properties: dict[str, object] = field(default_factory=dict)
    unplug_pending: bool = False
    errors: Counter[ErrorSeverity] = field(default_factory=Counter)


@dataclass(slots=True, eq=False, kw_only=True)
class PossibleCpu:
    """A possible CPU, of a machine that may not have been created yet.

    Attributes:
        index: its number.
        location: where it sits.
        node_id: its NUMA node; None where there are none, or nothing was said of it so far.
        cpu: what occupies it.
    """

    index: int
    location: CpuLocation
    node_id: int | None = None
    cpu: ArmCpu | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class CpuSlot(PossibleCpu):
    """A possible CPU, with what is there for it from the start."""

    vcpu: Vcpu
    gic_cpu: GicCpu
    redistributor: int

    @property
    def is_off(self) -> bool:
        """Whether its power is off, and not on the way to anything else."""
        return self.vcpu.affinity_state == AFFINITY_OFF

    @property
    def arch_id(self) -> int:
        """MPIDR affinity."""
        return self.gic_cpu.affinity
