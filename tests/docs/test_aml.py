"""docs/aml.md: its operators are the interpreter's, its limits what is enforced."""

from __future__ import annotations

from machine.acpi.dsdt import dsdt
from machine.guest.aml import budget
from machine.guest.aml.context import MAX_DEPTH
from machine.guest.aml.decode import MAX_NESTING
from machine.guest.aml.op_sync import MAX_SLEEP, MAX_STALL
from machine.guest.aml.opcodes import OPCODES
from tests.docs.pages import codes, read, rows, section

PAGE = read("docs/aml.md")


def test_every_operator_is_in_one_group() -> None:
    named = [name for row in rows(section(PAGE, "What is covered")) for name in codes(row[1])]
    assert sorted(named) == sorted(opcode.name for opcode in OPCODES.values())


def test_every_limit_has_its_value() -> None:
    documented = {codes(row[0])[0]: int(row[1]) for row in rows(section(PAGE, "Limits"))}
    declared = {name: value for name, value in vars(budget).items() if name.isupper()}
    assert documented == {k: v for k, v in declared.items() if not k.startswith("_")}


def test_the_limits_in_the_text_are_enforced() -> None:
    text = " ".join(section(PAGE, "Limits").split())
    assert f"Calls nest {MAX_DEPTH} deep, terms in a statement {MAX_NESTING}" in text
    assert f"`Stall` takes {MAX_STALL} microseconds at most" in text
    assert MAX_SLEEP == 2000
    assert round(len(dsdt(4096)), -4) == 370_000
