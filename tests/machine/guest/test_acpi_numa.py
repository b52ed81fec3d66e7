"""The guest's nodes: what Linux makes of SRAT and SLIT, and what without them or of broken ones."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.acpi.slit import slit
from machine.acpi.srat import srat
from machine.guest import acpi_numa
from machine.guest.acpi_numa import MemoryBlock, Numa
from machine.memmap import RAM_BASE
from machine.numa import Numa as Nodes
from machine.topology import Topology
from tests.machine.board import SMALL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from machine.guest.kernel import Kernel
    from tests.machine.board import Board, Make

HALF = SMALL // 2
FAR = ((10, 30), (40, 10))
SIX = (0, 0, 0, 1, 1, 1)
DRAM = (RAM_BASE, RAM_BASE + SMALL)


class Log:
    """A kernel that only logs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.boot_cpu = self
        self.hardware = None

    def printk(self, _platform: object, text: str) -> None:
        self.lines.append(text)


def read(**tables: bytes) -> tuple[Numa, list[str]]:
    """What the guest makes of tables, and what it says."""
    log = Log()
    return acpi_numa.init(log, tables, DRAM), log.lines  # type: ignore[arg-type]


def kernel_of(board: Board) -> Kernel:
    kernel = board.machine.power.kernel
    assert kernel is not None
    return kernel


def booted(boards: Make, numa: Nodes | None) -> tuple[Kernel, list[str]]:
    """A guest of six CPUs that has booted, and its log."""
    board = boards(Topology(2, 2, 1, 3, 1), numa=numa, boot=False)
    lines: list[str] = []
    board.machine.trace.listen(lambda point: lines.append(point.name))
    board.settle()
    return kernel_of(board), [line.partition("] ")[2] for line in lines if line.startswith("[")]


def test_cpus_and_memory_are_at_their_nodes(boards: Make) -> None:
    kernel, lines = booted(boards, Nodes((HALF, HALF), SIX, FAR))
    assert [cpu.node for cpu in kernel.cpus] == list(SIX)
    assert kernel.numa.memory == [
        MemoryBlock(0, RAM_BASE, RAM_BASE + HALF),
        MemoryBlock(1, RAM_BASE + HALF, RAM_BASE + SMALL),
    ]
    assert kernel.numa.distances == [[10, 30], [40, 10]]
    assert lines[1:5] == [
        "ACPI: SRAT: Node 0 PXM 0 [mem 0x40000000-0x47ffffff]",
        "ACPI: SRAT: Node 1 PXM 1 [mem 0x48000000-0x4fffffff]",
        "ACPI: NUMA: SRAT: PXM 0 -> MPIDR 0x0 -> Node 0",
        "ACPI: NUMA: SRAT: PXM 0 -> MPIDR 0x1 -> Node 0",
    ]
    assert "smp: Brought up 2 nodes, 2 CPUs" in lines


def test_without_nodes_all_is_one(boards: Make) -> None:
    kernel, lines = booted(boards, None)
    assert {cpu.node for cpu in kernel.cpus} == {0}
    assert kernel.numa.distances == [[10]]
    assert lines[1] == "NUMA: Faking a node at [mem 0x0000000040000000-0x000000004fffffff]"
    assert "smp: Brought up 1 node, 2 CPUs" in lines


def test_one_cpu_is_counted_as_one(boards: Make) -> None:
    board = boards(Topology(1, 1, 1, 1, 1), boot=False)
    lines: list[str] = []
    board.machine.trace.listen(lambda point: lines.append(point.name))
    board.settle()
    assert any(line.endswith("smp: Brought up 1 node, 1 CPU") for line in lines)


