"""Execution of a chain of Ifs: straight to those whose constant the variable has.

The outcome is that of the Ifs one by one. An If that is taken may change the variable, so that the
rest of the chain is looked through with what it is then; a variable that is no Integer is converted
for each comparison anew (ACPI 6.5 §19.6.71), and so it is compared one by one.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from machine.guest.aml import access
from machine.guest.aml.decode import Block, Code, Signal
from machine.guest.aml.op_arithmetic import compare
from machine.guest.aml.values import cost

if TYPE_CHECKING:
    from machine.guest.aml.access import Builders, Run
    from machine.guest.aml.context import Frame
    from machine.guest.aml.if_chain import IfChain
    from machine.guest.aml.values import Value

_LOCAL0, _ARG0 = 0x60, 0x68


class _Chain:
    """A chain, with where each constant first occurs in it, and the places of those that repeat."""

    __slots__ = ("_blocks", "_chain", "_code", "_first", "_read", "_repeated", "_size")

    def __init__(self, code: Code, chain: IfChain) -> None:
        self._code = code
        self._chain = chain
        self._size = code.context.size
        self._blocks: dict[int, Block] = {}
        constants = chain.constants
        self._first = dict(zip(reversed(constants), reversed(range(len(constants))), strict=True))
        self._repeated = _repetitions(chain) if len(self._first) < len(constants) else {}
        self._read = _reader(chain.variable)

    def run(self, frame: Frame) -> Signal | None:
        """Execute the body of each If that is taken, up to the one that signals."""
        at = -1
        while (taken := self._next(frame, at)) is not None:
            signal = self._body(taken).run(frame)
            if signal is not None:
                return signal
            at = taken
        return None

    def _next(self, frame: Frame, after: int) -> int | None:
        """The next If that is taken while the variable is what it is."""
        value = self._read(frame)
        if value.__class__ is not int:
            return self._compared(frame, value, after)
        first = self._first.get(value)
        if first is None or first > after:
            return first
        places = self._repeated.get(value, ())
        at = bisect_right(places, after)
        return places[at] if at < len(places) else None

    def _compared(self, frame: Frame, value: Value, after: int) -> int | None:
        constants, each = self._chain.constants, 1 + cost(value)
        for at in range(after + 1, len(constants)):
            frame.chain.budget.spend(each)
            if compare(operator.eq, value, constants[at], self._size):
                return at
        return None

    def _body(self, at: int) -> Block:
        block = self._blocks.get(at)
        if block is None:
            block = Block(self._code, self._chain.starts[at], self._chain.ends[at])
            self._blocks[at] = block
        return block


def _reader(variable: int) -> Run:
    if variable >= _ARG0:
        return access.arg(variable - _ARG0).read
    return access.local(variable - _LOCAL0).read


def _repetitions(chain: IfChain) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for at, constant in enumerate(chain.constants):
        places.setdefault(constant, []).append(at)
    return {constant: found for constant, found in places.items() if len(found) > 1}


def _if_chain(code: Code, chain: IfChain) -> Run:
    return _Chain(code, chain).run


BUILDERS: Final[Builders] = {"IfChain": _if_chain}
