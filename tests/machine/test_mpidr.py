"""MPIDR by topology: registers, tables, firmware calls, clients and the guest all follow it."""

from __future__ import annotations

import pytest

from machine.errors import MachineError
from machine.kvm.smccc import CPU_ON_64, Function, Result
from machine.topology import MpidrScheme, Topology
from tests.machine.acpi.tables import walk
from tests.machine.board import CPU, Board, Make
from tests.machine.guest_side import GICR_TYPER, inserted, removed

MASK64 = (1 << 64) - 1
THREADS = Topology(3, 2, 2, 2, 2)
CORES = Topology(3, 2, 2, 3, 1)
WIDE = Topology(2, 1, 1, 40, 1)
SHAPES = pytest.mark.parametrize("topology", [THREADS, CORES, WIDE], ids=["MT", "cores", "RS"])


def by_topology(boards: Make, topology: Topology, *, boot: bool = True) -> Board:
    return boards(topology, boot=boot, mpidr=MpidrScheme.TOPOLOGY)


def expected(board: Board) -> list[int]:
    """Affinities, worked out from where each CPU sits."""
    topology = board.machine.topology
    affinities = []
    for slot in board.machine.slots:
        socket, cluster, core, thread = slot.location
        if topology.threads > 1:
            fields = (socket * topology.clusters + cluster, core, thread)
        else:
            fields = (socket, cluster, core)
        affinities.append(fields[0] << 16 | fields[1] << 8 | fields[2])
    return affinities


def props(board: Board, index: int) -> dict[str, object]:
    at = board.slot(index).location._asdict()
    return {"driver": CPU, **{name.replace("_", "-"): value for name, value in at.items()}}


@SHAPES
def test_the_register_and_the_redistributor_follow_the_topology(
    boards: Make,
    topology: Topology,
) -> None:
    board = by_topology(boards, topology)
    assert [slot.arch_id for slot in board.machine.slots] == expected(board)
    assert len(set(expected(board))) == topology.max_cpus
    mt = 1 << 24 if topology.threads > 1 else 0
    for slot in board.machine.slots:
        assert slot.vcpu.mrs("MPIDR_EL1") == 1 << 31 | mt | slot.arch_id
        typer = board.vcpu().load(slot.redistributor + GICR_TYPER, 8)
        assert (typer >> 32, typer >> 8 & 0xFFFF) == (slot.arch_id, slot.index)


@SHAPES
def test_the_madt_follows_the_topology(boards: Make, topology: Topology) -> None:
    board = by_topology(boards, topology, boot=False)
    madt = walk(board.machine.ram.read_bytes, board.vcpu().x0)["APIC"]
    at, affinities = 44, []
    while at < len(madt):
        kind, length = madt[at], madt[at + 1]
        if kind == 0x0B:
            affinities.append(int.from_bytes(madt[at + 68 : at + 76], "little"))
        at += length
    assert affinities == expected(board)


@SHAPES
def test_no_other_table_knows_of_the_mpidr(boards: Make, topology: Topology) -> None:
    tables = []
    for scheme in MpidrScheme:
        board = boards(topology, boot=False, mpidr=scheme)
        tables.append(walk(board.machine.ram.read_bytes, board.vcpu().x0))
    kernels, ours = tables
    assert kernels.keys() == ours.keys() > {"PPTT", "DSDT"}
    assert [name for name in kernels if kernels[name] != ours[name]] == ["APIC"]


@SHAPES
def test_the_guest_boots_and_cpus_come_and_go_and_come(boards: Make, topology: Topology) -> None:
    board = by_topology(boards, topology)
    last = topology.max_cpus - 1
    boot = list(range(topology.cpus))
    assert board.online() == boot
    for _ in range(2):
        board.machine.device_add({**props(board, last), "id": "last"})
        board.settle()
        assert board.online() == [*boot, last]
        board.unplug("last")
        assert board.online() == boot
    assert board.story() == (inserted(last, "last") + removed(last, "last")) * 2


def test_psci_knows_cpus_by_their_place(boards: Make) -> None:
    board = by_topology(boards, THREADS)
    vcpu = board.vcpu()
    assert vcpu.hvc(Function.AFFINITY_INFO, 0x1_0001, 0) == 1
    assert vcpu.hvc(CPU_ON_64, 0x1_0001, 0x4020_0000, 0) == Result.DENIED & MASK64
    assert vcpu.hvc(CPU_ON_64, 0x100, 0x4020_0000, 0) == Result.ALREADY_ON & MASK64


def test_clients_see_the_mpidr_of_a_place(boards: Make) -> None:
    board = by_topology(boards, THREADS)
    with pytest.raises(MachineError, match=r"cpu\(id2=0:0:1:0\) with arch-id 256 exist"):
        board.machine.device_add(props(board, 2))
    board.machine.device_add({**props(board, 13), "id": "c"})
    assert board.machine.qom.get("/machine/peripheral/c", "mp-affinity") == 0x3_0001
    assert board.slot(13).location == (1, 1, 0, 1)


@SHAPES
def test_an_sgi_reaches_every_place(boards: Make, topology: Topology) -> None:
    board = by_topology(boards, topology, boot=False)
    for slot in board.machine.slots:
        slot.gic_cpu.accessible = True
        aff = slot.arch_id
        value = aff >> 16 << 32 | (aff >> 4 & 0xF) << 44 | (aff >> 8 & 0xFF) << 16 | 3 << 24
        board.vcpu().msr("ICC_SGI1R_EL1", value | 1 << (aff & 0xF))
    latches = [slot.gic_cpu.redistributor.private.latch for slot in board.machine.slots]
    assert latches == [1 << 3] * topology.max_cpus


def test_without_it_the_mpidr_is_the_kernels(boards: Make) -> None:
    board = boards(THREADS, boot=False)
    assert [slot.arch_id for slot in board.machine.slots] == list(range(16))
