"""CPU topology: which CPUs are possible, where each one sits, and what identifies it.

`-smp` names a hierarchy of sockets, clusters, cores and threads; the product is the number of
possible CPUs (`maxcpus`), of which the first `cpus` are there at start. What is left out is
computed as QEMU does since 6.2: cores before sockets, threads last.

The MPIDR does not follow the topology: KVM derives it from the vcpu id, 16 to a level-1 affinity
group, because the target list of ICC_SGI1R_EL1 has 16 bits (IHI 0069H §12.2.4). It may be made to
follow it (the talk's wish, T12 and T16); what is above 15 in Aff0 then needs the range selector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from machine.errors import MachineError

LEVELS = ("sockets", "clusters", "cores", "threads")
UNSUPPORTED_LEVELS = ("modules", "dies", "books", "drawers")
MAX_CPUS = 512
"""What GICv3 in QEMU's `virt` holds: redistributors of two regions."""
MOST_CPUS = 4096
"""What a machine can be made to hold that is told so: three digits name a CPU in the DSDT."""

UNSIGNED = 1 << 32
"""QEMU counts in unsigned numbers of 32 bits: -1 is the largest."""
LEAST = -UNSIGNED // 2

MPIDR_RES1 = 1 << 31
"""Bit 31 of MPIDR_EL1 reads as one (DDI 0487, MPIDR_EL1)."""
MPIDR_MT = 1 << 24
"""The lowest affinity level is that of threads."""
MPIDR_AFFINITY = 0xFF_FFFF
"""Aff2, Aff1 and Aff0; there is no Aff3 here, as with KVM's vGIC."""


class MpidrScheme(Enum):
    """Who decides what identifies a CPU: the host's kernel, or the topology."""

    KVM = "kvm"
    TOPOLOGY = "topology"


class CpuLocation(NamedTuple):
    """Where a possible CPU sits: numbers within the level above."""

    socket_id: int
    cluster_id: int
    core_id: int
    thread_id: int

    def __str__(self) -> str:
        return f"{self.socket_id}:{self.cluster_id}:{self.core_id}:{self.thread_id}"


@dataclass(frozen=True, slots=True)
class Topology:
    """A complete and consistent hierarchy; `cpus` of its CPUs are there at start.

    Attributes:
        clusters_named: whether the user has named a number of clusters, be it 1.
    """

    cpus: int
    sockets: int
    clusters: int
    cores: int
    threads: int
    clusters_named: bool = field(default=False, kw_only=True)

    @property
    def has_clusters(self) -> bool:
        """Whether the guest is told of clusters (QEMU since 8.0): where the user speaks of them."""
        return self.clusters_named or self.clusters > 1

    @property
    def max_cpus(self) -> int:
        """Number of possible CPUs."""
        return self.sockets * self.clusters * self.cores * self.threads

    def location(self, index: int) -> CpuLocation:
        """Where the possible CPU number `index` sits."""
        index, thread = divmod(index, self.threads)
        index, core = divmod(index, self.cores)
        socket, cluster = divmod(index, self.clusters)
        return CpuLocation(socket, cluster, core, thread)

    def index(self, at: CpuLocation) -> int:
        """The number of the possible CPU at a location; the inverse of `location`."""
        clusters = at.socket_id * self.clusters + at.cluster_id
        return (clusters * self.cores + at.core_id) * self.threads + at.thread_id


def mpidr_affinity(vcpu_id: int) -> int:
    """Aff2.Aff1.Aff0 as KVM derives them from a vcpu id (arch/arm64/kvm: reset_mpidr)."""
    return (vcpu_id & 0xF) | (vcpu_id >> 4 & 0xFF) << 8 | (vcpu_id >> 12 & 0xFF) << 16


AFFINITY_VALUES = 256
"""What each affinity field holds."""


