"""The performance monitors: a cycle counter on virtual time, and its overflow's interrupt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.kvm.sysreg import UndefinedInstructionError
from machine.kvm.vcpu import HOST_FEATURES
from machine.memmap import PPI_PMU
from machine.topology import Topology
from tests.machine.board import SMALL, Board
from tests.machine.kvm.host import MIDR, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.kvm.vcpu import Vcpu

E, P, C, D, LC = 1, 2, 4, 8, 64
CYCLES = 1 << 31
REGISTERS = (
    "PMCR_EL0",
    "PMCNTENSET_EL0",
    "PMCNTENCLR_EL0",
    "PMOVSSET_EL0",
    "PMOVSCLR_EL0",
    "PMSELR_EL0",
    "PMCCNTR_EL0",
    "PMXEVTYPER_EL0",
    "PMXEVCNTR_EL0",
    "PMUSERENR_EL0",
    "PMCCFILTR_EL0",
    "PMINTENSET_EL1",
    "PMINTENCLR_EL1",
)
READ_ONLY = ("PMCEID0_EL0", "PMCEID1_EL0")


@pytest.fixture
def vcpu(host: Host) -> Vcpu:
    vcpu = host.vm.create_vcpu(0)
    vcpu.init(HOST_FEATURES, midr=MIDR)
    return vcpu


def start(vcpu: Vcpu, control: int = E) -> None:
    vcpu.msr("PMCNTENSET_EL0", CYCLES)
    vcpu.msr("PMCR_EL0", control)


def later(host: Host, nanoseconds: int) -> None:
    host.clock.advance_to(host.clock.now + nanoseconds)


def test_cycles_are_nanoseconds_of_virtual_time(host: Host, vcpu: Vcpu) -> None:
    start(vcpu)
    later(host, 12_345)
    assert vcpu.mrs("PMCCNTR_EL0") == 12_345


@pytest.mark.parametrize("missing", ["PMCR_EL0", "PMCNTENSET_EL0"])
def test_the_counter_counts_only_where_both_enables_are_set(
    host: Host,
    vcpu: Vcpu,
    missing: str,
) -> None:
    start(vcpu)
    later(host, 10)
    clear = {"PMCR_EL0": ("PMCR_EL0", 0), "PMCNTENSET_EL0": ("PMCNTENCLR_EL0", CYCLES)}[missing]
    vcpu.msr(*clear)
    later(host, 1000)
    assert vcpu.mrs("PMCCNTR_EL0") == 10
    start(vcpu)
    later(host, 5)
    assert vcpu.mrs("PMCCNTR_EL0") == 15


def test_the_counter_can_be_set_and_cleared(host: Host, vcpu: Vcpu) -> None:
    start(vcpu)
    vcpu.msr("PMCCNTR_EL0", 1 << 40)
    later(host, 7)
    assert vcpu.mrs("PMCCNTR_EL0") == (1 << 40) + 7
    vcpu.msr("PMCR_EL0", E | C)
    assert vcpu.mrs("PMCCNTR_EL0") == 0
    assert vcpu.mrs("PMCR_EL0") == E, "C and P read as zero"


def test_the_divider_counts_every_64th_cycle_of_a_32_bit_counter(host: Host, vcpu: Vcpu) -> None:
    start(vcpu, E | D)
    for _ in range(4):
        later(host, 48)
        vcpu.mrs("PMCCNTR_EL0")
    assert vcpu.mrs("PMCCNTR_EL0") == 3
    vcpu.msr("PMCR_EL0", E | D | LC | C)
    later(host, 48)
    assert vcpu.mrs("PMCCNTR_EL0") == 48


def test_a_filter_of_el1_leaves_nothing_to_count(host: Host, vcpu: Vcpu) -> None:
    start(vcpu)
    vcpu.msr("PMCCFILTR_EL0", 1 << 31)
    later(host, 100)
    assert vcpu.mrs("PMCCNTR_EL0") == 0
    vcpu.msr("PMCCFILTR_EL0", 1 << 30)
    later(host, 100)
    assert vcpu.mrs("PMCCNTR_EL0") == 100


@pytest.mark.parametrize(("control", "width"), [(E, 32), (E | LC, 64)])
def test_an_overflow_is_kept_until_it_is_cleared(
    host: Host,
    vcpu: Vcpu,
    control: int,
    width: int,
) -> None:
    start(vcpu, control)
    vcpu.msr("PMCCNTR_EL0", (1 << width) - 10)
    later(host, 9)
    assert vcpu.mrs("PMOVSSET_EL0") == 0
    later(host, 1)
    assert vcpu.mrs("PMOVSCLR_EL0") == CYCLES
    assert vcpu.mrs("PMCCNTR_EL0") == (1 << 32 if width == 32 else 0)
    vcpu.msr("PMOVSCLR_EL0", CYCLES)
    assert vcpu.mrs("PMOVSSET_EL0") == 0


def test_a_32_bit_carry_is_no_overflow_of_a_64_bit_counter(host: Host, vcpu: Vcpu) -> None:
    start(vcpu, E | LC)
    vcpu.msr("PMCCNTR_EL0", (1 << 32) - 10)
    later(host, 20)
    assert vcpu.mrs("PMOVSSET_EL0") == 0


def test_the_interrupt_comes_at_the_overflow(host: Host, vcpu: Vcpu) -> None:
    changes: list[tuple[int, bool]] = []
    vcpu.pmu.line.connect(lambda level: changes.append((host.clock.now, level)))
    vcpu.msr("PMINTENSET_EL1", CYCLES)
    vcpu.msr("PMCCNTR_EL0", (1 << 32) - 1000)
    start(vcpu)
    later(host, 5000)
    assert changes == [(1000, True)]
    vcpu.msr("PMOVSCLR_EL0", CYCLES)
    assert changes[1:] == [(5000, False)]


def test_the_interrupt_comes_at_the_overflow_of_a_divided_count(host: Host, vcpu: Vcpu) -> None:
    vcpu.msr("PMINTENSET_EL1", CYCLES)
    vcpu.msr("PMCCNTR_EL0", (1 << 32) - 10)
    start(vcpu, E | D)
    later(host, 639)
    assert not vcpu.pmu.line.level
    later(host, 1)
    assert vcpu.pmu.line.level


@pytest.mark.parametrize("off", [("PMCR_EL0", 0), ("PMINTENCLR_EL1", CYCLES)])
def test_the_line_falls_with_either_enable(vcpu: Vcpu, off: tuple[str, int]) -> None:
    start(vcpu)
    vcpu.msr("PMINTENSET_EL1", CYCLES)
    vcpu.msr("PMOVSSET_EL0", CYCLES)
    assert vcpu.pmu.line.level
    vcpu.msr(*off)
    assert not vcpu.pmu.line.level
    assert vcpu.mrs("PMOVSSET_EL0") == CYCLES


def test_a_counter_whose_overflow_nobody_awaits_leaves_the_clock_idle(
    host: Host,
    vcpu: Vcpu,
) -> None:
    start(vcpu)
    assert host.clock.next_deadline is None
    vcpu.msr("PMINTENSET_EL1", CYCLES)
    assert host.clock.next_deadline == 1 << 32
    vcpu.msr("PMINTENCLR_EL1", CYCLES)
    assert host.clock.next_deadline is None


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("PMCR_EL0", 0x79),
        ("PMCNTENSET_EL0", CYCLES),
        ("PMINTENSET_EL1", CYCLES),
        ("PMOVSSET_EL0", CYCLES),
        ("PMSELR_EL0", 0x1F),
        ("PMUSERENR_EL0", 0xF),
        ("PMCCFILTR_EL0", 0xC000_0000),
        ("PMXEVCNTR_EL0", 0),
        ("PMXEVTYPER_EL0", 0),
    ],
)
def test_a_register_keeps_what_is_implemented(vcpu: Vcpu, name: str, reads: int) -> None:
    vcpu.msr(name, (1 << 64) - 1)
    assert vcpu.mrs(name) == reads


def test_selection_31_is_the_filter_of_the_cycle_counter(vcpu: Vcpu) -> None:
    vcpu.msr("PMSELR_EL0", 31)
    vcpu.msr("PMXEVTYPER_EL0", 1 << 30)
    assert vcpu.mrs("PMCCFILTR_EL0") == vcpu.mrs("PMXEVTYPER_EL0") == 1 << 30


def test_there_are_no_event_counters_and_one_event(vcpu: Vcpu) -> None:
    assert vcpu.mrs("PMCR_EL0") >> 11 & 0x1F == 0
    assert (vcpu.mrs("PMCEID0_EL0"), vcpu.mrs("PMCEID1_EL0")) == (1 << 0x11, 0)
    vcpu.msr("PMSWINC_EL0", 1)
    with pytest.raises(UndefinedInstructionError):
        vcpu.mrs("PMEVCNTR0_EL0")


def test_what_can_be_only_read_or_only_written_is_undefined_the_other_way(vcpu: Vcpu) -> None:
    for name in READ_ONLY:
        with pytest.raises(UndefinedInstructionError):
            vcpu.msr(name, 0)
    with pytest.raises(UndefinedInstructionError):
        vcpu.mrs("PMSWINC_EL0")


def test_a_vcpu_without_the_feature_has_no_performance_monitors(host: Host, vcpu: Vcpu) -> None:
    assert vcpu.mrs("ID_AA64DFR0_EL1") >> 8 & 0xF == 1
    plain = Host()
    (other,) = plain.vcpus(1)
    assert other.mrs("ID_AA64DFR0_EL1") >> 8 & 0xF == 0
    for name in (*REGISTERS, *READ_ONLY):
        vcpu.mrs(name)
        with pytest.raises(UndefinedInstructionError, match=name):
            other.mrs(name)
    for name in REGISTERS:
        with pytest.raises(UndefinedInstructionError, match=name):
            other.msr(name, 0)
    assert plain.clock.now == host.clock.now
    plain.ram.close()


# On the board


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board(MachineConfig(topology=Topology(1, 1, 1, 4, 1), ram_size=SMALL))
    board.settle()
    yield board
    board.machine.close()


def overflow(board: Board, index: int) -> bool:
    """Have a CPU's counter overflow; whether its redistributor hears of it."""
    vcpu = board.vcpu(index)
    vcpu.msr("PMCR_EL0", E)
    vcpu.msr("PMINTENSET_EL1", CYCLES)
    vcpu.msr("PMOVSSET_EL0", CYCLES)
    return bool(pending(board, index))


