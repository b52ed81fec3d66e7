"""The CPU hot-plug registers, one by one, and the AML that drives them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.acpi import cpu_hotplug_aml, ged
from machine.acpi.aml import integer
from machine.acpi.cpu_hotplug import (
    CPU_ID,
    EJECT,
    ENABLED,
    FW_REMOVE,
    INSERTING,
    NEXT_WITH_EVENT,
    OST_EVENT,
    OST_STATUS,
    PRESENT,
    REMOVING,
    CpuHotplug,
)
from machine.clock import VirtualClock
from machine.memmap import CPUHP, GED
from machine.topology import mpidr_affinity
from machine.trace import Trace, TracePoint
from tests.machine.acpi.reference import reference_table

SELECTOR, FLAGS, COMMAND, DATA = 0x0, 0x4, 0x5, 0x8
DATA_2 = 0x0


class Block:
    """The registers of some CPUs, with somebody at every end."""

    def __init__(self, arch_ids: list[int] | None = None, enabled: int = 2) -> None:
        self.ejected: list[int] = []
        self.reports: list[tuple[int, int, int]] = []
        self.events = 0
        self.trace = Trace(VirtualClock())
        self.device = CpuHotplug(
            arch_ids or [mpidr_affinity(n) for n in range(6)],
            on_eject=self.ejected.append,
            on_ost=lambda *report: self.reports.append(report),
            raise_event=self._count,
            trace=self.trace,
        )
        for n in range(enabled):
            self.device.set_enabled(n, enabled=True)

    def _count(self) -> None:
        self.events += 1

    def select(self, n: int) -> None:
        self.device.write(SELECTOR, 4, n)

    def flags(self, n: int) -> int:
        self.select(n)
        return self.device.read(FLAGS, 1)

    def act(self, n: int, bits: int) -> None:
        self.select(n)
        self.device.write(FLAGS, 1, bits)

    def next_from(self, n: int) -> int:
        """Select a CPU, and ask for the next with an event."""
        self.select(n)
        self.device.write(COMMAND, 1, NEXT_WITH_EVENT)
        return self.device.read(DATA, 4)

    def report(self, n: int, event: int, status: int) -> None:
        self.select(n)
        self.device.write(COMMAND, 1, OST_EVENT)
        self.device.write(DATA, 4, event)
        self.device.write(COMMAND, 1, OST_STATUS)
        self.device.write(DATA, 4, status)


@pytest.fixture
def block() -> Block:
    return Block()


# Flags, as they are read


def test_every_possible_cpu_is_present_and_those_that_are_there_enabled(block: Block) -> None:
    assert [block.flags(n) for n in range(6)] == [PRESENT | ENABLED] * 2 + [PRESENT] * 4


def test_the_flags_have_the_documented_places() -> None:
    assert (ENABLED, INSERTING, REMOVING, EJECT, FW_REMOVE, PRESENT) == (1, 2, 4, 8, 16, 32)


def test_each_flag_is_read_at_its_bit(block: Block) -> None:
    block.device.set_enabled(2, enabled=True)
    block.device.request_insert(2)
    assert block.flags(2) == PRESENT | ENABLED | INSERTING
    block.device.request_remove(2)
    assert block.flags(2) == PRESENT | ENABLED | INSERTING | REMOVING
    block.act(2, FW_REMOVE)
    assert block.flags(2) == PRESENT | ENABLED | INSERTING | REMOVING | FW_REMOVE


def test_a_cpu_that_has_gone_is_still_present(block: Block) -> None:
    block.device.set_enabled(1, enabled=False)
    assert block.flags(1) == PRESENT


def test_each_request_raises_an_event(block: Block) -> None:
    block.device.request_insert(2)
    block.device.request_remove(3)
    block.device.request_remove(3)
    assert block.events == 3
    assert block.device.pending == {2, 3}


# Flags, as they are written


def test_bit_1_acknowledges_the_insertion(block: Block) -> None:
    block.device.request_insert(2)
    block.act(2, INSERTING)
    assert block.flags(2) == PRESENT
    assert block.device.pending == frozenset()
    assert block.events == 1


def test_bit_2_acknowledges_the_removal(block: Block) -> None:
    block.device.request_remove(1)
    block.act(1, REMOVING)
    assert block.flags(1) == PRESENT | ENABLED
    assert block.device.pending == frozenset()


def test_bit_3_ejects(block: Block) -> None:
    block.act(3, EJECT)
    assert block.ejected == [3]


def test_an_eject_needs_no_request_and_acknowledges_none(block: Block) -> None:
    block.device.request_remove(1)
    block.act(1, EJECT)
    assert block.flags(1) & REMOVING
    assert block.ejected == [1]


def test_bit_4_hands_the_removal_to_firmware_which_the_scan_then_finds(block: Block) -> None:
    block.act(1, FW_REMOVE)
    assert block.flags(1) & FW_REMOVE
    assert block.next_from(0) == 1


def test_an_empty_slot_is_not_handed_to_firmware(block: Block) -> None:
    block.act(4, FW_REMOVE)
    assert block.flags(4) == PRESENT


ACTIONS = (INSERTING, REMOVING, EJECT, FW_REMOVE)


@given(st.sets(st.sampled_from(range(8))))
def test_a_write_does_one_action_the_first_whose_bit_is_set(bits: set[int]) -> None:
    block = Block()
    block.device.request_insert(1)
    block.device.request_remove(1)
    before = block.flags(1)
    block.act(1, sum(1 << bit for bit in bits))
    after = block.flags(1)
    first = next((action for action in ACTIONS if action.bit_length() - 1 in bits), 0)
    changed = {INSERTING: INSERTING, REMOVING: REMOVING, FW_REMOVE: FW_REMOVE}.get(first, 0)
    assert before ^ after == changed
    assert block.ejected == ([1] if first == EJECT else [])


@pytest.mark.parametrize("bits", [0, ENABLED, PRESENT, 0xC1])
def test_bits_that_are_no_action_do_nothing(block: Block, bits: int) -> None:
    block.device.request_remove(1)
    before = block.flags(1)
    block.act(1, bits)
    assert block.flags(1) == before
    assert block.ejected == []


def test_a_removal_behind_an_insertion_raises_an_event_of_its_own(block: Block) -> None:
    block.device.request_insert(2)
    block.device.request_remove(2)
    assert block.events == 2
    block.act(2, INSERTING)
    assert block.events == 3
    assert block.flags(2) == PRESENT | REMOVING
    assert block.device.pending == {2}
    block.act(2, REMOVING)
    assert block.events == 3
    assert block.device.pending == frozenset()


def test_acknowledging_no_insertion_raises_nothing(block: Block) -> None:
    block.device.request_remove(2)
    block.act(2, INSERTING)
    assert block.events == 1


def test_requests_can_be_dropped(block: Block) -> None:
    block.device.request_insert(2)
    block.device.request_remove(2)
    block.device.cancel(2)
    assert block.flags(2) == PRESENT
    assert block.device.pending == frozenset()


# Commands


def test_command_0_finds_the_selected_cpu_itself_first(block: Block) -> None:
    block.device.request_remove(3)
    block.device.request_remove(4)
    assert block.next_from(3) == 3


def test_command_0_goes_on_from_the_selected_cpu_and_around(block: Block) -> None:
    for n in (1, 4):
        block.device.request_insert(n)
    assert [block.next_from(n) for n in range(6)] == [1, 1, 4, 4, 4, 1]


def test_command_0_moves_the_selector(block: Block) -> None:
    block.device.request_insert(4)
    block.next_from(0)
    assert block.device.read(FLAGS, 1) == PRESENT | INSERTING


def test_command_0_stays_where_no_cpu_has_an_event(block: Block) -> None:
    assert [block.next_from(n) for n in range(6)] == list(range(6))


@given(st.sets(st.integers(0, 5)), st.integers(0, 5))
def test_command_0_is_a_cyclic_scan(pending: set[int], start: int) -> None:
    block = Block()
    for n in pending:
        block.device.request_insert(n)
    around = [(start + n) % 6 for n in range(6)]
    assert block.next_from(start) == next((n for n in around if n in pending), start)


def test_command_3_gives_the_arch_id_in_two_halves() -> None:
    block = Block([0, 0x12_0003_0201])
    block.select(1)
    block.device.write(COMMAND, 1, CPU_ID)
    assert block.device.read(DATA, 4) == 0x0003_0201
    assert block.device.read(DATA_2, 4) == 0x12


@pytest.mark.parametrize("command", [NEXT_WITH_EVENT, OST_EVENT, OST_STATUS])
def test_command_data_2_is_zero_but_for_command_3(command: int) -> None:
    block = Block([0, 0x12_0003_0201])
    block.select(1)
    block.device.write(COMMAND, 1, command)
    assert block.device.read(DATA_2, 4) == 0


@pytest.mark.parametrize("command", [OST_EVENT, OST_STATUS])
def test_command_data_is_zero_where_a_command_has_none(block: Block, command: int) -> None:
    block.select(3)
    block.device.write(COMMAND, 1, command)
    assert block.device.read(DATA, 4) == 0


@pytest.mark.parametrize("command", [4, 5, 0x80, 0xFF])
def test_a_command_that_there_is_not_is_ignored(block: Block, command: int) -> None:
    block.select(2)
    block.device.write(COMMAND, 1, CPU_ID)
    block.device.write(COMMAND, 1, command)
    assert block.device.command == CPU_ID
    assert block.device.read(DATA, 4) == 2


def test_the_command_register_reads_as_zero(block: Block) -> None:
    block.device.write(COMMAND, 1, CPU_ID)
    assert block.device.read(COMMAND, 1) == 0


def test_a_report_is_made_by_the_status_and_carries_the_event_before_it(block: Block) -> None:
    block.select(2)
    block.device.write(COMMAND, 1, OST_EVENT)
    block.device.write(DATA, 4, 3)
    assert block.reports == []
    block.device.write(COMMAND, 1, OST_STATUS)
    block.device.write(DATA, 4, 0x84)
    assert block.reports == [(2, 3, 0x84)]
    block.device.write(DATA, 4, 0)
    assert block.reports == [(2, 3, 0x84), (2, 3, 0)]
    assert (block.device.cpus[2].ost_event, block.device.cpus[2].ost_status) == (3, 0)


def test_each_cpu_keeps_its_own_report(block: Block) -> None:
    block.report(1, 3, 0x82)
    block.report(4, 1, 0)
    assert [(cpu.ost_event, cpu.ost_status) for cpu in block.device.cpus] == [
        (0, 0),
        (3, 0x82),
        (0, 0),
        (0, 0),
        (1, 0),
        (0, 0),
    ]


@pytest.mark.parametrize("command", [NEXT_WITH_EVENT, CPU_ID])
def test_data_written_for_a_command_that_takes_none_is_ignored(block: Block, command: int) -> None:
    block.select(2)
    block.device.write(COMMAND, 1, command)
    block.device.write(DATA, 4, 7)
    assert block.reports == []
    assert block.device.cpus[2].ost_event == 0


def test_a_report_can_be_traced(block: Block) -> None:
    points: list[TracePoint] = []
    block.trace.listen(points.append)
    block.report(2, 3, 0x84)
    assert ("cpuhp_acpi_write_ost", {"slot": 2, "event": 3, "status": 0x84}) in [
        (point.name, point.fields) for point in points
    ]


# A selector that means no CPU


@pytest.mark.parametrize("selector", [6, 100, 0xFFFF_FFFF])
def test_out_of_range_everything_reads_zero(block: Block, selector: int) -> None:
    block.device.write(COMMAND, 1, CPU_ID)
    block.select(selector)
    assert [block.device.read(at, size) for at, size in ((0, 4), (4, 1), (5, 1), (8, 4))] == [0] * 4


@pytest.mark.parametrize("selector", [6, 100, 0xFFFF_FFFF])
def test_out_of_range_only_the_selector_is_written(block: Block, selector: int) -> None:
    block.device.request_insert(0)
    block.select(selector)
    block.device.write(COMMAND, 1, OST_STATUS)
    block.device.write(DATA, 4, 1)
    block.device.write(FLAGS, 1, EJECT)
    block.device.write(COMMAND, 1, NEXT_WITH_EVENT)
    assert (block.device.command, block.device.selector) == (0, selector)
    assert (block.reports, block.ejected) == ([], [])
    assert block.flags(0) == PRESENT | ENABLED | INSERTING


# Widths, and what lasts


def test_the_selector_and_the_data_can_be_accessed_by_bytes(block: Block) -> None:
    block.device.write(SELECTOR, 1, 3)
    assert block.device.selector == 3
    assert block.device.read(DATA, 1) == 3
    assert [block.device.read(DATA + n, 1) for n in (1, 2, 3)] == [0, 0, 0]
    block.device.write(COMMAND, 1, OST_STATUS)
    block.device.write(DATA, 1, 0x82)
    assert block.reports == [(3, 0, 0x82)]


def test_flags_can_be_read_with_a_wider_access(block: Block) -> None:
    block.select(0)
    assert block.device.read(FLAGS, 4) == block.device.read(FLAGS, 2) == PRESENT | ENABLED


def test_a_reset_changes_no_register(block: Block) -> None:
    block.report(4, 1, 0)
    block.device.request_remove(1)
    block.device.reset()
    assert (block.device.selector, block.device.command) == (4, OST_STATUS)
    assert block.device.cpus[4].ost_event == 1
    assert block.device.pending == {1}


def test_the_registers_are_12_bytes() -> None:
    ends = [register.offset + register.size for register in CpuHotplug.registers]
    assert max(ends) == CPUHP.size == 12


# AML


NODES = (0, 0, 0, 1, 1, 1)


@pytest.mark.parametrize(
    ("machine", "cpus", "nodes"), [("flat", 6, ()), ("topo", 16, ()), ("numa", 6, NODES)]
)
def test_the_aml_is_the_references_byte_for_byte(
    machine: str, cpus: int, nodes: tuple[int, ...]
) -> None:
    device = ged.describe(GED.base, GED.size, 41)
    hotplug = cpu_hotplug_aml.describe(CPUHP.base, CPUHP.size, cpus, ged.PATH, nodes)
    dsdt = reference_table(machine, "DSDT")
    assert device + hotplug in dsdt
    assert hotplug[hotplug.rindex(b"\\/\x03_SB_GED_CSCN") - 2 :].startswith(b"\x14")
    assert dsdt.endswith(ged.describe_power_button())


def test_only_the_boot_cpu_has_no_ej0() -> None:
    aml = cpu_hotplug_aml.describe(CPUHP.base, CPUHP.size, 6, ged.PATH)
    starts = [aml.rindex(f"C{n:03X}".encode() + b"\x08_HID") for n in range(6)]
    ends = [b for _, b in pairwise([*starts, len(aml)])]
    has = [b"_EJ0" in aml[start:end] for start, end in zip(starts, ends, strict=True)]
    assert has == [False, True, True, True, True, True]


@pytest.mark.parametrize("nodes", [(), tuple(cpu % 128 for cpu in range(4096))])
def test_what_is_filled_in_for_a_cpu_is_what_compiling_it_alone_gives(
    nodes: tuple[int, ...],
) -> None:
    """4096 CPUs: numbers of one, two and three bytes; QEMU has 128 nodes at most."""
    compiled = list(
        cpu_hotplug_aml._for_each(range(1, 4096), cpu_hotplug_aml._later_cpu, nodes),
    )
    for index, filled in enumerate(compiled, 1):
        node = nodes[index] if nodes else None
        alone = cpu_hotplug_aml._later_cpu(f"C{index:03X}", integer(index), node)
        assert filled == alone
