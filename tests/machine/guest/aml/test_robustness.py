"""Whatever the bytes: an AmlError, or a value; never another exception, never an endless run."""

from __future__ import annotations

import contextlib
import sys
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machine.acpi import aml
from machine.guest.aml import AmlError, Interpreter, Package
from machine.guest.aml.budget import MAX_LEVELS, MAX_NODES, STEPS
from machine.guest.aml.errors import BadEncodingError, LimitExceededError
from machine.guest.aml.names import NamePath
from machine.guest.aml.namespace import Namespace
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
    with pytest.raises(LimitExceededError, match="1000 steps"):
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
    interpreter = loaded(count_down(wrap), budget=STEPS)
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


BUFFER, STRING = aml.store(aml.buffer(b"ab"), aml.local0), aml.store("ab", aml.local0)
TEMPLATE = aml.store(aml.buffer(b"\x22\x01\x00\x79\x00"), aml.local0)


def grown(*turn: bytes) -> bytes:
    return aml.while_(1, *turn)


GROWING = {
    "buffer": aml.return_(aml.buffer(b"", 0xFFFF_FFFF_FFFF_FFFF)),
    "package": aml.return_(b"\x13\x0a" + aml.integer(0xFFFF_FFFF_FFFF)),
    "string doubled": STRING + grown(aml.concat(*[aml.local0] * 3)),
    "buffer doubled": BUFFER + grown(aml.concat(*[aml.local0] * 3)),
    "template doubled": TEMPLATE + grown(aml.concat_res(*[aml.local0] * 3)),
    "hexadecimal of itself": BUFFER
    + grown(aml.to_hex_string(aml.local0, aml.local0), aml.to_buffer(aml.local0, aml.local0)),
    "decimal of itself": BUFFER
    + grown(aml.to_decimal_string(aml.local0, aml.local0), aml.to_buffer(aml.local0, aml.local0)),
    "implicit string of itself": BUFFER
    + grown(aml.concat("", aml.local0, aml.local0), aml.to_buffer(aml.local0, aml.local0)),
    "package in itself": aml.store(aml.package(1, 2), aml.local0)
    + grown(
        aml.store(aml.local0, aml.index(aml.local0, 0)),
        aml.store(aml.local0, aml.index(aml.local0, 1)),
    ),
    "many large buffers": aml.store(aml.package(count=200), aml.local0)
    + aml.store(0, aml.local1)
    + grown(
        aml.store(aml.buffer(b"", 1 << 20), aml.index(aml.local0, aml.local1)),
        aml.increment(aml.local1),
    ),
    "field": aml.field(
        "REG0",
        aml.AccessType.ByteAcc,
        aml.LockRule.NoLock,
        aml.UpdateRule.Preserve,
        aml.named_field("FLD0", 1 << 18),
    ),
}


@pytest.mark.parametrize("case", GROWING)
def test_objects_that_grow_without_end_are_refused(case: str) -> None:
    region = aml.operation_region("REG0", aml.RegionSpace.SystemMemory, 0, 1 << 20)
    interpreter = loaded(region, aml.method("M", 0, GROWING[case]), budget=STEPS)
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceededError):
            interpreter.evaluate("M")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


LARGE = aml.store(aml.buffer(b"", 1 << 18), aml.local0) + aml.store(aml.local0, aml.local1)
EXPENSIVE = {
    "access": (b"", aml.store(aml.name_string("FLD0"), aml.local0)),
    "comparison": (LARGE, aml.lequal(aml.local0, aml.local1)),
    "copy": (LARGE, aml.store(aml.local0, aml.local1)),
    "slice": (LARGE, aml.mid(aml.local0, 0, 1 << 18)),
    "field of a buffer": (LARGE + b"\x5b\x13\x60\x00\x0c\x00\x00\x02\x00BFLD", aml.size_of("BFLD")),
    "match": (
        aml.store(aml.package(*range(200)), aml.local0),
        b"\x89\x60\x01\x0b\xff\xff\x00\x00\x00",
    ),
    "notification": (b"", aml.notify("DEV0", 1)),
}


