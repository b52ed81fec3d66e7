"""NUMA as firmware tells it: the node of each CPU and each stretch of RAM, and the distances.

ACPI 6.5 §5.2.16 (SRAT), §5.2.17 (SLIT). Linux: drivers/acpi/numa/srat.c,
arch/arm64/kernel/acpi_numa.c, drivers/base/arch_numa.c. Proximity domains are numbered as nodes in
the order in which they are first mentioned.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from machine.guest.acpi_tables import HEADER_SIZE, subtables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from machine.guest.kernel import Kernel

MEMORY_AFFINITY, GICC_AFFINITY = 1, 3
MEMORY_SIZE, GICC_SIZE = 40, 18
ENABLED = 1
LOCAL_DISTANCE, REMOTE_DISTANCE = 10, 20


class MemoryBlock(NamedTuple):
    """A stretch of RAM: guest-physical, `end` is behind it."""

    node: int
    start: int
    end: int


class BadSratError(Exception):
    """The SRAT can't be used, and why."""


@dataclass(slots=True)
class Numa:
    """What is known of the nodes."""

    domains: dict[int, int] = field(default_factory=dict)
    """The node of each proximity domain."""
    cpus: dict[int, int] = field(default_factory=dict)
    """The proximity domain of each CPU, by its ACPI UID."""
    memory: list[MemoryBlock] = field(default_factory=list)
    distances: list[list[int]] = field(default_factory=list)

    @property
    def nodes(self) -> int:
        """How many there are."""
        return len(self.domains)

    def node(self, domain: int) -> int:
        """The node of a proximity domain, a new one if need be."""
        return self.domains.setdefault(domain, len(self.domains))

    def node_of_cpu(self, uid: int) -> int:
        """The node of a CPU; one that is not mentioned is at node 0."""
        return self.domains.get(self.cpus.get(uid, -1), 0)

    def forget_distances(self) -> None:
        """Go back to what holds where nobody tells."""
        self.distances = default_distances(self.nodes)


def default_distances(nodes: int) -> list[list[int]]:
    """What holds where nobody tells: here is near, everything else far."""
    return [
        [LOCAL_DISTANCE if here == there else REMOTE_DISTANCE for there in range(nodes)]
        for here in range(nodes)
    ]


def one_node(memory: Iterable[MemoryBlock] = ()) -> Numa:
    """What there is without NUMA."""
    return Numa({0: 0}, {}, list(memory), [[LOCAL_DISTANCE]])


def init(kernel: Kernel, tables: Mapping[str, bytes], dram: tuple[int, int]) -> Numa:
    """Read SRAT and SLIT; without, or with broken ones, all of `dram` is one node."""
    try:
        numa = _read_srat(tables["SRAT"])
    except KeyError:
        return _dummy(kernel, dram)
    except BadSratError as error:
        _log(kernel, f"ACPI: NUMA: SRAT: {error}")
        _log(kernel, "ACPI: SRAT: SRAT not used.")
        return _dummy(kernel, dram)
    if not numa.memory:
        return _dummy(kernel, dram)
    domain_of = {node: domain for domain, node in numa.domains.items()}
    for block in numa.memory:
        where = f"[mem {block.start:#010x}-{block.end - 1:#010x}]"
        _log(kernel, f"ACPI: SRAT: Node {block.node} PXM {domain_of[block.node]} {where}")
    if "SLIT" in tables and not _read_slit(numa, tables["SLIT"]):
        _log(kernel, "ACPI: SLIT table looks invalid. Not used.")
    return numa


def map_cpus_to_nodes(kernel: Kernel, numa: Numa) -> None:
    """Tell each CPU its node."""
    for cpu in kernel.cpus:
        cpu.node = numa.node_of_cpu(cpu.uid)
        if cpu.uid in numa.cpus:
            told = f"PXM {numa.cpus[cpu.uid]} -> MPIDR {cpu.mpidr:#x} -> Node {cpu.node}"
            _log(kernel, f"ACPI: NUMA: SRAT: {told}")


def _log(kernel: Kernel, text: str) -> None:
    kernel.printk(kernel.boot_cpu.hardware, text)


def _dummy(kernel: Kernel, dram: tuple[int, int]) -> Numa:
    start, end = dram
    _log(kernel, f"NUMA: Faking a node at [mem {start:#018x}-{end - 1:#018x}]")
    return one_node([MemoryBlock(0, start, end)])


def _read_srat(table: bytes) -> Numa:
    """CPUs come first, whatever the order in the table.

    Raises:
        BadSratError: where a structure is of the wrong size.
    """
    numa = Numa()
    structures = [(kind, body) for _, kind, body in subtables(table, HEADER_SIZE + 12)]
    for _, body in filter(lambda each: each[0] == GICC_AFFINITY, structures):
        _add_cpu(numa, body)
    for _, body in filter(lambda each: each[0] == MEMORY_AFFINITY, structures):
        _add_memory(numa, body)
    numa.forget_distances()
    return numa


def _add_cpu(numa: Numa, body: bytes) -> None:
    if len(body) < GICC_SIZE:
        raise BadSratError(f"Invalid SRAT header length: {len(body)}")
    domain, uid, flags = (_u32(body, at) for at in (2, 6, 10))
    if flags & ENABLED:
        numa.node(domain)
        numa.cpus[uid] = domain


def _add_memory(numa: Numa, body: bytes) -> None:
    if len(body) != MEMORY_SIZE:
        raise BadSratError(f"Unexpected header length: {len(body)}")
    if _u32(body, 28) & ENABLED:
        start, size = (int.from_bytes(body[at : at + 8], "little") for at in (8, 16))
        numa.memory.append(MemoryBlock(numa.node(_u32(body, 2)), start, start + size))


def _u32(body: bytes, at: int) -> int:
    return int.from_bytes(body[at : at + 4], "little")


def _read_slit(numa: Numa, table: bytes) -> bool:
    """Take the distances between domains that are known; gives whether they make sense."""
    at = HEADER_SIZE + 8
    count = int.from_bytes(table[HEADER_SIZE:at], "little")
    rows = [
        table[at + count * row : at + count * (row + 1)] for row in range(min(count, len(table)))
    ]
    if not all(len(row) == count and _plausible(number, row) for number, row in enumerate(rows)):
        return False
    for here, from_node in numa.domains.items():
        for there, to_node in numa.domains.items():
            if max(here, there) < count:
                numa.distances[from_node][to_node] = rows[here][there]
    return True


def _plausible(number: int, row: bytes) -> bool:
    """Whether a place is nearer to itself than to any other."""
    return all(
        distance == LOCAL_DISTANCE if other == number else distance > LOCAL_DISTANCE
        for other, distance in enumerate(row)
    )
