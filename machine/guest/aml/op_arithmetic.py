"""Operators on integers, and comparisons (ACPI 6.5 §20.2.5.4).

Integers are kept between 0 and ``context.mask``; True is Ones. A logical operator evaluates
both of its operands.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from machine.guest.aml import convert
from machine.guest.aml.errors import DivideByZeroError, OperandTypeError
from machine.guest.aml.values import Value, cost, type_name

if TYPE_CHECKING:
    from machine.guest.aml.access import Builders, Place, Run, Term, Writer
    from machine.guest.aml.context import Context, Frame

MAX_SHIFT: Final = 64
Binary = Callable[[int, int], int]


def _store_result(target: Writer | None, run: Run) -> Run:
    if target is None:
        return run

    def run_and_store(frame: Frame) -> Value:
        value: Value = run(frame)
        target(frame, value)
        return value

    return run_and_store


def _binary(function: Binary, context: Context, left: Run, right: Run, to: Writer | None) -> Run:
    mask = context.mask

    def run(frame: Frame) -> int:
        return function(left(frame), right(frame)) & mask

    return _store_result(to, run)


def _unary(
    function: Callable[[int, int], int], context: Context, value: Run, to: Writer | None
) -> Run:
    mask = context.mask
    return _store_result(to, lambda frame: function(value(frame), mask) & mask)


def _shift_left(value: int, count: int) -> int:
    return value << count if count < MAX_SHIFT else 0


def _shift_right(value: int, count: int) -> int:
    return value >> count if count < MAX_SHIFT else 0


def _nand(left: int, right: int) -> int:
    return ~(left & right)


def _nor(left: int, right: int) -> int:
    return ~(left | right)


def _mod(left: int, right: int) -> int:
    if not right:
        raise DivideByZeroError("Mod by zero")
    return left % right


def _invert(value: int, mask: int) -> int:
    return value ^ mask


def _left_bit(value: int, _mask: int) -> int:
    return value.bit_length()


def _right_bit(value: int, _mask: int) -> int:
    return (value & -value).bit_length()


def _from_bcd(value: int, _mask: int) -> int:
    text = f"{value:X}"
    total = 0
    for digit in text:
        nibble = int(digit, 16)
        if nibble > 9:
            raise OperandTypeError(f"{value:#x} is no BCD number")
        total = total * 10 + nibble
    return total


def _to_bcd(value: int, mask: int) -> int:
    packed = int(str(value), 16)
    if packed > mask:
        raise OperandTypeError(f"{value} has more digits than BCD can hold")
    return packed


def _divide(
    _context: Context, left: Run, right: Run, remainder: Writer | None, quotient: Writer | None
) -> Run:
    def run(frame: Frame) -> int:
        dividend, divisor = left(frame), right(frame)
        if not divisor:
            raise DivideByZeroError("Divide by zero")
        result, rest = divmod(dividend, divisor)
        if remainder is not None:
            remainder(frame, rest)
        if quotient is not None:
            quotient(frame, result)
        return int(result)

    return run


def _step(step: int, context: Context, place: Place) -> Run:
    mask, size, read, write = context.mask, context.size, place.read, place.write

    def run(frame: Frame) -> int:
        value = read(frame)
        if value.__class__ is not int:
            value = convert.to_integer(value, size)
        value = value + step & mask
        write(frame, value)
        return value

    return run


# --- Comparisons --------------------------------------------------------------------------

Compare = Callable[[Any, Any], bool]


def compare(function: Compare, left: Value, right: Value, size: int) -> bool:
    """Compare, the right operand converted to the type of the left one (§19.6.71)."""
    if not isinstance(left, int | str | bytearray):
        raise OperandTypeError(f"a {type_name(left)} cannot be compared")
    return function(left, convert.like(left, right, size))


def _comparison(function: Compare, context: Context, left: Term, right: Term) -> Run:
    true, size, left_run, right_run = context.mask, context.size, left.run, right.run
    if right.constant is not None:
        return _with_constant(function, context, left_run, right.constant)

    def run(frame: Frame) -> int:
        one, two = left_run(frame), right_run(frame)
        if one.__class__ is int and two.__class__ is int:
            return true if function(one, two) else 0
        frame.chain.budget.spend(cost(one) + cost(two))
        return true if compare(function, one, two, size) else 0

    return run


def _with_constant(function: Compare, context: Context, left: Run, right: int) -> Run:
    true, size = context.mask, context.size

    def run(frame: Frame) -> int:
        one = left(frame)
        if one.__class__ is int:
            return true if function(one, right) else 0
        frame.chain.budget.spend(cost(one))
        return true if compare(function, one, right, size) else 0

    return run


def _land(context: Context, left: Run, right: Run) -> Run:
    true = context.mask

    def run(frame: Frame) -> int:
        one, two = left(frame), right(frame)
        return true if one and two else 0

    return run


def _lor(context: Context, left: Run, right: Run) -> Run:
    true = context.mask

    def run(frame: Frame) -> int:
        one, two = left(frame), right(frame)
        return true if one or two else 0

    return run


def _lnot(context: Context, value: Run) -> Run:
    true = context.mask
    return lambda frame: 0 if value(frame) else true


BUILDERS: Final[Builders] = {
    "Add": partial(_binary, operator.add),
    "Subtract": partial(_binary, operator.sub),
    "Multiply": partial(_binary, operator.mul),
    "ShiftLeft": partial(_binary, _shift_left),
    "ShiftRight": partial(_binary, _shift_right),
    "And": partial(_binary, operator.and_),
    "NAnd": partial(_binary, _nand),
    "Or": partial(_binary, operator.or_),
    "NOr": partial(_binary, _nor),
    "XOr": partial(_binary, operator.xor),
    "Mod": partial(_binary, _mod),
    "Divide": _divide,
    "Not": partial(_unary, _invert),
    "FindSetLeftBit": partial(_unary, _left_bit),
    "FindSetRightBit": partial(_unary, _right_bit),
    "FromBCD": partial(_unary, _from_bcd),
    "ToBCD": partial(_unary, _to_bcd),
    "Increment": partial(_step, 1),
    "Decrement": partial(_step, -1),
    "LEqual": partial(_comparison, operator.eq),
    "LGreater": partial(_comparison, operator.gt),
    "LLess": partial(_comparison, operator.lt),
    "LAnd": _land,
    "LOr": _lor,
    "LNot": _lnot,
}
