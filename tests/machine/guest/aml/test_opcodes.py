"""Every opcode of the standard has a case, and every case has its value, here and in acpiexec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.acpi import aml
from machine.guest.aml import AmlError, Interpreter, Value
from machine.guest.aml.opcodes import OPCODES
from tests.machine.guest.aml import acpiexec
from tests.machine.guest.aml.fakes import MemoryHost
from tests.machine.guest.aml.opcode_cases import (
    CASES,
    DECLARATIONS,
    OTHER_SSDT,
    SPECIFICATION,
    Case,
    Expected,
)

if TYPE_CHECKING:
    from pathlib import Path

SPECIFIED = dict(zip(SPECIFICATION.split()[::2], SPECIFICATION.split()[1::2], strict=True))
METHODS = {code: f"T{at:03d}" for at, code in enumerate(CASES)}
LEADS = {"00", "01", "FF", "0A", "0B", "0C", "0D", "0E", "2E", "2F", "5C", "5E", "5B30", "5B31"}
LEADS |= {f"{code:02X}" for code in (*range(0x41, 0x5B), 0x5F, *range(0x60, 0x6F))}
"""What is no operator: constants, names, locals, arguments, Debug."""


def test_every_opcode_of_the_standard_has_a_case() -> None:
    assert set(CASES) == set(SPECIFIED)


def test_the_interpreter_knows_the_opcodes_of_the_standard_and_no_other() -> None:
    operators = set(SPECIFIED) - LEADS - {"A1", "9293", "9294", "9295"}  # Else; LNot and another
    assert operators == {f"{code:02X}" for code in OPCODES}
    assert {code: SPECIFIED[code] for code in operators} == {
        f"{code:02X}": opcode.name for code, opcode in OPCODES.items()
    }


@pytest.mark.parametrize("code", CASES)
def test_a_case_contains_its_opcode(code: str) -> None:
    case = CASES[code]
    assert case.term.startswith(bytes.fromhex(code))
    assert case.term in case.body


def method(code: str, case: Case) -> bytes:
    return aml.method(METHODS[code], 0, case.body)


def loaded(*methods: bytes) -> Interpreter:
    host = MemoryHost()
    dsdt = aml.definition_block("DSDT", 2, *DECLARATIONS, *methods)
    host.tables["DSDT", "", ""] = host.place(0x10_0000, dsdt)
    host.tables["SSDT", "", ""] = host.place(0x20_0000, OTHER_SSDT)
    interpreter = Interpreter(host)
    interpreter.load_table(dsdt)
    return interpreter


def outcome(interpreter: Interpreter, code: str) -> Expected:
    try:
        return printed(interpreter.evaluate(f"\\{METHODS[code]}"))
    except AmlError:
        return Exception


def printed(value: Value) -> Expected:
    if isinstance(value, list):
        return [printed(element) for element in value]
    assert isinstance(value, int | str | bytearray)
    return bytes(value) if isinstance(value, bytearray) else value


@pytest.mark.parametrize("code", CASES)
def test_an_opcode_yields_its_value(code: str) -> None:
    assert outcome(loaded(method(code, CASES[code])), code) == CASES[code].expected


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, acpiexec.Outcome]:
    folder: Path = tmp_path_factory.mktemp("opcodes")
    cases = {code: case for code, case in CASES.items() if not case.stranger}
    methods = [method(code, case) for code, case in cases.items()]
    table = aml.definition_block("DSDT", 2, *DECLARATIONS, *methods)
    return acpiexec.run(folder, table, [METHODS[code] for code in cases])


@pytest.mark.acpica
@pytest.mark.parametrize("code", [code for code in CASES if not CASES[code].stranger])
def test_an_opcode_yields_its_value_in_acpiexec(
    theirs: dict[str, acpiexec.Outcome], code: str
) -> None:
    found = theirs[METHODS[code]]
    value = Exception if found.error else found.value
    assert value == CASES[code].expected, found
