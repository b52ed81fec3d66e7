"""Random AML: programs grown from the table of opcodes, and bytes changed here and there.

Everything depends on the given random number generator, so that a seed names a program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machine.acpi import aml
from machine.acpi.aml_data import pkg
from machine.guest.aml.opcodes import OPCODES, Opcode, Operand

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_RULES: Final = aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve
DECLARATIONS: Final = (
    aml.name("NUM0", 5),
    aml.name("STR0", "abc"),
    aml.name("BUF0", aml.buffer(b"\x01\x02\x03\x04", 8)),
    aml.name("PKG0", aml.package(1, "x", aml.package(2))),
    aml.name("PKG1", b"\x12\x0a\x02NUM0PKG0"),
    aml.device("DEV0"),
    aml.mutex("MTX0", 3),
    aml.event("EVT0"),
    aml.operation_region("REG0", aml.RegionSpace.SystemMemory, 0x1000, 0x100),
    aml.field("REG0", *_RULES, *map(aml.named_field, ("IDX0", "DAT0", "FLD0"), (8, 8, 200))),
    pkg(b"\x5b\x86", b"IDX0", b"DAT0", b"\x01", b"\x00\x20", b"IFL0\x20"),
    b"\x8bBUF0\x01BFL0",
    aml.method(
        "CAL2",
        2,
        aml.store(aml.arg0, aml.local0),
        aml.if_(aml.lequal(aml.arg1, 1), aml.return_(aml.ref_of(aml.arg0))),
        aml.return_(aml.arg1),
    ),
)
"""What random programs find in their namespace."""

_SEGS: Final = (
    "NUM0 STR0 BUF0 PKG0 PKG1 IDX0 FLD0 IFL0 BFL0 DEV0 MTX0 EVT0 REG0 NOPE TMP0 TMP1 _OSI"
)
_NAMES: Final = [*map(str.encode, _SEGS.split()), b"\\_SB_", b"\\NUM0", b"^NUM0", b"\\_GL_"]
_NEW_NAMES: Final = [b"TMP0", b"TMP1", b"\\TMP2", b"REG0", b"DEV0", b"IDX0", b"\\_SB_TMP3"]
_NUMBERS: Final = (0, 1, 2, 3, 5, 8, 63, 64, 0xFF, 0x100, 0xFFFF, 1 << 32, 1 << 63, (1 << 64) - 1)
_TEXTS: Final = ("", "a", "12", "0x1F", "\\NUM0", "NUM0")
_VALUES: Final = {code: op for code, op in OPCODES.items() if not op.statement}
_STATEMENTS: Final = {code: op for code, op in OPCODES.items() if op.statement}
_LOCALS: Final = [bytes([code]) for code in (*range(0x60, 0x68), 0x60, 0x61)]
_ARGS: Final = [bytes([code]) for code in range(0x68, 0x6F)]
_LEAVES: Final = [
    *map(aml.integer, _NUMBERS),
    *_LOCALS,
    *_ARGS,
    *_NAMES,
    *map(aml.string, _TEXTS),
    *(aml.buffer(bytes(range(size))) for size in (0, 1, 9)),
    aml.package(1, "x", aml.buffer(b"ab")),
    b"\x5b\x33",
]
_FIELDS: Final = [b"TF00\x01", b"TF01\x08", b"TF02\x28", b"\x00\x07", b"\x01\x03\x00"]


class Grower:
    """Grows terms; ``depth`` bounds how far they nest."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def program(self) -> bytes:
        """The body of a table with methods M000 to M003, each of seven arguments."""
        methods = [aml.method(f"M{at:03d}", 7, self._body(5)) for at in range(4)]
        return b"".join([*DECLARATIONS, *methods, aml.method("SELF", 1, self._body(3))])

    def _body(self, depth: int) -> bytes:
        count = self._random.randrange(1, 8)
        statements = [self.statement(depth) for _ in range(count)]
        return b"".join(statements) + aml.return_(self._term(depth - 2))

    def statement(self, depth: int) -> bytes:
        """A statement, or an expression as one."""
        kind = self._random.random()
        if depth <= 0 or kind < 0.45:
            return b"\x70" + self._term(depth) + self._place(depth)
        return self._operator(_VALUES if kind < 0.6 else _STATEMENTS, depth - 1)

    def _term(self, depth: int) -> bytes:
        kind = self._random.random()
        if depth <= 0 or kind < 0.45:
            return self._random.choice(_LEAVES)
        if kind < 0.5:
            return b"CAL2" + self._term(depth - 1) + self._term(depth - 1)
        if kind < 0.52:
            return b"SELF" + self._term(depth - 1)
        return self._operator(_VALUES, depth - 1)

    def _place(self, depth: int) -> bytes:
        kind = self._random.randrange(9)
        if depth <= 0 or kind < 6:
            return self._random.choice([_LOCALS, _ARGS, _NAMES][kind % 3])
        if kind == 6:
            return b"\x88" + self._term(depth - 1) + self._term(depth - 1) + b"\0"
        return (b"\x83" + self._term(depth - 1)) if kind == 7 else b"\x5b\x31"

    def _operator(self, table: dict[int, Opcode], depth: int) -> bytes:
        code, opcode = self._random.choice(list(table.items()))
        lead = code.to_bytes(2, "big").lstrip(b"\0")
        packaged = opcode.operands[:1] == (Operand.PACKAGE,)
        operands = [self._operand(kind, depth) for kind in opcode.operands[packaged:]]
        term = pkg(lead, *operands) if packaged else lead + b"".join(operands)
        if opcode.name == "If" and self._random.random() < 0.4:
            term += pkg(b"\xa1", self._block(depth))
        return term

    def _operand(self, kind: Operand, depth: int) -> bytes:
        return _OPERANDS[kind](self, depth)

    def _target(self, depth: int) -> bytes:
        return b"\0" if self._random.random() < 0.4 else self._place(depth)

    def _block(self, depth: int) -> bytes:
        return b"".join([self.statement(depth - 1) for _ in range(self._random.randrange(4))])

    def _bytes(self, _depth: int) -> bytes:
        return self._random.randbytes(self._random.randrange(12))

    def _elements(self, _depth: int) -> bytes:
        return b"".join(self._random.choices(_LEAVES, k=self._random.randrange(4)))

    def _fields(self, _depth: int) -> bytes:
        return b"".join(self._random.choices(_FIELDS, k=self._random.randrange(4)))

    def _name(self, _depth: int) -> bytes:
        return self._random.choice(_NEW_NAMES)

    def _byte(self, _depth: int) -> bytes:
        return bytes([self._random.choice((0, 1, 2, 3, 5, 7, 8, 0x10, 0x21, 0xFF))])

    def _word(self, _depth: int) -> bytes:
        return self._random.choice((b"\0\0", b"\xff\xff", b"\x01\0"))

    def _dword(self, _depth: int) -> bytes:
        return b"\x01\0\0\0"


