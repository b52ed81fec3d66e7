"""Random trees of operators: compiled by us, computed by Python, by us, and by acpiexec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.acpi import aml
from machine.guest.aml import AmlError, Interpreter
from tests.machine.guest.aml import acpiexec
from tests.machine.guest.aml.fakes import MemoryHost

if TYPE_CHECKING:
    from pathlib import Path

MASK = 0xFFFF_FFFF_FFFF_FFFF


def truth(value: object) -> int:
    return MASK if value else 0


Model = Callable[[int, int], int]
BINARY: dict[str, tuple[Callable[[bytes, bytes], bytes], Model]] = {
    "add": (aml.add, lambda a, b: a + b),
    "subtract": (aml.subtract, lambda a, b: a - b),
    "multiply": (aml.multiply, lambda a, b: a * b),
    "divide": (aml.divide, lambda a, b: a // b),
    "mod": (aml.mod, lambda a, b: a % b),
    "and": (aml.and_, lambda a, b: a & b),
    "nand": (aml.nand, lambda a, b: ~(a & b)),
    "or": (aml.or_, lambda a, b: a | b),
    "nor": (aml.nor, lambda a, b: ~(a | b)),
    "xor": (aml.xor, lambda a, b: a ^ b),
    "shift_left": (aml.shift_left, lambda a, b: a << b if b < 64 else 0),
    "shift_right": (aml.shift_right, lambda a, b: a >> b if b < 64 else 0),
    "land": (aml.land, lambda a, b: truth(a and b)),
    "lor": (aml.lor, lambda a, b: truth(a or b)),
    "lequal": (aml.lequal, lambda a, b: truth(a == b)),
    "lnotequal": (aml.lnotequal, lambda a, b: truth(a != b)),
    "lgreater": (aml.lgreater, lambda a, b: truth(a > b)),
    "lless": (aml.lless, lambda a, b: truth(a < b)),
    "lgreaterequal": (aml.lgreaterequal, lambda a, b: truth(a >= b)),
    "llessequal": (aml.llessequal, lambda a, b: truth(a <= b)),
}
UNARY: dict[str, tuple[Callable[[bytes], bytes], Callable[[int], int]]] = {
    "not": (aml.not_, lambda a: ~a),
    "lnot": (aml.lnot, lambda a: truth(not a)),
    "left_bit": (aml.find_set_left_bit, int.bit_length),
    "right_bit": (aml.find_set_right_bit, lambda a: (a & -a).bit_length()),
}


@dataclass(frozen=True)
class Tree:
    """An expression: its AML, and its value, or None where it divides by zero."""

    code: bytes
    value: int | None


def leaf(value: int) -> Tree:
    return Tree(aml.integer(value), value)


def binary(name: str, left: Tree, right: Tree) -> Tree:
    build, model = BINARY[name]
    code = build(left.code, right.code)
    if left.value is None or right.value is None:
        return Tree(code, None)
    if name in {"divide", "mod"} and not right.value:
        return Tree(code, None)
    return Tree(code, model(left.value, right.value) & MASK)


def unary(name: str, operand: Tree) -> Tree:
    build, model = UNARY[name]
    value = None if operand.value is None else model(operand.value) & MASK
    return Tree(build(operand.code), value)


NUMBERS = st.one_of(
    st.integers(0, 70), st.integers(0, MASK), st.sampled_from([MASK, MASK - 1, 1 << 63, 1 << 32])
)
TREES = st.recursive(
    NUMBERS.map(leaf),
    lambda inner: st.one_of(
        st.builds(binary, st.sampled_from(sorted(BINARY)), inner, inner),
        st.builds(unary, st.sampled_from(sorted(UNARY)), inner),
    ),
    max_leaves=20,
)


def table_of(trees: list[Tree]) -> bytes:
    methods = [aml.method(f"T{at:03d}", 0, aml.return_(tree.code)) for at, tree in enumerate(trees)]
    return aml.definition_block("DSDT", 2, *methods)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_an_expression_has_the_value_that_python_computes(tree: Tree) -> None:
    interpreter = Interpreter(MemoryHost())
    interpreter.load_table(table_of([tree]))
    if tree.value is None:
        with pytest.raises(AmlError):
            interpreter.evaluate("T000")
    else:
        assert interpreter.evaluate("T000") == tree.value
        assert interpreter.evaluate("T000") == tree.value, "the second time, from the closures"


@pytest.mark.acpica
@settings(max_examples=3, deadline=None)
@given(st.lists(TREES, min_size=60, max_size=120))
def test_expressions_have_the_values_that_acpiexec_computes(
    tmp_path_factory: pytest.TempPathFactory, trees: list[Tree]
) -> None:
    folder: Path = tmp_path_factory.mktemp("trees")
    theirs = acpiexec.run(folder, table_of(trees), [f"T{at:03d}" for at in range(len(trees))])
    found = [theirs[f"T{at:03d}"] for at in range(len(trees))]
    assert [outcome.value for outcome in found] == [tree.value for tree in trees]
    assert [bool(outcome.error) for outcome in found] == [tree.value is None for tree in trees]
