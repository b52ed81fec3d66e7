"""NUMA, said piece by piece: refused in QEMU's words, completed as QEMU does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.errors import MachineError
from machine.numa import MAX_NODES, Numa
from machine.numa_draft import (
    HMAT_DISABLED,
    NumaCpu,
    NumaDistance,
    NumaDraft,
    NumaHmat,
    NumaNode,
    NumaOption,
)
from machine.topology import Topology

MIB = 1 << 20
SIX = Topology(cpus=2, sockets=2, clusters=1, cores=3, threads=1)
BACKENDS = {"m0": 512 * MIB, "m1": 512 * MIB, "big": 1024 * MIB}
M0, M1 = NumaNode(memdev="m0"), NumaNode(memdev="m1")
TWO = (M0, M1)
THREE = (*TWO, NumaNode())


def draft(*options: NumaOption) -> NumaDraft:
    made = NumaDraft(SIX)
    for option in options:
        made.apply(option, BACKENDS)
    return made


def completed(*options: NumaOption, ram_size: int = 1024 * MIB) -> Numa:
    numa = draft(*options).complete(ram_size)
    assert numa is not None
    return numa


def cpu(node_id: int | None, **place: int) -> NumaCpu:
    return NumaCpu(node_id, tuple((f"{name}-id", at) for name, at in place.items()))


def test_a_machine_of_which_nothing_was_said_has_no_nodes() -> None:
    assert draft().complete(1024 * MIB) is None


def test_cpus_of_which_nothing_was_said_go_by_their_sockets() -> None:
    assert completed(*TWO) == Numa(
        memory=(512 * MIB, 512 * MIB), cpus=(0, 0, 0, 1, 1, 1), backends=("m0", "m1")
    )
    assert completed(NumaNode(memdev="big")).cpus == (0,) * 6


def test_sockets_go_round_the_nodes() -> None:
    made = NumaDraft(Topology(cpus=4, sockets=4, clusters=1, cores=1, threads=1))
    for option in THREE:
        made.apply(option, BACKENDS)
    numa = made.complete(1024 * MIB)
    assert numa is not None
    assert numa.cpus == (0, 1, 2, 0)


def test_where_some_cpus_were_placed_the_others_are_in_node_0() -> None:
    numa = completed(NumaNode(memdev="m0", cpus=(0,)), NumaNode(memdev="m1", cpus=(1, 2)))
    assert numa.cpus == (0, 1, 1, 0, 0, 0)
    assert numa.unassigned == (3, 4, 5)


@pytest.mark.parametrize(
    ("place", "cpus"),
    [
        ({"socket": 1}, (3, 4, 5)),
        ({"socket": 1, "core": 2}, (5,)),
        ({"core": 0}, (0, 3)),
        ({"thread": 0, "cluster": 0}, (0, 1, 2, 3, 4, 5)),
        ({}, (0, 1, 2, 3, 4, 5)),
    ],
)
def test_cpus_are_placed_by_what_they_have_in_common(
    place: dict[str, int], cpus: tuple[int, ...]
) -> None:
    made = draft(*TWO, cpu(1, **place))
    assert made.cpus == dict.fromkeys(cpus, 1)


def test_a_cpu_may_be_placed_in_the_same_node_again() -> None:
    made = draft(*TWO, cpu(0, socket=0, core=0), cpu(0, socket=0))
    assert made.cpus == {0: 0, 1: 0, 2: 0}


def test_a_node_may_come_before_those_with_lower_numbers() -> None:
    numa = completed(NumaNode(1, memdev="m1"), NumaNode(0, memdev="m0"))
    assert numa.backends == ("m0", "m1")


def test_a_backend_may_be_named_by_its_path() -> None:
    assert completed(NumaNode(memdev="/objects/m0"), M1).backends == ("m0", "m1")


def test_a_distance_is_that_of_the_way_back_where_that_was_not_given() -> None:
    numa = completed(*TWO, NumaDistance(0, 1, 20))
    assert numa.distances == ((10, 20), (20, 10))


def test_ways_back_may_differ_and_the_last_word_counts() -> None:
    said = NumaDistance(0, 1, 255), NumaDistance(0, 1, 254), NumaDistance(1, 0, 30)
    assert completed(*TWO, *said).distances == ((10, 254), (30, 10))


def test_without_any_distance_there_is_no_table() -> None:
    assert completed(*TWO).distances == ()


MISSING = (
    "The distance between node {} and {} is missing, at least one distance value between each "
    "nodes should be provided."
)


@pytest.mark.parametrize(
    ("said", "option", "text"),
    [
        ((), NumaNode(128), "Max number of NUMA nodes reached: 128"),
        (TWO, NumaNode(1), "Duplicate NUMA nodeid: 1"),
        ((), NumaNode(initiator=0), HMAT_DISABLED),
        ((), NumaHmat(), HMAT_DISABLED),
        ((), NumaNode(cpus=(9,)), "CPU index (9) should be smaller than maxcpus (6)"),
        ((NumaNode(cpus=(0, 1)),), NumaNode(cpus=(1,)), "CPU is already assigned to node-id: 0"),
        ((), NumaNode(memdev="zz"), "memdev=zz is ambiguous"),
        ((), NumaNode(memdev=""), "memdev= is ambiguous"),
        (
            (),
            NumaNode(mem=512 * MIB),
            "Parameter -numa node,mem is not supported by this machine type",
        ),
        (
            (),
            NumaNode(mem=0, memdev="m0"),
            "numa configuration should use either mem= or memdev=,mixing both is not allowed",
        ),
        (
            (M0,),
            NumaNode(mem=0),
            "numa configuration should use either mem= or memdev=,mixing both is not allowed",
        ),
        (TWO, cpu(None, socket=0), "Missing mandatory node-id property"),
        (
            TWO,
            cpu(5, socket=0),
            (
                "Invalid node-id=5, NUMA node must be defined with -numa node,nodeid=ID before "
                "it's used with -numa cpu,node-id=ID"
            ),
        ),
        (TWO, cpu(0, die=0), "die-id is not supported"),
        (TWO, cpu(0, module=0, die=0), "module-id is not supported"),
        (TWO, cpu(0, drawer=0), "drawer-id is not supported"),
        (TWO, cpu(0, socket=7), "no match found"),
        (TWO, cpu(0, core=-1), "no match found"),
        ((*TWO, cpu(0, socket=0)), cpu(1, core=0), "CPU is already assigned to node-id: 0"),
        (TWO, NumaDistance(128, 0, 20), "Parameter 'src' expects an integer between 0 and 127"),
        (TWO, NumaDistance(0, 128, 20), "Parameter 'dst' expects an integer between 0 and 127"),
        (
            TWO,
            NumaDistance(0, 9, 20),
            (
                "Source/Destination NUMA node is missing. Please use '-numa node' option to "
                "declare it first."
            ),
        ),
        (
            TWO,
            NumaDistance(0, 1, 9),
            "NUMA distance (9) is invalid, it shouldn't be less than 10.",
        ),
        (TWO, NumaDistance(0, 0, 11), "Local distance of node 0 should be 10."),
    ],
)
def test_what_is_wrong_is_refused_in_qemus_words_and_changes_nothing(
    said: tuple[NumaOption, ...], option: NumaOption, text: str
) -> None:
    made = draft(*said)
    before = made.changes, dict(made.cpus), list(made.backends)
    with pytest.raises(MachineError) as refused:
        made.apply(option, BACKENDS)
    assert str(refused.value) == text
    assert (made.changes, made.cpus, made.backends) == before


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ((NumaNode(1, memdev="big"),), "numa: Node ID missing: 0"),
        ((NumaNode(127), NumaNode(125, memdev="big")), "numa: Node ID missing: 126"),
        (
            (NumaNode(), NumaNode()),
            "total memory for NUMA nodes (0x0) should equal RAM size (0x40000000)",
        ),
        ((M0,), "total memory for NUMA nodes (0x20000000) should equal RAM size (0x40000000)"),
        ((M0, M0), "memory backend m0 can't be used multiple times."),
        ((*TWO, NumaDistance(0, 0, 10)), MISSING.format(0, 1)),
        ((*THREE, NumaDistance(0, 1, 20)), MISSING.format(0, 2)),
        (
            (*THREE, NumaDistance(0, 1, 20), NumaDistance(1, 0, 21), NumaDistance(0, 2, 20)),
            MISSING.format(1, 2),
        ),
        (
            (
                *THREE,
                NumaDistance(0, 1, 20),
                NumaDistance(1, 0, 21),
                NumaDistance(0, 2, 20),
                NumaDistance(1, 2, 20),
            ),
            (
                "At least one asymmetrical pair of distances is given, please provide distances "
                "for both directions of all node pairs."
            ),
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_qemus_words(
    said: tuple[NumaOption, ...], text: str
) -> None:
    with pytest.raises(MachineError) as refused:
        draft(*said).complete(1024 * MIB)
    assert str(refused.value) == text


def test_nodes_and_a_backend_for_all_of_the_ram_exclude_each_other() -> None:
    with pytest.raises(MachineError, match=r"^'-machine memory-backend' and '-numa memdev' prop"):
        draft(*TWO).complete(1024 * MIB, "m0")


def test_there_may_be_128_nodes() -> None:
    options = (NumaNode(memdev="big"), *(NumaNode() for _ in range(MAX_NODES - 1)))
    assert len(completed(*options).memory) == MAX_NODES
    with pytest.raises(MachineError, match="Max number of NUMA nodes reached: 128"):
        draft(*options, NumaNode())


nodes = st.integers(0, 3)
options = st.one_of(
    st.builds(NumaNode, st.none() | nodes, st.lists(st.integers(0, 6), max_size=3).map(tuple)),
    st.just(M0),
    st.just(M1),
    st.builds(cpu, nodes, socket=st.integers(0, 2)),
    st.builds(NumaDistance, nodes, nodes, st.integers(9, 255)),
)


@given(st.lists(options, max_size=8))
def test_whatever_is_said_is_refused_in_words_or_becomes_complete(said: list[NumaOption]) -> None:
    made = NumaDraft(SIX)
    for option in said:
        before = dict(made.cpus)
        try:
            made.apply(option, BACKENDS)
        except MachineError:
            assert made.cpus == before
    try:
        numa = made.complete(1024 * MIB)
    except MachineError:
        return
    if numa is not None:
        count = len(numa.memory)
        assert sum(numa.memory) == 1024 * MIB
        assert len(numa.cpus) == 6
        assert set(numa.cpus) <= set(range(count))
        assert all(numa.cpus[index] == node for index, node in made.cpus.items())
        assert len(numa.distances) in {0, count}
        assert all(row[n] == 10 for n, row in enumerate(numa.distances))
        assert all(10 <= value <= 255 for row in numa.distances for value in row)
