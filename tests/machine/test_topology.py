"""Topology: numbers and places are inverse, `-smp` completes and refuses as QEMU, MPIDR by 16."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.errors import MachineError
from machine.topology import (
    MAX_CPUS,
    MOST_CPUS,
    CpuLocation,
    Topology,
    check_topology_mpidr,
    mpidr_affinity,
    resolve_smp,
    topology_mpidr,
)

PRODUCT = "Invalid CPU topology: product of the hierarchy must match maxcpus: "
MORE = "Invalid CPU topology: maxcpus must be equal to or greater than smp: "
ZERO = "Invalid CPU topology: CPU topology parameters must be greater than zero"

topologies = st.builds(
    Topology,
    cpus=st.just(1),
    sockets=st.integers(1, 4),
    clusters=st.integers(1, 4),
    cores=st.integers(1, 8),
    threads=st.integers(1, 4),
)


@given(topologies)
def test_index_is_the_inverse_of_location(topology: Topology) -> None:
    indexes = range(topology.max_cpus)
    assert [topology.index(topology.location(n)) for n in indexes] == list(indexes)


@given(topologies)
def test_threads_are_counted_first_then_cores_clusters_and_sockets(topology: Topology) -> None:
    places = itertools.starmap(
        CpuLocation,
        itertools.product(
            range(topology.sockets),
            range(topology.clusters),
            range(topology.cores),
            range(topology.threads),
        ),
    )
    assert [topology.location(n) for n in range(topology.max_cpus)] == list(places)


def test_a_location_is_spelled_socket_cluster_core_thread() -> None:
    assert str(Topology(4, 2, 2, 2, 2).location(11)) == "1:0:1:1"


@pytest.mark.parametrize(
    ("vcpu_id", "affinity"),
    [(0, 0), (15, 15), (16, 0x100), (17, 0x101), (255, 0xF0F), (511, 0x1F0F), (4096, 0x1_0000)],
)
def test_the_mpidr_holds_16_cpus_to_a_cluster(vcpu_id: int, affinity: int) -> None:
    assert mpidr_affinity(vcpu_id) == affinity


def test_every_possible_cpu_has_an_mpidr_of_its_own_that_an_sgi_can_reach() -> None:
    affinities = [mpidr_affinity(n) for n in range(MAX_CPUS)]
    assert len(set(affinities)) == MAX_CPUS
    assert all(affinity & 0xFF < 16 for affinity in affinities)


@pytest.mark.parametrize("count", [MAX_CPUS, MOST_CPUS])
def test_the_kernels_mpidrs_stay_apart_up_to_the_most_cpus(count: int) -> None:
    assert len({mpidr_affinity(n) for n in range(count)}) == count


@given(topologies)
def test_mpidrs_by_topology_stay_apart_and_have_mt_where_there_are_threads(
    topology: Topology,
) -> None:
    check_topology_mpidr(topology)
    mpidrs = [topology_mpidr(topology, topology.location(n)) for n in range(topology.max_cpus)]
    assert len(set(mpidrs)) == topology.max_cpus
    assert {mpidr >> 24 for mpidr in mpidrs} == {0x81 if topology.threads > 1 else 0x80}


@pytest.mark.parametrize(
    ("topology", "at", "mpidr"),
    [
        (Topology(1, 2, 3, 4, 1), CpuLocation(1, 2, 3, 0), 0x8001_0203),
        (Topology(1, 2, 3, 4, 2), CpuLocation(1, 2, 3, 1), 0x8105_0301),
        (Topology(1, 1, 1, 256, 1), CpuLocation(0, 0, 255, 0), 0x8000_00FF),
    ],
)
def test_affinity_fields_are_levels_of_the_topology(
    topology: Topology,
    at: CpuLocation,
    mpidr: int,
) -> None:
    assert topology_mpidr(topology, at) == mpidr


@pytest.mark.parametrize(
    ("topology", "complaint"),
    [
        (Topology(1, 1, 1, 257, 1), "257 cores do"),
        (Topology(1, 300, 1, 1, 1), "300 sockets do"),
        (Topology(1, 1, 257, 1, 1), "257 clusters do"),
        (Topology(1, 2, 129, 1, 2), "258 clusters do"),
        (Topology(1, 1, 1, 1, 257), "257 threads do"),
        (Topology(1, 1, 1, 257, 2), "257 cores do"),
    ],
)
def test_a_level_that_no_affinity_field_holds_is_refused(
    topology: Topology,
    complaint: str,
) -> None:
    with pytest.raises(MachineError, match=f"^x-mpidr=topology: {complaint} not fit"):
        check_topology_mpidr(topology)


@pytest.mark.parametrize(
    ("given", "topology"),
    [
        ({}, Topology(1, 1, 1, 1, 1)),
        ({"cpus": 4}, Topology(4, 1, 1, 4, 1)),
        ({"maxcpus": 4}, Topology(4, 1, 1, 4, 1)),
        ({"cpus": 2, "maxcpus": 6}, Topology(2, 1, 1, 6, 1)),
        ({"cpus": 2, "maxcpus": 6, "sockets": 2}, Topology(2, 2, 1, 3, 1)),
        ({"cpus": 2, "maxcpus": 6, "cores": 3}, Topology(2, 2, 1, 3, 1)),
        (
            {"maxcpus": 16, "sockets": 2, "clusters": 2, "cores": 2},
            Topology(16, 2, 2, 2, 2, clusters_named=True),
        ),
        ({"maxcpus": 16, "threads": 2}, Topology(16, 1, 1, 8, 2)),
        ({"sockets": 2, "cores": 3}, Topology(6, 2, 1, 3, 1)),
        ({"cpus": 1, "sockets": 2, "cores": 3}, None),
        ({"cpus": 1, "dies": 1, "maxcpus": 2}, Topology(1, 1, 1, 2, 1)),
        ({"cpus": 512}, Topology(512, 1, 1, 512, 1)),
    ],
)
def test_what_smp_leaves_out_is_completed_as_qemu_does(
    given: dict[str, int],
    topology: Topology | None,
) -> None:
    if topology is None:
        with pytest.raises(MachineError, match="product of the hierarchy"):
            resolve_smp(given)
        return
    assert resolve_smp(given) == topology


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"cpus": 2, "maxcpus": 6, "sockets": 2, "clusters": 1, "cores": 2, "threads": 2},
            PRODUCT + "sockets (2) * clusters (1) * cores (2) * threads (2) != maxcpus (6)",
        ),
        (
            {"cpus": 7, "maxcpus": 6},
            MORE + "sockets (1) * clusters (1) * cores (6) * threads (1) == maxcpus (6) "
            "< smp_cpus (7)",
        ),
        ({"cpus": 0}, ZERO),
        ({"cpus": 2, "maxcpus": 0}, ZERO),
        ({"cpus": 2, "threads": 0}, ZERO),
        ({"cpus": 2, "dies": 0}, ZERO),
        (
            {"cpus": 513},
            "Invalid SMP CPUs 513. The max CPUs supported by machine 'virt-9.2' is 512",
        ),
        (
            {"cpus": 1, "maxcpus": 513},
            "Invalid SMP CPUs 513. The max CPUs supported by machine 'virt-9.2' is 512",
        ),
        ({"cpus": 2, "dies": 2}, "dies > 1 not supported by this machine's CPU topology"),
        ({"cpus": 2, "books": 2}, "books > 1 not supported by this machine's CPU topology"),
        ({"cpus": 2, "drawers": 2}, "drawers > 1 not supported by this machine's CPU topology"),
        ({"cpus": 2, "modules": 2}, "modules > 1 not supported by this machine's CPU topology"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_qemus_words(
    given: dict[str, int],
    text: str,
) -> None:
    with pytest.raises(MachineError) as refusal:
        resolve_smp(given)
    assert str(refusal.value) == text


LEVELS = st.sampled_from(["cpus", "maxcpus", "sockets", "clusters", "cores", "threads"])


@given(st.dictionaries(LEVELS, st.integers(0, 20)))
def test_a_topology_that_is_accepted_agrees_with_everything_that_was_said(
    given: dict[str, int],
) -> None:
    try:
        topology = resolve_smp(given)
    except MachineError:
        return
    for level in ("sockets", "clusters", "cores", "threads"):
        assert getattr(topology, level) == given.get(level, getattr(topology, level))
    assert topology.max_cpus == given.get("maxcpus", topology.max_cpus)
    assert topology.cpus == given.get("cpus", topology.max_cpus)
    assert 0 < topology.cpus <= topology.max_cpus <= MAX_CPUS
