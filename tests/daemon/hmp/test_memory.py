"""x, xp and print: layout as recorded, and what is behind the addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from daemon.hmp.memory import MOST_BYTES
from machine import memmap
from tests.daemon.hmp.recordings import monitor_of, paused, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.hmp.monitor import HumanMonitor
    from tests.box import Box

CONTENT, *DUMPS = recorded("dumps.jsonl")
_, *FORMATS = recorded("formats.jsonl")


@pytest.fixture(scope="module")
def machine() -> Iterator[Box]:
    """A machine whose RAM begins as that of the recording."""
    box = paused()
    box.machine.ram.write_bytes(CONTENT["base"], bytes.fromhex(CONTENT["memory"]))
    yield box
    box.close()


def name_of(row: dict[str, Any]) -> str:
    return ascii(row["line"])


@pytest.mark.parametrize("row", DUMPS, ids=name_of)
def test_memory_is_printed_as_recorded(machine: Box, row: dict[str, Any]) -> None:
    assert monitor_of(machine).execute(row["line"]) == row["output"]


def test_what_a_format_leaves_out_is_as_it_was_before(machine: Box) -> None:
    monitor = monitor_of(machine)
    for row in FORMATS:
        assert monitor.execute(row["line"]) == row["output"], row["line"]


def test_a_new_monitor_begins_with_hexadecimal_words(machine: Box) -> None:
    monitor_of(machine).execute("x /cb 0x40000000")
    assert monitor_of(machine).execute("x 0x40000000") == "0000000040000000: 0xedfe0dd0\r\n"


def test_there_is_no_disassembler(monitor: HumanMonitor) -> None:
    assert monitor.execute("x /3i 0x40000000") == (
        "0x40000000: Asm output not supported on this arch\r\n"
    )


def test_what_the_guest_stored_is_seen(box: Box, monitor: HumanMonitor) -> None:
    box.machine.ram.store(memmap.RAM_BASE + 0x100, 8, 0x1122_3344_5566_7788)
    assert monitor.execute("xp /xg 0x40000100") == "0000000040000100: 0x1122334455667788\r\n"


def test_a_devices_registers_are_read_as_the_guest_reads_them(
    box: Box, monitor: HumanMonitor
) -> None:
    assert box.machine.cpuhp is not None
    before = box.machine.bus.unassigned
    box.machine.bus.write(memmap.CPUHP.base, 4, 1)
    flags = box.machine.bus.read(memmap.CPUHP.base + 4, 1)
    assert monitor.execute(f"xp /xb {memmap.CPUHP.base + 4:#x}") == (
        f"{memmap.CPUHP.base + 4:016x}: 0x{flags:02x}\r\n"
    )
    assert flags & 1
    assert box.machine.bus.unassigned == before


def test_nothing_behind_a_devices_end_is_read(box: Box, monitor: HumanMonitor) -> None:
    at = memmap.GED.base
    assert monitor.execute(f"xp /2xw {at:#x}") == f"{at:016x}: Cannot access memory\r\n"
    assert box.machine.bus.unassigned == 0


def test_one_command_prints_only_so_much(monitor: HumanMonitor) -> None:
    printed = monitor.execute("x /999999999xb 0x40000000")
    assert printed.count("\r\n") == MOST_BYTES // 8 + 1
    assert printed.endswith(f"Error: more than {MOST_BYTES} bytes cannot be printed at once\r\n")


def test_a_dump_may_begin_at_the_very_end_of_all_addresses(monitor: HumanMonitor) -> None:
    assert monitor.execute("xp /2xg 0xfffffffffffffff8") == (
        "fffffffffffffff8: Cannot access memory\r\n"
    )


@pytest.mark.parametrize("expression", ["(" * 5000, "-" * 5000, "1" * 5000, "1+" * 5000])
def test_an_endless_expression_is_refused(monitor: HumanMonitor, expression: str) -> None:
    printed = monitor.execute(f"print {expression}")
    assert printed.endswith('Try "help print" for more information\r\n')


def test_brackets_nest_as_deep_as_anyone_needs(monitor: HumanMonitor) -> None:
    assert monitor.execute(f"p /d {'(' * 64}7{')' * 64}") == "7\r\n"
    assert monitor.execute(f"p {'(' * 65}7{')' * 65}").startswith("expression nested too deep")