_OPERANDS: Final[dict[Operand, Callable[[Grower, int], bytes]]] = {
    **dict.fromkeys(
        (Operand.INTEGER, Operand.DATA, Operand.COMPARAND, Operand.SOURCE), Grower._term
    ),
    **dict.fromkeys((Operand.TARGET, Operand.EXACT), Grower._target),
    **dict.fromkeys((Operand.PLACE, Operand.OBJECT, Operand.MAYBE), Grower._place),
    Operand.NAME: Grower._name,
    Operand.BYTE: Grower._byte,
    Operand.WORD: Grower._word,
    Operand.DWORD: Grower._dword,
    Operand.BLOCK: Grower._block,
    Operand.BYTES: Grower._bytes,
    Operand.ELEMENTS: Grower._elements,
    Operand.FIELDS: Grower._fields,
}

_TOKENS: Final = [
    *(bytes([code]) for code in range(256)),
    *(bytes([0x5B, code]) for code in range(0x90)),
    *(b"\x0a\xff", b"\x0e" + b"\xff" * 8, b"^^^^", b"\x2f\xff", b"\xa2\x03\x01\xa3", b"\x75\x60"),
]


def mutated(random: Random, body: bytes) -> bytes:
    """Change some bytes: flip, overwrite, insert, take away, move, cut off."""
    out = bytearray(body)
    for _ in range(random.choice((1, 1, 2, 3, 5, 8))):
        at = random.randrange(len(out) + 1)
        random.choice(_MUTATIONS)(random, out, at)
    return bytes(out)


def _flip(random: Random, out: bytearray, at: int) -> None:
    out[at : at + 1] = bytes([byte ^ 1 << random.randrange(8) for byte in out[at : at + 1]])


def _overwrite(random: Random, out: bytearray, at: int) -> None:
    token = random.choice(_TOKENS)
    out[at : at + len(token)] = token


def _insert(random: Random, out: bytearray, at: int) -> None:
    out[at:at] = random.choice(_TOKENS)


def _take_away(random: Random, out: bytearray, at: int) -> None:
    del out[at : at + random.randrange(1, 9)]


def _move(random: Random, out: bytearray, at: int) -> None:
    start, size = random.randrange(len(out) + 1), random.randrange(1, 60)
    out[at : at + size] = out[start : start + size]


def _cut_off(random: Random, out: bytearray, at: int) -> None:
    if not random.randrange(4):
        del out[at:]


_MUTATIONS: Final = (_flip, _overwrite, _insert, _take_away, _move, _cut_off)
