"""Intel's interpreter as a stranger: it executes our DSDT, on registers that are plain memory.

Its regions hold what was last written, and one byte throughout at first, of our choice. That is
enough: a fill of 0x2A has the bits of an insertion, 0x2C those of a removal, and a report with the
number of a CPU for its status leaves that number where the scan looks for it.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from machine.memmap import CPUHP, GED, GED_SPI, SPI_BASE
from tests.machine.acpi.reference import need_tool
from tests.machine.acpi.shapes import NUMA_SHAPES, SHAPES, Shape

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.acpica
every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)

SELECTOR, FLAGS, COMMAND, DATA = (CPUHP.base + at for at in (0, 4, 5, 8))
ENABLED, INSERTING, REMOVING, CPU_EVENT, PRESENT = 1, 2, 4, 8, 32
GSI = SPI_BASE + GED_SPI

_ACCESS = re.compile(r"SystemMemory (Read |Write): Val (\w+) Addr (\w+) BitWidth (\w+)")
_NOTIFY = re.compile(r"Received a \w+ Notify on \[(\w+)\] \w+ Value 0x(\w+)")
_INTEGER = re.compile(r"\[Integer\] = (\w+)")


@dataclass
class Outcome:
    """Of one evaluation: the integer it gave, and its accesses and notifications in their order."""

    value: int | None = None
    loads: list[tuple[int, int]] = field(default_factory=list)
    stores: list[tuple[int, int]] = field(default_factory=list)
    notified: list[tuple[str, int]] = field(default_factory=list)


def evaluate(folder: Path, shape: Shape, fill: int, *lines: str) -> list[Outcome]:
    """Evaluate each line in one namespace; nothing may be said against the table."""
    (folder / "DSDT.aml").write_bytes(shape.tables()["DSDT"])
    commands = "".join(f"evaluate {line}\n" for line in lines) + "quit\n"
    done = subprocess.run(
        [need_tool("acpiexec"), "-dr", "-di", "-dt", "-vr", "-fv", f"{fill:#x}", "DSDT.aml"],
        cwd=folder,
        input=commands,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-2000:]
    assert not re.search(r"ACPI (Error|Warning|BIOS)", said), said[-2000:]
    _, *told = re.split(r"^Evaluating \\", done.stdout, flags=re.MULTILINE)
    assert len(told) == len(lines)
    return [_outcome(text) for text in told]


def _outcome(text: str) -> Outcome:
    outcome = Outcome()
    for kind, value, address, width in _ACCESS.findall(text):
        told = outcome.stores if kind == "Write" else outcome.loads
        told.append((int(address, 16), int(value, 16) & (1 << int(width, 16)) - 1))
    outcome.notified = [(name, int(value, 16)) for name, value in _NOTIFY.findall(text)]
    if found := _INTEGER.search(text):
        outcome.value = int(found[1], 16)
    return outcome


def name(cpu: int) -> str:
    return f"C{cpu:03X}"


def path(cpu: int) -> str:
    return f"\\_SB.CPUS.{name(cpu)}"


@every_shape
@pytest.mark.parametrize(
    ("fill", "status"),
    [(0, 0), (PRESENT, 0xD), (PRESENT | ENABLED, 0xF), (ENABLED, 0)],
)
def test_the_status_is_that_of_the_flags(
    shape: Shape, tmp_path: Path, fill: int, status: int
) -> None:
    last = shape.cpus - 1
    by_device, by_method = evaluate(
        tmp_path, shape, fill, f"{path(last)}._STA", f"\\_SB.CPUS.CSTA {last}"
    )
    assert by_device.value == by_method.value == status
    assert by_device.stores == by_method.stores == [(SELECTOR, last)]
    assert {at for at, _ in by_device.loads} == {FLAGS}


@every_shape
def test_each_cpu_has_its_number(shape: Shape, tmp_path: Path) -> None:
    cpus = sorted({0, 1, 15, 16, 255, 256, shape.cpus // 2, shape.cpus - 1} & {*range(shape.cpus)})
    uids = evaluate(tmp_path, shape, 0, *(f"{path(cpu)}._UID" for cpu in cpus))
    assert [uid.value for uid in uids] == cpus


@every_shape
def test_a_report_stores_event_and_status(shape: Shape, tmp_path: Path) -> None:
    last = shape.cpus - 1
    (told,) = evaluate(tmp_path, shape, 0, f"{path(last)}._OST 3 0x84 (00)")
    assert told.stores == [
        (SELECTOR, last), (COMMAND, 1), (DATA, 3), (COMMAND, 2), (DATA, 0x84),
    ]  # fmt: skip
    assert told.loads == []


@every_shape
def test_an_eject_stores_its_bit_and_no_other(shape: Shape, tmp_path: Path) -> None:
    last = shape.cpus - 1
    how = f"{path(last)}._EJ0 1" if last else "\\_SB.CPUS.CEJ0 0"
    (ejected,) = evaluate(tmp_path, shape, 0xFF, how)
    assert ejected.stores == [(SELECTOR, last), (FLAGS, 8)]


@every_shape
def test_an_insertion_is_notified_and_acknowledged(shape: Shape, tmp_path: Path) -> None:
    last = shape.cpus - 1
    pending = f"\\_SB.CPUS.COST 0 0 {last:#x} 0"
    _, seen = evaluate(tmp_path, shape, 0x2A, pending, f"\\_SB.GED._EVT {GSI:#x}")
    assert seen.loads[0] == (GED.base, 0x2A2A_2A2A)
    assert sorted(seen.notified) == [(name(last), 1), ("PWRB", 0x80)]
    assert seen.stores[:2] == [(SELECTOR, 0), (COMMAND, 0)]
    assert seen.stores[-2:] == [(SELECTOR, last), (FLAGS, INSERTING)]


@every_shape
def test_a_removal_is_acknowledged_and_notified(shape: Shape, tmp_path: Path) -> None:
    last = shape.cpus - 1
    pending = f"\\_SB.CPUS.COST 0 0 {last:#x} 0"
    _, seen = evaluate(tmp_path, shape, 0x2C, pending, f"\\_SB.GED._EVT {GSI:#x}")
    assert seen.notified == [(name(last), 3)]
    assert seen.stores[:3] == [(SELECTOR, 0), (COMMAND, 0), (FLAGS, REMOVING)]


@every_shape
def test_a_scan_that_finds_nothing_notifies_nobody(shape: Shape, tmp_path: Path) -> None:
    _, seen = evaluate(
        tmp_path, shape, CPU_EVENT, "\\_SB.CPUS.COST 0 0 0 0", f"\\_SB.GED._EVT {GSI:#x}"
    )
    assert seen.notified == []
    assert all(store in {(SELECTOR, 0), (COMMAND, 0)} for store in seen.stores)


@every_shape
def test_an_event_of_another_kind_does_not_scan(shape: Shape, tmp_path: Path) -> None:
    (seen,) = evaluate(tmp_path, shape, 0x20, f"\\_SB.GED._EVT {GSI:#x}")
    assert seen.loads == [(GED.base, 0x2020_2020)]
    assert (seen.stores, seen.notified) == ([], [])


@pytest.mark.parametrize("shape", NUMA_SHAPES.values(), ids=NUMA_SHAPES)
def test_a_node_is_that_of_its_cpu(shape: Shape, tmp_path: Path) -> None:
    lines = [f"{path(cpu)}._PXM" for cpu in range(shape.cpus)]
    told = [told.value for told in evaluate(tmp_path, shape, 0, *lines)]
    assert shape.numa is not None
    assert told == list(shape.numa.cpus)
