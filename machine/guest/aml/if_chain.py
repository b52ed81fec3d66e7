"""Finding a chain of Ifs that all compare one Local or Arg with a constant.

Firmware without a jump table writes one: the reference's CTFY has ``If (LEqual (Arg0, n))`` for
each possible CPU. Such a predicate names nothing and changes nothing, so that a chain can be read
at once, ahead of its execution; ``op_if_chain`` says how it is executed at the price of one If.
"""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from machine.guest.aml.stream import Stream

FEWEST: Final = 4
"""Ifs that make a chain; fewer are as quick one by one."""
_ELSE: Final = 0xA1
_ONES: Final = 0xFF
_HEAD: Final = re.compile(
    rb"\xa0([\x00-\x3f]|[\x40-\x7f].|[\x80-\xbf]..|[\xc0-\xff]...)"  # IfOp, PkgLength
    rb"\x93([\x60-\x6e])"  # LEqualOp, LocalObj or ArgObj
    rb"([\x00\x01\xff]|\x0a.|\x0b..|\x0c.{4}|\x0e.{8})",  # a constant
    re.DOTALL,
)


class IfChain(NamedTuple):
    """A chain: the opcode of its variable; of each If the constant, and where its body lies."""

    variable: int
    constants: array[int]
    starts: array[int]
    ends: array[int]


def if_chain(stream: Stream, mask: int) -> IfChain | None:
    """Take the chain that comes next, if there is one; ``mask`` has the bits of an Integer.

    What is no such If, has an Else, or is broken, ends the chain in front of it.
    """
    chain = None
    pos = stream.pos
    while (found := _if(stream, pos, mask)) is not None:
        variable, constant, start, pos = found
        if chain is None:
            chain = IfChain(variable, array("Q"), array("I"), array("I"))
        if variable != chain.variable:
            break
        chain.constants.append(constant)
        chain.starts.append(start)
        chain.ends.append(pos)
    if chain is None or len(chain.ends) < FEWEST:
        return None
    stream.pos = chain.ends[-1]
    return chain


def _if(stream: Stream, pos: int, mask: int) -> tuple[int, int, int, int] | None:
    """Of the If at ``pos``: its variable and constant, where its body begins and where it ends."""
    data, limit = stream.data, stream.end
    head = _HEAD.match(data, pos, limit)
    if head is None:
        return None
    package, variable, constant = head.groups()
    start, end = head.end(), pos + 1 + _length(package)
    if not start <= end <= limit or (end < limit and data[end] == _ELSE):
        return None
    return variable[0], _constant(constant) & mask, start, end


def _length(package: bytes) -> int:
    """What a PkgLength says (ACPI 6.5 §20.2.4)."""
    if len(package) == 1:
        return package[0]
    return package[0] & 0x0F | int.from_bytes(package[1:], "little") << 4


def _constant(term: bytes) -> int:
    """Zero, One, Ones, or what follows a prefix."""
    if len(term) > 1:
        return int.from_bytes(term[1:], "little")
    return -1 if term[0] == _ONES else term[0]