def test_nodes_are_numbered_as_they_are_mentioned() -> None:
    """CPU 0 is at proximity domain 1, which therefore becomes node 0, as in Linux."""
    numa, lines = read(SRAT=srat((1, 0), RAM_BASE, (HALF, HALF)), SLIT=slit(FAR))
    assert (numa.node_of_cpu(0), numa.node_of_cpu(1)) == (0, 1)
    assert [block.node for block in numa.memory] == [1, 0]
    assert numa.distances == [[10, 40], [30, 10]]
    assert lines[0] == "ACPI: SRAT: Node 1 PXM 0 [mem 0x40000000-0x47ffffff]"


def test_distances_that_nobody_tells_are_10_and_20() -> None:
    numa, _ = read(SRAT=srat(SIX, RAM_BASE, (HALF, HALF)))
    assert numa.distances == [[10, 20], [20, 10]]


@pytest.mark.parametrize(
    "distances", [((11, 20), (20, 10)), ((10, 10), (20, 10)), ((10, 9), (20, 10))]
)
def test_distances_that_make_no_sense_are_not_used(distances: Iterable[tuple[int, int]]) -> None:
    numa, lines = read(SRAT=srat(SIX, RAM_BASE, (HALF, HALF)), SLIT=slit(tuple(distances)))
    assert numa.distances == [[10, 20], [20, 10]]
    assert lines[-1] == "ACPI: SLIT table looks invalid. Not used."


def test_a_slit_that_is_cut_off_is_not_used() -> None:
    _, lines = read(SRAT=srat(SIX, RAM_BASE, (HALF, HALF)), SLIT=slit(FAR)[:-1])
    assert lines[-1] == "ACPI: SLIT table looks invalid. Not used."


def test_a_node_without_memory_has_its_cpus() -> None:
    numa, lines = read(SRAT=srat((0, 1), RAM_BASE, (SMALL, 0)))
    assert (numa.nodes, numa.node_of_cpu(1)) == (2, 1)
    assert len(lines) == 1


def test_what_is_disabled_is_not_there() -> None:
    table = bytearray(srat((0, 1), RAM_BASE, (HALF, HALF)))
    table[48 + 18 + 10] = 0  # flags of the second CPU
    numa, _ = read(SRAT=bytes(table))
    assert numa.cpus == {0: 0}
    assert numa.node_of_cpu(1) == 0


def header(*structures: bytes) -> bytes:
    return bytes(36 + 12) + b"".join(structures)


@pytest.mark.parametrize(
    ("structure", "said"),
    [
        (struct.pack("<BB8x", 3, 10), "Invalid SRAT header length: 10"),
        (struct.pack("<BB30x", 1, 32), "Unexpected header length: 32"),
    ],
)
def test_a_structure_of_the_wrong_size_spoils_all(structure: bytes, said: str) -> None:
    numa, lines = read(SRAT=srat(SIX, RAM_BASE, (HALF, HALF)) + structure)
    assert lines == [
        f"ACPI: NUMA: SRAT: {said}",
        "ACPI: SRAT: SRAT not used.",
        "NUMA: Faking a node at [mem 0x0000000040000000-0x000000004fffffff]",
    ]
    assert (numa.nodes, numa.node_of_cpu(5)) == (1, 0)


def test_an_srat_without_memory_is_not_used() -> None:
    numa, lines = read(SRAT=header())
    assert len(lines) == 1
    assert numa.memory == [MemoryBlock(0, *DRAM)]


@given(st.binary(min_size=36, max_size=200), st.binary(min_size=36, max_size=120))
def test_any_bytes_end_in_nodes(one: bytes, other: bytes) -> None:
    numa, _ = read(SRAT=one, SLIT=other)
    assert numa.nodes >= 1
    assert len(numa.distances) == numa.nodes


@given(st.integers(36, 235), st.integers(0, 255))
def test_a_flipped_byte_ends_in_nodes(at: int, value: int) -> None:
    table = bytearray(srat(SIX, RAM_BASE, (HALF, HALF)))
    table[at] = value
    numa, _ = read(SRAT=bytes(table), SLIT=slit(FAR))
    assert numa.nodes >= 1
    assert all(numa.node_of_cpu(uid) < numa.nodes for uid in range(6))
