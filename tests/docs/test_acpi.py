"""docs/acpi.md: every table and every method is described, and no other."""

from __future__ import annotations

import re
import shlex

import pytest

from daemon.options.table import parse
from machine.guest.aml.interpreter import Interpreter
from tests.docs.pages import ROOT, Block, blocks, codes, read, rows, section
from tests.machine.acpi.shapes import SHAPES
from tests.machine.guest.aml.fakes import MemoryHost

PAGE = read("docs/acpi.md")
TABLES = {row[0].strip("`"): row for row in rows(section(PAGE, "The tables")) if len(row) == 5}
NAMESPACE = [row for row in rows(section(PAGE, "The namespace")) if len(row) == 2]
DATA = re.compile(r"_HID|_UID|_CID|_CRS|EREG|ESEL|C00\d")
"""Names of objects that are no methods."""


def test_every_table_is_described_in_the_order_of_the_xsdt() -> None:
    published = SHAPES["far"].tables()
    listed = [each for each in published if each not in {"RSDP", "XSDT", "DSDT"}]
    assert list(TABLES) == ["RSDP", "XSDT", *listed, "DSDT"]


@pytest.mark.parametrize("signature", TABLES)
def test_a_tables_revision_is_as_described(signature: str) -> None:
    table = SHAPES["far"].tables()[signature]
    assert table[15 if signature == "RSDP" else 8] == int(TABLES[signature][1])


@pytest.mark.parametrize("signature", TABLES)
def test_a_tables_files_are_about_it(signature: str) -> None:
    _, _, _, built, read_by = TABLES[signature]
    assert f'"{signature}"' in read(*codes(built)) or signature == "RSDP"
    assert all((ROOT / file).exists() for file in codes(read_by))


@pytest.fixture(scope="module")
def namespace() -> Interpreter:
    """Our own DSDT's, of two CPUs and all devices, as the guest's interpreter has it."""
    interpreter = Interpreter(MemoryHost())
    interpreter.load_table(SHAPES["panic device"].tables()["DSDT"])
    return interpreter


def test_what_is_described_is_there(namespace: Interpreter) -> None:
    assert all(namespace.exists(code) for row in NAMESPACE for code in codes(row[0]))


def test_every_device_is_described(namespace: Interpreter) -> None:
    described = {code for row in NAMESPACE for code in codes(row[0])}
    assert set(namespace.devices()) - {"\\_SB.CPUS.C001"} <= described


def test_every_method_is_described(namespace: Interpreter) -> None:
    described = {code for row in NAMESPACE for code in codes(row[0])}
    for device in ("\\_SB.GED", "\\_SB.CPUS", "\\_SB.CPUS.C000"):
        children = set(namespace.children(device))
        assert {path for path in children if not DATA.fullmatch(path[-4:])} <= described


@pytest.mark.parametrize("block", blocks(PAGE, "sh"), ids=["look"])
def test_the_example_is_a_command_line_that_is_read(block: Block) -> None:
    dump, decompile = (shlex.split(line) for line in block.text.splitlines())
    assert parse(dump[1:]).dump_acpi == "tables"
    assert decompile == ["iasl", "-d", "tables/DSDT.aml"]
