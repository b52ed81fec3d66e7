"""The guest's topology: what Linux makes of a PPTT, and nothing that the table does not say."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.acpi.pptt import pptt
from machine.guest.acpi_pptt import CpuTopology, Pptt
from machine.topology import Topology
from tests.machine.acpi.reference import reference_table

if TYPE_CHECKING:
    from machine.guest.kernel import Kernel
    from tests.machine.board import Board, Make

PACKAGE, ID_VALID, THREAD, LEAF = 1, 2, 4, 8
topologies = st.builds(
    Topology,
    cpus=st.just(1),
    sockets=st.integers(1, 3),
    clusters=st.integers(1, 3),
    cores=st.integers(1, 4),
    threads=st.integers(1, 3),
)


def table_of(*nodes: tuple[int, int, int], revision: int = 2) -> bytes:
    """A PPTT of nodes: flags, parent, number; the first is at 36, each takes 20 bytes."""
    body = b"".join(struct.pack("<BBHIIII", 0, 20, 0, *node, 0) for node in nodes)
    return bytes(8) + bytes([revision]) + bytes(27) + body


def kernel_of(board: Board) -> Kernel:
    kernel = board.machine.power.kernel
    assert kernel is not None
    return kernel


def test_ids_are_those_that_linux_shows_for_the_reference() -> None:
    """A node without a valid id is called by its offset: the known 36 and 56."""
    flat, topo = (Pptt(reference_table(name, "PPTT")) for name in ("flat", "topo"))
    assert [flat.topology(uid) for uid in (0, 5)] == [
        CpuTopology(36, 56, 0, -1),
        CpuTopology(36, 56, 5, -1),
    ]
    assert [topo.topology(uid) for uid in (0, 1, 2)] == [
        CpuTopology(36, 56, 76, 0),
        CpuTopology(36, 56, 76, 1),
        CpuTopology(36, 56, 136, 2),
    ]
    assert topo.topology(16) is None


@given(topologies)
def test_cpus_share_an_id_exactly_where_they_share_the_place(topology: Topology) -> None:
    table = Pptt(pptt(topology, topology.max_cpus))
    cpus = range(topology.max_cpus)
    seen = [table.topology(uid) or pytest.fail(f"no CPU {uid}") for uid in cpus]
    for one in cpus:
        for other in range(one):
            at, there = topology.location(one), topology.location(other)
            same = [a == b for a, b in zip(at[:3], there[:3], strict=True)]
            told = seen[one], seen[other]
            assert (told[0].package_id == told[1].package_id) == same[0]
            if topology.has_clusters:
                assert (told[0].cluster_id == told[1].cluster_id) == all(same[:2])
            if topology.threads > 1:
                assert (told[0].core_id == told[1].core_id) == all(same)


def test_a_thread_is_one_and_a_core_is_none() -> None:
    threads, cores = Topology(1, 1, 1, 2, 2), Topology(1, 1, 1, 4, 1)
    assert [Pptt(pptt(threads, 4)).topology(uid).thread_id for uid in range(4)] == [0, 1, 2, 3]  # type: ignore[union-attr]
    assert [Pptt(pptt(cores, 4)).topology(uid).thread_id for uid in range(4)] == [-1] * 4  # type: ignore[union-attr]


def test_without_a_cluster_the_package_stands_for_it() -> None:
    table = table_of((PACKAGE, 0, 0), (LEAF | ID_VALID, 36, 7))
    assert Pptt(table).topology(7) == CpuTopology(36, 36, 7, -1)


def test_a_leaf_alone_is_its_own_package_and_in_no_cluster() -> None:
    assert Pptt(table_of((LEAF | ID_VALID, 0, 3))).topology(3) == CpuTopology(3, -2, 3, -1)


def test_a_node_with_a_valid_id_is_called_by_it() -> None:
    table = table_of((PACKAGE | ID_VALID, 0, 9), (LEAF | ID_VALID, 36, 7))
    assert Pptt(table).topology(7) == CpuTopology(9, 9, 7, -1)


def test_before_leaves_were_marked_a_leaf_was_who_had_no_children() -> None:
    table = table_of((PACKAGE, 0, 0), (ID_VALID, 36, 7), revision=1)
    assert Pptt(table).topology(7) == CpuTopology(36, 36, 7, -1)
    assert Pptt(table_of((PACKAGE, 0, 0), (ID_VALID, 36, 7))).topology(7) is None


@pytest.mark.parametrize("parent", [56, 36, 1000, 37])
def test_a_parent_that_leads_nowhere_or_in_a_circle_ends_the_way(parent: int) -> None:
    table = table_of((0, 56, 0), (LEAF | ID_VALID, parent, 7))
    found = Pptt(table).topology(7)
    assert found is not None
    assert found.core_id == 7


@given(st.binary(min_size=36, max_size=300))
def test_any_bytes_end_in_an_answer(table: bytes) -> None:
    tree = Pptt(table)
    assert {type(tree.topology(uid)) for uid in range(256)} <= {CpuTopology, type(None)}


@given(st.integers(0, 199), st.integers(0, 255))
def test_a_flipped_byte_ends_in_an_answer(at: int, value: int) -> None:
    table = bytearray(pptt(Topology(1, 1, 1, 4, 2), 8))
    table[at % len(table)] = value
    tree = Pptt(bytes(table))
    for uid in range(8):
        found = tree.topology(uid)
        assert found is None or found.package_id >= 0


# In a machine


def test_the_guest_reads_it_at_boot(boards: Make) -> None:
    kernel = kernel_of(boards(Topology(2, 2, 1, 2, 2)))
    packages = {cpu.uid: cpu.topology.package_id for cpu in kernel.cpus if cpu.topology}
    cores = {cpu.uid: cpu.topology.core_id for cpu in kernel.cpus if cpu.topology}
    assert len(packages) == 8
    assert [packages[uid] == packages[0] for uid in range(8)] == [True] * 4 + [False] * 4
    assert [cores[uid] == cores[0] for uid in range(8)] == [True] * 2 + [False] * 6


def test_a_cpu_that_is_plugged_later_has_had_its_place_from_the_start(boards: Make) -> None:
    board = boards()
    before = [cpu.topology for cpu in kernel_of(board).cpus]
    board.plug(4, "core4")
    assert [cpu.topology for cpu in kernel_of(board).cpus] == before
    assert before[4] == CpuTopology(36, 36, 4, -1)


def hidden(board: Board, signature: bytes) -> list[str]:
    """What a guest logs that boots anew and finds a table gone: its signature is spoilt."""
    ram = board.machine.ram
    lines: list[str] = []
    board.machine.trace.listen(lambda point: lines.append(point.name))
    board.machine.power.reset()
    tail = ram.read_bytes(ram.end - (1 << 20), 1 << 20)
    at = tail.index(signature)
    ram.write_bytes(ram.end - (1 << 20) + at, b"\xff")  # and the checksum with it
    board.settle()
    return lines


def test_without_a_table_every_cpu_is_a_core_of_one_package(boards: Make) -> None:
    board = boards()
    lines = hidden(board, b"PPTT")
    missing = "ACPI PPTT: No PPTT table found, CPU and cache topology may be inaccurate"
    assert any(line.endswith(missing) for line in lines)
    assert [cpu.topology for cpu in kernel_of(board).cpus] == [
        CpuTopology(0, -1, cpu, -1) for cpu in range(6)
    ]
    assert board.online() == [0, 1]


def test_a_table_that_leaves_a_cpu_out_is_not_believed_of_any(boards: Make) -> None:
    board = boards()
    ram = board.machine.ram
    board.machine.power.reset()
    tail = bytearray(ram.read_bytes(ram.end - (1 << 20), 1 << 20))
    at = tail.index(b"PPTT")
    length = int.from_bytes(tail[at + 4 : at + 8], "little")
    tail[at + length - 16] &= ~LEAF  # flags of the last node
    tail[at + 9] = (tail[at + 9] - sum(tail[at : at + length])) & 0xFF
    ram.write_bytes(ram.end - (1 << 20), bytes(tail))
    board.settle()
    assert {cpu.topology.package_id for cpu in kernel_of(board).cpus if cpu.topology} == {0}
