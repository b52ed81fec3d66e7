"""AML compiler: operators, locals and arguments (ACPI 6.5 §20.2.5.4, §20.2.6).

Operators of one shape are one line each. The last parameters of an operator are its targets;
None drops the result.
"""

from __future__ import annotations

from typing import Final

from machine.acpi.aml_data import Data, data, super_name, target

Target = str | bytes | None

local0, local1, local2, local3, local4, local5, local6, local7 = (
    bytes([0x60 + number]) for number in range(8)
)
arg0, arg1, arg2, arg3, arg4, arg5, arg6 = (bytes([0x68 + number]) for number in range(7))
debug: Final = b"\x5b\x31"
revision: Final = b"\x5b\x30"


class Binary:
    """``op(left, right, to=None)``: two TermArgs and a Target."""

    def __init__(self, *opcode: int) -> None:
        self._opcode = bytes(opcode)

    def __call__(self, left: Data, right: Data, to: Target = None) -> bytes:
        """The operator applied."""
        return self._opcode + data(left) + data(right) + target(to)


class Unary:
    """``op(value, to=None)``: a TermArg and a Target."""

    def __init__(self, *opcode: int) -> None:
        self._opcode = bytes(opcode)

    def __call__(self, value: Data, to: Target = None) -> bytes:
        """The operator applied."""
        return self._opcode + data(value) + target(to)


class Compare:
    """``op(left, right)``: two TermArgs and no Target."""

    def __init__(self, *opcode: int) -> None:
        self._opcode = bytes(opcode)

    def __call__(self, left: Data, right: Data) -> bytes:
        """The operator applied."""
        return self._opcode + data(left) + data(right)


class OnObject:
    """``op(target)``: an operator on a SuperName."""

    def __init__(self, *opcode: int) -> None:
        self._opcode = bytes(opcode)

    def __call__(self, to: str | bytes) -> bytes:
        """The operator applied."""
        return self._opcode + super_name(to)


add: Final = Binary(0x72)
concat: Final = Binary(0x73)
subtract: Final = Binary(0x74)
multiply: Final = Binary(0x77)
shift_left: Final = Binary(0x79)
shift_right: Final = Binary(0x7A)
and_: Final = Binary(0x7B)
nand: Final = Binary(0x7C)
or_: Final = Binary(0x7D)
nor: Final = Binary(0x7E)
xor: Final = Binary(0x7F)
concat_res: Final = Binary(0x84)
mod: Final = Binary(0x85)
index: Final = Binary(0x88)
to_string: Final = Binary(0x9C)

not_: Final = Unary(0x80)
find_set_left_bit: Final = Unary(0x81)
find_set_right_bit: Final = Unary(0x82)
to_buffer: Final = Unary(0x96)
to_decimal_string: Final = Unary(0x97)
to_hex_string: Final = Unary(0x98)
to_integer: Final = Unary(0x99)
from_bcd: Final = Unary(0x5B, 0x28)
to_bcd: Final = Unary(0x5B, 0x29)

land: Final = Compare(0x90)
lor: Final = Compare(0x91)
lequal: Final = Compare(0x93)
lgreater: Final = Compare(0x94)
lless: Final = Compare(0x95)
lnotequal: Final = Compare(0x92, 0x93)
llessequal: Final = Compare(0x92, 0x94)
lgreaterequal: Final = Compare(0x92, 0x95)

ref_of: Final = OnObject(0x71)
increment: Final = OnObject(0x75)
decrement: Final = OnObject(0x76)
size_of: Final = OnObject(0x87)
object_type: Final = OnObject(0x8E)
signal: Final = OnObject(0x5B, 0x24)
reset: Final = OnObject(0x5B, 0x26)


def lnot(value: Data) -> bytes:
    """DefLNot."""
    return b"\x92" + data(value)


def deref_of(value: Data) -> bytes:
    """DefDerefOf."""
    return b"\x83" + data(value)


def store(value: Data, to: str | bytes) -> bytes:
    """DefStore."""
    return b"\x70" + data(value) + super_name(to)


def copy_object(value: Data, to: str | bytes) -> bytes:
    """DefCopyObject."""
    return b"\x9d" + data(value) + super_name(to)


def cond_ref_of(source: str | bytes, to: Target = None) -> bytes:
    """DefCondRefOf."""
    return b"\x5b\x12" + super_name(source) + target(to)


def divide(left: Data, right: Data, remainder: Target = None, quotient: Target = None) -> bytes:
    """DefDivide; its value is the quotient."""
    return b"\x78" + data(left) + data(right) + target(remainder) + target(quotient)


def mid(source: Data, start: Data, length: Data, to: Target = None) -> bytes:
    """DefMid."""
    return b"\x9e" + data(source) + data(start) + data(length) + target(to)


def wait(to: str | bytes, timeout: Data = 0xFFFF) -> bytes:
    """DefWait; the timeout is in milliseconds."""
    return b"\x5b\x25" + super_name(to) + data(timeout)