def pending(board: Board, index: int) -> int:
    return board.slot(index).gic_cpu.redistributor.private.pending & 1 << PPI_PMU


def test_the_overflow_of_a_plugged_cpu_is_its_ppi_23(board: Board) -> None:
    board.plug(2, "c2")
    assert overflow(board, 2)
    assert not pending(board, 0)


def test_an_unplug_cuts_the_line_and_a_new_plug_begins_anew(board: Board) -> None:
    board.plug(2, "c2")
    overflow(board, 2)
    board.unplug("c2")
    assert not pending(board, 2)
    board.plug(2, "again")
    assert not pending(board, 2)
    assert board.vcpu(2).mrs("PMOVSSET_EL0") == 0
    assert overflow(board, 2)


def test_a_cpu_without_its_pmu_property_has_none(board: Board) -> None:
    board.add(2, "c2", pmu=False)
    board.settle()
    assert board.online() == [0, 2]
    with pytest.raises(UndefinedInstructionError):
        board.vcpu(2).mrs("PMCR_EL0")
    board.unplug("c2")
    board.plug(2, "again")
    assert overflow(board, 2)


def test_the_interrupt_reaches_the_cpu_that_has_it_enabled(board: Board) -> None:
    vcpu = board.vcpu()
    frame = board.slot(0).redistributor + 0x1_0000
    vcpu.store(frame + 0x100, 4, 1 << PPI_PMU)
    overflow(board, 0)
    assert vcpu.irq.level
    assert vcpu.mrs("ICC_IAR1_EL1") == PPI_PMU
    vcpu.msr("PMOVSCLR_EL0", CYCLES)
    vcpu.msr("ICC_EOIR1_EL1", PPI_PMU)
    assert not vcpu.irq.level


def test_a_reset_stops_the_counter_and_lowers_the_line(board: Board) -> None:
    overflow(board, 0)
    board.machine.system_reset()
    assert not pending(board, 0)
    assert board.vcpu().mrs("PMCR_EL0") == 0
    assert overflow(board, 0), "the line is still there"
