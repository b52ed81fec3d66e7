"""Thousands of random and broken programs: each ends in a value or in an AmlError, and ends."""

from __future__ import annotations

import contextlib
from random import Random
from typing import TYPE_CHECKING

import pytest

from machine.acpi import aml
from machine.acpi.dsdt import dsdt
from machine.guest.aml import AmlError, Interpreter, Package
from machine.guest.aml.objects import Method
from tests.machine.acpi.reference import MACHINES, reference_table
from tests.machine.guest.aml.fakes import MemoryHost
from tests.machine.guest.aml.opcode_cases import CASES
from tests.machine.guest.aml.random_programs import DECLARATIONS, Grower, mutated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.aml import Value

STEPS = 20_000
REFERENCE = [reference_table(machine, "DSDT")[36:] for machine in MACHINES]


def seeded(seed: int) -> Random:
    """The same programs each time."""
    return Random(seed)  # noqa: S311 - nothing here is a secret


class DeafHost(MemoryHost):
    """Remembers memory, and nothing else."""

    def load(self, address: int, size: int) -> int:
        self.log.clear()
        return super().load(address, size)


def arguments(random: Random) -> Iterator[Value]:
    """One after the other, of all types."""
    while True:
        yield random.choice((0, 1, 3, 0xFFFF_FFFF_FFFF_FFFF, "a", "\\_SB", ""))
        yield random.choice((bytearray(b"abc"), bytearray(), Package([1, "x"]), 2))


def exercise(random: Random, body: bytes) -> int:
    """Load a table and evaluate all that it defines; how much of that had a value."""
    interpreter = Interpreter(DeafHost(), budget=STEPS)
    with contextlib.suppress(AmlError):
        interpreter.load_table(aml.table("DSDT", random.choice((1, 2, 2)), body))
    values = 0
    for node in list(interpreter.namespace.walk())[:60]:
        given = arguments(random)
        count = node.content.arg_count if isinstance(node.content, Method) else 0
        with contextlib.suppress(AmlError):
            interpreter.evaluate(node.path, *[next(given) for _ in range(count)])
            values += 1
    return values


@pytest.mark.parametrize("seed", range(8))
def test_programs_grown_from_the_opcodes_end_as_they_should(seed: int) -> None:
    random = seeded(seed)
    values = [exercise(random, Grower(random).program()) for _ in range(40)]
    assert sum(values) > 200, "most of what they define is there"


@pytest.mark.parametrize("seed", range(4))
def test_broken_programs_end_as_they_should(seed: int) -> None:
    random = seeded(seed)
    for _ in range(60):
        exercise(random, mutated(random, Grower(random).program()))


@pytest.mark.parametrize("seed", range(4))
def test_broken_methods_of_whole_tables_end_as_they_should(seed: int) -> None:
    """The lengths around the method are right, so that it is its body that is executed."""
    random = seeded(seed)
    for _ in range(60):
        bodies = b"".join([case.body for case in random.sample(list(CASES.values()), 3)])
        method = aml.method("M000", 7, mutated(random, bodies))
        exercise(random, b"".join([*DECLARATIONS, method]))


@pytest.mark.parametrize("seed", range(4))
def test_broken_tables_of_firmware_end_as_they_should(seed: int) -> None:
    random = seeded(seed)
    tables = [*REFERENCE, dsdt(6)[36:]]
    for _ in range(40):
        exercise(random, mutated(random, random.choice(tables)))


@pytest.mark.parametrize("body", [*REFERENCE, dsdt(6)[36:]], ids=[*MACHINES, "ours"])
def test_a_table_that_ends_anywhere_ends_as_it_should(body: bytes) -> None:
    random = seeded(0)
    for end in (*range(64), *range(64, len(body), max(1, len(body) // 100))):
        exercise(random, body[:end])