@pytest.mark.parametrize("case", EXPENSIVE)
def test_what_takes_long_costs_more_than_a_step(case: str) -> None:
    """With as many steps a loop that does nothing has some hundred times as many turns."""
    rules = (aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)
    host = MemoryHost()
    interpreter = Interpreter(host, budget=100_000)
    region = aml.operation_region("REG0", aml.RegionSpace.SystemMemory, 0, 1 << 16)
    field = aml.field("REG0", *rules, aml.named_field("FLD0", 2000))
    before, turn = EXPENSIVE[case]
    table = aml.definition_block(
        "DSDT",
        2,
        *(aml.device("DEV0"), aml.name("TURN", 0), region, field),
        aml.method("M", 0, before, aml.while_(1, aml.increment("TURN"), turn)),
    )
    interpreter.load_table(table)
    with pytest.raises(LimitExceededError):
        interpreter.evaluate("M")
    found = interpreter.evaluate("TURN")
    assert isinstance(found, int)
    assert 0 < found < 6000


def test_terms_that_index_calls_are_decoded_in_proportion_to_their_length() -> None:
    """Index (CALL (Index (CALL (...)))): each level is read once, not twice."""
    term = aml.local0
    for _ in range(45):
        term = b"\x88" + b"CALL" + term + b"\x00\x00"
    same = aml.method("CALL", 1, aml.return_(aml.package(aml.buffer(b"x"))))
    interpreter = loaded(same, aml.method("M", 0, aml.store(1, aml.local0), aml.return_(term)))
    assert interpreter.evaluate("M") is not None


def test_names_have_a_number_and_a_depth() -> None:
    deep = b""
    for _ in range(MAX_LEVELS + 1):
        deep = aml.device("DEEP", deep)
    with pytest.raises(LimitExceededError, match="above"):
        loaded(deep, budget=STEPS)
    space = Namespace()
    with pytest.raises(LimitExceededError, match=f"{MAX_NODES} names"):
        fill(space)
    assert sum(1 for _ in space.walk()) == MAX_NODES


def fill(space: Namespace) -> None:
    for at in range(MAX_NODES + 1):
        space.create(space.root, NamePath(False, 0, (f"{at:05X}",)), 0)


def test_a_text_that_is_no_path_for_its_length_alone_is_refused() -> None:
    deref = aml.method("M", 1, aml.return_(aml.deref_of(aml.arg0)))
    with pytest.raises(BadEncodingError, match="characters"):
        loaded(deref).evaluate("M", "N" * 5000)


def test_a_table_of_statements_without_end_is_stopped() -> None:
    with pytest.raises(LimitExceededError):
        loaded(b"\xa3" * 2000)


@pytest.mark.parametrize(
    "body",
    [
        aml.store(aml.ref_of(aml.local0), aml.local0) + aml.return_(aml.object_type(aml.local0)),
        aml.store(aml.ref_of(aml.arg0), aml.arg0) + aml.store(1, aml.arg0),
    ],
    ids=["type", "store"],
)
def test_a_reference_to_itself_has_an_end(body: bytes) -> None:
    with contextlib.suppress(AmlError):
        loaded(aml.method("M", 1, body)).evaluate("M", 1)


def test_integers_of_the_host_are_as_wide_as_those_of_the_table() -> None:
    host = MemoryHost()
    interpreter = Interpreter(host)
    body = aml.method("M", 1, aml.return_(aml.to_buffer(aml.arg0)))
    interpreter.load_table(aml.definition_block("DSDT", 1, body))
    assert interpreter.evaluate("M", 0x1_0000_0002) == bytearray(b"\x02\0\0\0")


def test_an_interface_that_is_no_string_is_none() -> None:
    interpreter = loaded(aml.method("M", 1, aml.return_(aml.call("_OSI", aml.arg0))))
    assert [interpreter.evaluate("M", value) for value in (5, bytearray(b"x"))] == [0, 0]


def test_shifting_by_a_huge_count_is_cheap() -> None:
    shift = aml.shift_left(1, 0xFFFF_FFFF_FFFF_FFFF)
    assert loaded(aml.method("M", 0, aml.return_(shift))).evaluate("M") == 0
