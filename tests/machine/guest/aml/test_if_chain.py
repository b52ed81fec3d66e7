"""A chain of Ifs does what its Ifs do one by one, and costs as much as the one that is taken."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.acpi import aml
from machine.acpi.dsdt import dsdt
from machine.guest.aml import AmlError, Interpreter, Package, Value
from machine.guest.aml.errors import BadEncodingError
from machine.guest.aml.if_chain import FEWEST, IfChain, if_chain
from machine.guest.aml.stream import Stream
from tests.machine.guest.aml.fakes import CPUS, GED, HotplugHost, MemoryHost

if TYPE_CHECKING:
    from collections.abc import Callable

MASK = 0xFFFF_FFFF_FFFF_FFFF
NOTHING = b"\xa3"  # Noop: no If, so that the chain ends there
VARIABLES = [bytes([code]) for code in (*range(0x60, 0x68), *range(0x68, 0x6F))]
CONSTANTS: dict[bytes, int] = {
    **{bytes([code]): number for code, number in ((0x00, 0), (0x01, 1), (0xFF, MASK))},
    **{b"\x0a" + bytes([number]): number for number in (0, 1, 2, 3, 0x41)},
    **{b"\x0b" + number.to_bytes(2, "little"): number for number in (2, 0x100)},
    **{b"\x0c" + number.to_bytes(4, "little"): number for number in (3, 0x8000_0000)},
    **{b"\x0e" + number.to_bytes(8, "little"): number for number in (3, 1 << 33, MASK)},
}
OTHERS: list[Value] = ["2", "", "0000000000000041", bytearray(b"\x02"), bytearray(), Package([1])]


def note(number: int) -> bytes:
    """What can be seen from outside of an If that is taken."""
    return aml.store(number, aml.debug)


def bodies(variable: bytes) -> st.SearchStrategy[bytes]:
    """What an If may do, above all to the variable that the next ones compare."""
    changed = st.sampled_from([0, 1, 2, 3, 0x41, MASK]).map(aml.integer)
    other = st.sampled_from([aml.string("2"), aml.buffer(b"\x03" + bytes(7)), aml.package(1)])
    return st.one_of(
        st.just(b""),
        st.one_of(changed, other).map(lambda value: aml.store(value, variable)),
        st.just(aml.increment(variable)),
        st.just(aml.return_(variable)),
        st.just(aml.return_(aml.divide(1, 0))),
        st.just(b"\xa5"),  # Break
        st.just(b"\x9f"),  # Continue
        st.just(b"\x5b\xee"),  # no opcode: it is found where it is executed
        st.just(aml.if_(aml.lequal(variable, 2), aml.store(3, variable))),
        st.just(aml.call("MAIN", *[aml.integer(2)] * 7)),
    )


@dataclass(frozen=True)
class Program:
    """The Ifs of a chain, each whole; they are executed in a loop of two turns."""

    ifs: list[bytes]
    preset: bytes
    value: Value

    def table(self, between: bytes, revision: int) -> bytes:
        """A table with the chain, and ``between`` its Ifs."""
        turns = aml.name_string("TURN")
        loop = aml.while_(aml.lless(turns, 6), aml.increment("TURN"), between.join(self.ifs))
        main = aml.method("MAIN", 7, self.preset, loop, note(0x1000), aml.return_(0x55))
        return aml.definition_block("DSDT", revision, aml.name("TURN", 0), main)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    variable = draw(st.sampled_from(VARIABLES))
    palette = draw(st.lists(st.sampled_from(list(CONSTANTS)), min_size=1, max_size=4))
    numbers = st.sampled_from([CONSTANTS[constant] for constant in palette])
    buffers = numbers.map(lambda number: bytearray(number.to_bytes(8, "little")))
    value: Value = draw(st.one_of(numbers, numbers, buffers, st.sampled_from(OTHERS)))
    ifs = []
    for at in range(draw(st.integers(FEWEST, 12))):
        predicate = b"\x93" + variable + draw(st.sampled_from(palette))
        ifs.append(aml.if_(predicate, note(at), draw(bodies(variable))))
    preset = variable[0] < 0x68 and draw(st.integers(0, 9))  # else it stays uninitialized
    return Program(ifs, aml.store(aml.arg0, variable) if preset else b"", value)


def outcome(table: bytes, value: Value) -> tuple[object, ...]:
    host = MemoryHost()
    interpreter = Interpreter(host, budget=100_000)
    interpreter.load_table(table)
    results: list[object] = []
    for args in ([value] * 7, [value] + [None] * 6):
        try:
            results.append(interpreter.evaluate("MAIN", *args))
        except BadEncodingError:
            results.append(BadEncodingError)  # its text has an offset
        except AmlError as error:
            results.append((type(error), str(error)))
    return (*results, *host.log)


@settings(max_examples=250, deadline=None)
@given(programs(), st.sampled_from([1, 2]))
def test_a_chain_does_what_its_ifs_do_one_by_one(program: Program, revision: int) -> None:
    assert found(b"".join(program.ifs)) is not None
    assert found(NOTHING.join(program.ifs)) is None
    chained = outcome(program.table(b"", revision), program.value)
    assert chained == outcome(program.table(NOTHING, revision), program.value)


def found(body: bytes) -> IfChain | None:
    return if_chain(Stream(body, 0, len(body)), MASK)


def an_if(number: int, *terms: bytes) -> bytes:
    return aml.if_(aml.lequal(aml.arg0, number), *terms)


IFS = [an_if(number, note(number)) for number in range(FEWEST)]


@pytest.mark.parametrize(
    ("stranger", "why"),
    [
        (NOTHING, "no If"),
        (aml.if_(aml.lequal(aml.arg1, 1)), "another variable"),
        (aml.if_(aml.lequal(1, aml.arg0)), "the other way round"),
        (aml.if_(aml.lequal(aml.arg0, aml.local0)), "no constant"),
        (aml.if_(aml.lequal(aml.arg0, b"\x5b\x30")), "Revision, whose value is not in the bytes"),
        (aml.if_(aml.lless(aml.arg0, 1)), "another comparison"),
        (an_if(1) + aml.else_(note(1)), "an Else"),
        (b"\xa0\x40\x93", "it ends too early"),
        (b"\xa0\x01\x93\x68\x01", "it ends in its predicate"),
        (b"\xa0\x7f\xff\x93\x68\x01", "it ends after all"),
    ],
)
def test_a_chain_ends_before_what_is_no_such_if(stranger: bytes, why: str) -> None:
    chain = found(b"".join(IFS) + stranger + b"".join(IFS))
    assert chain is not None, why
    assert list(chain.constants) == list(range(FEWEST)), why
    assert chain.ends[-1] == len(b"".join(IFS)), why


@pytest.mark.parametrize("mask", [MASK, 0xFFFF_FFFF])
def test_constants_of_all_sizes_are_read_as_integers(mask: int) -> None:
    terms = b"".join(aml.if_(b"\x93\x68" + constant, note(1)) for constant in CONSTANTS)
    chain = if_chain(Stream(terms, 0, len(terms)), mask)
    assert chain is not None
    assert list(chain.constants) == [number & mask for number in CONSTANTS.values()]


def test_fewer_ifs_are_no_chain() -> None:
    assert found(b"".join(IFS[:-1])) is None


def test_a_chain_that_ends_too_early_is_an_error_when_execution_gets_there() -> None:
    host = MemoryHost()
    interpreter = Interpreter(host)
    body = b"".join(IFS) + b"\xa0\x40\x93"
    interpreter.load_table(aml.definition_block("DSDT", 2, aml.method("M", 1, body)))
    with pytest.raises(BadEncodingError):
        interpreter.evaluate("M", 2)
    assert host.log == [("debug", "0x2")]


def calls(action: Callable[[], object]) -> int:
    """How many functions an action calls: what it costs, on whatever computer."""
    count = 0

    def observe(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(observe)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


class SilentHost(HotplugHost):
    """Of its possible CPUs the last one is being inserted; found at once, as by a bit mask."""

    def __init__(self, cpus: int) -> None:
        super().__init__(cpus, enabled=2)
        self._last = self.slots[-1]

    def _select_next_event(self) -> None:
        if self.command == 0 and self._last.inserting:
            self.selector = len(self.slots) - 1

    def plug(self, interpreter: Interpreter) -> None:
        self.log.clear()
        self._last.inserting = True
        self.ged = 8
        interpreter.evaluate("\\_SB.GED._EVT", 0x29)


@pytest.mark.parametrize("cpus", [64, 512, 4096])
def test_a_plug_costs_the_same_whatever_the_number_of_possible_cpus(cpus: int) -> None:
    costs, accesses = {}, {}
    for size in (8, cpus):
        host = SilentHost(size)
        interpreter = Interpreter(host)
        interpreter.load_table(dsdt(size))
        first = calls(lambda host=host, of=interpreter: host.plug(of))  # type: ignore[misc]
        later = calls(lambda host=host, of=interpreter: host.plug(of))  # type: ignore[misc]
        costs[size] = first, later
        accesses[size] = [entry[:2] for entry in host.log if entry[0] in {"load", "store"}]
        assert ("notify", f"\\_SB.CPUS.C{size - 1:03X}", 1) in host.log
        assert {entry[1] for entry in accesses[size]} <= {GED, *range(CPUS, CPUS + 12)}
    assert accesses[cpus] == accesses[8]
    for few, many in zip(costs[8], costs[cpus], strict=True):
        assert many <= few * 1.02


def test_a_long_chain_of_one_constant_that_changes_all_the_time_is_walked_once() -> None:
    toggle = [
        an_if(at % 2, aml.xor(aml.arg0, 1, aml.arg0), aml.increment(aml.local0))
        for at in range(4000)
    ]
    body = aml.method("M", 1, aml.store(0, aml.local0), *toggle, aml.return_(aml.local0))
    interpreter = Interpreter(MemoryHost())
    interpreter.load_table(aml.definition_block("DSDT", 2, body))
    assert interpreter.evaluate("M", 0) == 4000
    assert calls(lambda: interpreter.evaluate("M", 0)) < 4000 * 40
