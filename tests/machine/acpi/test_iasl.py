"""Intel's compiler as a stranger: it reads every table, and compiles what it read to the same."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.machine.acpi.reference import need_tool
from tests.machine.acpi.shapes import SHAPES, Shape

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.acpica

CHECKSUM, COMPILER = 9, slice(28, 36)
GICC, ONLINE_CAPABLE = 0x0B, 8
"""A flag of ACPI 6.5, which an iasl of before 2022 does not know, and leaves out."""
REMARKS = ("Creation of named objects within a method", "Method Argument is never used")
"""What iasl says of the methods CSCN and COST, whose bytes are the reference's."""


def iasl(folder: Path, *arguments: str) -> str:
    """What it says; it must succeed."""
    command = [need_tool("iasl"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def comparable(table: bytes) -> bytes:
    """A table without what tells who has compiled it, and when."""
    blank = bytearray(table)
    blank[CHECKSUM] = 0
    blank[COMPILER] = bytes(8)
    at = 44
    while table[:4] == b"APIC" and at < len(table):
        if table[at] == GICC:
            blank[at + 12] &= ~ONLINE_CAPABLE
        at += table[at + 1]
    return bytes(blank)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_table_is_read_and_compiled_to_the_same_without_a_complaint(
    shape: Shape, tmp_path: Path
) -> None:
    for signature, table in shape.tables().items():
        if signature == "RSDP":  # it has no table's header, and iasl wants one
            continue
        (tmp_path / f"{signature}.aml").write_bytes(table)
        said = iasl(tmp_path, "-d", f"{signature}.aml")
        assert not re.search("error|warning|invalid", said, re.IGNORECASE), said
        source = (tmp_path / f"{signature}.dsl").read_text()
        assert not re.search(r"invalid|incorrect|unknown", source, re.IGNORECASE), source[:2000]
        said = iasl(tmp_path, "-oa", "-p", "again", f"{signature}.dsl")
        assert "0 Errors, 0 Warnings" in said, said
        remarks = [line for line in said.splitlines() if line.startswith("Remark")]
        assert all(any(known in line for known in REMARKS) for line in remarks), said
        assert comparable((tmp_path / "again.aml").read_bytes()) == comparable(table), signature