def topology_mpidr(topology: Topology, at: CpuLocation) -> int:
    """MPIDR_EL1 by location: threads in the lowest field, with the MT bit, where there are any.

    With threads Aff0, Aff1 and Aff2 are thread, core and cluster, counted through the machine;
    without them core, cluster and socket.
    """
    if topology.threads > 1:
        cluster = at.socket_id * topology.clusters + at.cluster_id
        return MPIDR_RES1 | MPIDR_MT | cluster << 16 | at.core_id << 8 | at.thread_id
    return MPIDR_RES1 | at.socket_id << 16 | at.cluster_id << 8 | at.core_id


def check_topology_mpidr(topology: Topology) -> None:
    """See whether `topology_mpidr` has a value for each CPU.

    Raises:
        MachineError: naming the level that has more members than an affinity field has values.
    """
    levels = {name: getattr(topology, name) for name in LEVELS}
    if topology.threads > 1:
        levels["clusters"] *= levels.pop("sockets")
    for name, count in levels.items():
        if count > AFFINITY_VALUES:
            raise MachineError(
                f"x-mpidr=topology: {count} {name} do not fit into an affinity field of MPIDR_EL1, "
                f"which has {AFFINITY_VALUES} values",
            )


def resolve_smp(
    given: dict[str, int],
    *,
    machine: str = "virt-9.2",
    max_cpus: int = MAX_CPUS,
) -> Topology:
    """Complete what `-smp` said, as QEMU's machine core does, and check it.

    Args:
        given: the numbers named by the user, by their `-smp` keys.
        machine: the machine type's full name, for the error texts.
        max_cpus: the most that the machine supports.

    Raises:
        MachineError: with QEMU's text, where the numbers do not fit together.
    """
    if any(value == 0 for value in given.values()):
        raise MachineError(
            "Invalid CPU topology: CPU topology parameters must be greater than zero",
        )
    given = {
        key: value if value > 0 else UNSIGNED + max(value, LEAST) for key, value in given.items()
    }
    for level in UNSUPPORTED_LEVELS:
        if given.get(level, 1) > 1:
            raise MachineError(f"{level} > 1 not supported by this machine's CPU topology")
    levels = _complete(given)
    total = math.prod(levels.values())
    most = given.get("maxcpus") or given.get("cpus") or total
    cpus = given.get("cpus") or most
    _check(levels, total=total, most=most, cpus=cpus)
    if most > max_cpus:
        raise MachineError(
            f"Invalid SMP CPUs {_signed(most)}. "
            f"The max CPUs supported by machine '{machine}' is {max_cpus}",
        )
    return Topology(cpus=cpus, **levels, clusters_named="clusters" in given)


def _signed(number: int) -> int:
    """A number of CPUs as it was given: a negative one has been counted as unsigned."""
    return number - UNSIGNED if -LEAST <= number < UNSIGNED else number


def _complete(given: dict[str, int]) -> dict[str, int]:
    """Compute the levels that were left out."""
    levels = {level: given.get(level, 0) for level in LEVELS}
    levels["clusters"] = levels["clusters"] or 1
    most = given.get("maxcpus") or given.get("cpus") or 0
    if not most:
        return {level: value or 1 for level, value in levels.items()}
    last = next((level for level in ("cores", "sockets") if not levels[level]), "threads")
    for level in LEVELS:
        if level != last:
            levels[level] = levels[level] or 1
    if not levels[last]:
        levels[last] = most // math.prod(value for key, value in levels.items() if key != last)
    return levels


def _check(levels: dict[str, int], *, total: int, most: int, cpus: int) -> None:
    spelled = " * ".join(f"{level} ({value})" for level, value in levels.items())
    if total != most:
        raise MachineError(
            "Invalid CPU topology: product of the hierarchy must match maxcpus: "
            f"{spelled} != maxcpus ({most})",
        )
    if most < cpus:
        raise MachineError(
            "Invalid CPU topology: maxcpus must be equal to or greater than smp: "
            f"{spelled} == maxcpus ({most}) < smp_cpus ({cpus})",
        )
