"""Whatever the bytes: an AmlError, or a value; never another exception, never an endless run."""

from __future__ import annotations

import contextlib
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machine.acpi import aml
from machine.guest.aml import AmlError, Interpreter, Package
from machine.guest.aml.errors import BadEncodingError, LimitExceededError
from tests.machine.acpi.reference import reference_table
from tests.machine.guest.aml.fakes import HotplugHost, MemoryHost

CALLS = [
    ("\\_SB.GED._EVT", (0x29,)),
    ("\\_SB.CPUS.CSCN", ()),
    ("\\_SB.CPUS.C001._STA", ()),
    ("\\_SB.CPUS.C001._EJ0", (1,)),
    ("\\_SB.CPUS.C002._OST", (1, 0, bytearray())),
    ("\\_SB.PCI0._OSC", (bytearray(16), 1, 3, bytearray(12))),
    ("\\_SB.PCI0._DSM", (bytearray(16), 1, 0, Package())),
    ("\\_SB.PCI0._PRT", ()),
]


class QuietHost(HotplugHost):
    """Takes whatever broken AML does to it."""

    def load(self, address: int, size: int) -> int:
        del address
        return 0x0F0F0F0F0F0F0F0F & (1 << 8 * size) - 1

    def store(self, address: int, size: int, value: int) -> None:
        assert 0 <= value < 1 << 8 * size
        del address


def loaded(*terms: bytes, budget: int = 1000) -> Interpreter:
    interpreter = Interpreter(MemoryHost(), budget=budget)
    interpreter.load_table(aml.definition_block("DSDT", 2, *terms))
    return interpreter


def exercise(body: bytes) -> None:
    """Load a DSDT of this body, then evaluate whatever can be evaluated."""
    interpreter = Interpreter(QuietHost(6, enabled=2), budget=2000)
    with contextlib.suppress(AmlError):
        interpreter.load_table(aml.table("DSDT", 2, body))
    for path, args in CALLS:
        with contextlib.suppress(AmlError):
            interpreter.evaluate(path, *args)


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
DSDT = reference_table("flat", "DSDT")[36:]
METHODS = 0x700  # the part of the reference with methods in it


@FUZZ
@given(st.lists(st.tuples(st.integers(0, METHODS), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_of_the_reference_raise_nothing_else(changes: list[tuple[int, int]]) -> None:
    body = bytearray(DSDT)
    for at, value in changes:
        body[at] = value
    exercise(bytes(body))


@FUZZ
@given(st.integers(0, METHODS), st.integers(0, METHODS), st.integers(1, 60))
def test_moved_bytes_of_the_reference_raise_nothing_else(to: int, start: int, size: int) -> None:
    body = bytearray(DSDT)
    body[to : to + size] = DSDT[start : start + size]
    exercise(bytes(body))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing_else(body: bytes) -> None:
    exercise(body)


OPCODES = st.sampled_from(
    [bytes([code]) for code in range(256)]
    + [bytes([0x5B, code]) for code in range(0x90)]
    + [b"N___", b"\\", b"\x0a\x05", b"\x0dab\0", aml.buffer(b"\x01\x02"), aml.package(1, "x")]
    + [aml.local0, aml.arg0, b"\x10", b"\x00"] * 4
)


@FUZZ
@given(st.lists(OPCODES, max_size=40).map(b"".join))
def test_any_opcodes_in_a_method_raise_nothing_else(body: bytes) -> None:
    interpreter = loaded(aml.name("N", 5), aml.method("M", 1, body))
    for arg in (1, "a", bytearray(b"abc"), Package([1, "x"])):
        with contextlib.suppress(AmlError):
            interpreter.evaluate("M", arg)


def test_an_unknown_opcode_is_named_with_its_offset() -> None:
    interpreter = loaded(aml.method("M", 0, b"\xa3\x5b\xee"))
    with pytest.raises(BadEncodingError, match=r"0x5bee at 0x2c"):
        interpreter.evaluate("M")


def test_a_loop_without_end_is_stopped() -> None:
    interpreter = loaded(aml.method("M", 0, aml.while_(1, b"\xa3")))
    with pytest.raises(LimitExceededError, match="1000 loop turns"):
        interpreter.evaluate("M")


def test_loops_in_loops_share_one_limit() -> None:
    inner = aml.while_(aml.lless(aml.local1, 100), aml.increment(aml.local1))
    outer = aml.while_(1, aml.store(0, aml.local1), inner)
    with pytest.raises(LimitExceededError):
        loaded(aml.method("M", 0, outer)).evaluate("M")


def count_down(wrap: int) -> bytes:
    """DOWN(n): n nested Ifs around a call of itself."""
    body = aml.return_(aml.add(1, aml.call("DOWN", aml.subtract(aml.arg0, 1))))
    for _ in range(wrap):
        body = aml.if_(aml.arg0, body)
    return aml.method("DOWN", 1, body, aml.return_(0))


@pytest.mark.parametrize("wrap", [1, 15, 45])
def test_calls_nest_255_deep_and_no_deeper(wrap: int) -> None:
    interpreter = loaded(count_down(wrap))
    limit = sys.getrecursionlimit()
    assert interpreter.evaluate("DOWN", 254) == 254
    with pytest.raises(LimitExceededError, match="depth of 255"):
        interpreter.evaluate("DOWN", 255)
    assert sys.getrecursionlimit() == limit


def test_terms_that_nest_without_end_are_refused() -> None:
    deep = aml.method("M", 0, aml.return_(b"\x92" * 5000 + b"\x00"))
    with pytest.raises(LimitExceededError, match="nested"):
        loaded(deep).evaluate("M")
    with pytest.raises(LimitExceededError):
        loaded(aml.method("M", 0, aml.return_(nested_package(300)))).evaluate("M")


def nested_package(depth: int) -> bytes:
    inner = aml.integer(0)
    for _ in range(depth):
        inner = aml.package(inner)
    return inner


@pytest.mark.parametrize(
    "body",
    [
        aml.return_(aml.buffer(b"", 0xFFFF_FFFF_FFFF_FFFF)),
        aml.return_(b"\x13\x0a" + aml.integer(0xFFFF_FFFF_FFFF)),
        aml.store("ab", aml.local0) + aml.while_(1, aml.concat(*[aml.local0] * 3)),
        aml.store(aml.buffer(b"ab"), aml.local0) + aml.while_(1, aml.concat(*[aml.local0] * 3)),
        aml.store(aml.package(1, 2), aml.local0)
        + aml.while_(
            1,
            aml.store(aml.local0, aml.index(aml.local0, 0)),
            aml.store(aml.local0, aml.index(aml.local0, 1)),
        ),
    ],
)
def test_objects_that_grow_without_end_are_refused(body: bytes) -> None:
    with pytest.raises(LimitExceededError):
        loaded(aml.method("M", 0, body)).evaluate("M")


def test_shifting_by_a_huge_count_is_cheap() -> None:
    shift = aml.shift_left(1, 0xFFFF_FFFF_FFFF_FFFF)
    assert loaded(aml.method("M", 0, aml.return_(shift))).evaluate("M") == 0
