"""What bytes become, however they are cut."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.fastpath import decode_message
from protocol.stream import JsonStream, Limits, ParseError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cn"]))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text('ab:é\\"'), inner)
)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            b"{", b"}", b"[", b"]", b":", b",", b'"a"', b"'b'", b'"', b"'", b"\\", b"\\u00e9",
            b"\\ud83d", b"1", b"0", b"-", b".", b"e", b"E+5", b"true", b"nul", b" ", b"\t", b"\n",
            b"\x00", b"\x07", b"\xc0\x80", b"\xe2\x82", b"\xfe", b"\xff", b"\xf5", b"+", b"%",
            b'{"execute":"x"}', b'{"a":1,"a":2}', b'{"a":{"b":1}}\n', b"18446744073709551616",
        ]
    )
    | st.binary(max_size=4)
).map(b"".join)  # fmt: skip


def whole(data: bytes, *, fast: bool = True) -> list[Any]:
    return JsonStream(fast=fast).feed(data)


def typed(value: Any) -> str:
    """A form in which 1, 1.0 and true differ, and -0.0 and 0.0 too."""
    return repr(value)


@given(VALUES)
def test_any_json_value_comes_back_as_it_was(value: Any) -> None:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)
        assert typed(whole(text.encode() + b"\n")) == typed([value])


@given(FRAGMENTS, st.lists(st.integers(1, 9)))
@example(b'{"a":1}\n{"b":2}\n', [3])
@example(b'"a\\ud83d\\ude00"', [5])
def test_the_cut_of_the_input_does_not_matter(data: bytes, sizes: list[int]) -> None:
    stream, got, rest = JsonStream(), [], data
    for size in sizes:
        got += stream.feed(rest[:size])
        rest = rest[size:]
    got += stream.feed(rest)
    assert typed(got) == typed(whole(data))


@given(FRAGMENTS | VALUES.map(lambda value: json.dumps(value, ensure_ascii=False).encode()))
@example(b'{"id": "a:b"}')
@example(b'{"a":1e400}')
@example(b'{"a":-9223372036854775809}\n{"b":-0.0}')
def test_the_fast_path_agrees_with_the_slow_path(data: bytes) -> None:
    assert typed(whole(data)) == typed(whole(data, fast=False))


@given(st.binary() | FRAGMENTS)
def test_after_0xff_a_command_is_understood_whatever_came_before(garbage: bytes) -> None:
    stream = JsonStream()
    stream.feed(garbage)
    stream.feed(b"\xff")
    assert stream.feed(b'{"execute": "quit"}') == [{"execute": "quit"}]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a:": "x:y", "a:": ":"}',
        b'{"a": 18446744073709551616}',
        b'{"a": [-9223372036854775809]}',
        b'{"a": "\\ufffe"}',
        b'{"a": 0e5}',
        '{"a": "\ufffe"}'.encode(),
        b'{"a": "\xc0\x80"}',
        b"[]",
        b"{'a': 1}",
        b"[" * 2000,
    ],
)
def test_the_fast_path_leaves_alone_what_it_cannot_vouch_for(data: bytes) -> None:
    assert decode_message(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"execute": "x", "arguments": {"a": [{"b": 1}]}, "id": -1}\r\n',
        b'{"a:b": "x:y", "c": {"::": [":"]}}',
        b'{"a": "\\":\\""}',
        '{"a": "é😀"}'.encode(),
        b'{"a": [18446744073709551615, -9223372036854775808]}',
        b'{"a": {}, "b": []}',
    ],
)
def test_the_fast_path_takes_ordinary_commands(data: bytes) -> None:
    assert [decode_message(data)] == whole(data, fast=False)


@pytest.mark.parametrize(
    ("data", "desc"),
    [
        (b"[1 2]", "expected separator in list"),
        (b'{"a" 1}', "missing : in object pair"),
        (b"{[1]: 2}", "key is not a string in object"),
        (b"{[,]: 2}", "expecting value"),
        (b'{"a": 1, "a": [}]', "expecting value"),
        (b'"\\q"', "invalid escape sequence in string"),
        (b'"\\u"', '\\u" is not a valid Unicode character'),
        (b'"\\ud83f\\udffe"', "\\ud83f\\udffe is not a valid Unicode character"),
        (b'"\\u12\xe9\xa9"', "\\u12\ufffd is not a valid Unicode character"),
        (b'"\xed\xa0\x80"', "invalid UTF-8 sequence in string"),
        (b"1e400 ", "number out of range"),
        (b"9" * 400 + b" ", "number out of range"),
    ],
)
def test_a_message_that_is_wrong_is_told_so_in_qemus_words(data: bytes, desc: str) -> None:
    assert whole(data) == [ParseError(f"JSON parse error, {desc}")]


def test_an_overlong_nul_beside_an_escaped_backslash_is_kept_apart_from_it() -> None:
    assert whole(b'"\xc0\x80\\\\"') == ["\0\\"]


def test_a_stray_token_is_quoted_up_to_its_first_nul() -> None:
    assert whole(b'"ab\0') == [ParseError("JSON parse error, stray '\"ab'")]


@pytest.mark.parametrize("piece", [1, 100])
@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"0e5 ", [0, ParseError("JSON parse error, invalid keyword 'e'"), 5]),
        (b"-0E5 ", [0, ParseError("JSON parse error, stray 'E'")]),
        (b"0.0e5 ", [0.0]),
        (b"10e5 ", [10e5]),
        (b'{"id": 0e5}', [ParseError("JSON parse error, expected separator in dict")]),
    ],
)
def test_a_zero_has_no_exponent(data: bytes, values: list[Any], piece: int) -> None:
    stream = JsonStream()
    got = [item for at in range(0, len(data), piece) for item in stream.feed(data[at : at + piece])]
    assert typed(got) == typed(values)


def test_a_bare_number_waits_for_what_follows() -> None:
    stream = JsonStream()
    assert stream.feed(b"12") == []
    assert stream.feed(b"3") == []
    assert stream.feed(b"\n") == [123]


def test_nesting_beyond_the_limit_is_one_error_and_one_for_each_closer() -> None:
    got = whole(b"[" * 1025 + b"]" * 1025)
    assert got[0] == ParseError("JSON nesting depth limit exceeded")
    assert got[1:] == [ParseError("JSON parse error, expecting value")] * 1025


def test_too_many_tokens_are_refused() -> None:
    got = JsonStream(Limits(tokens=4)).feed(b"[1,2]")
    assert got[0] == ParseError("JSON token count limit exceeded")


@pytest.mark.parametrize("piece", [1, 5, 100])
@pytest.mark.parametrize("data", [b'"' + b"a" * 40, b'["aaaaaa", "bbbbbb", "cccccc"]', b"1" * 40])
def test_too_many_bytes_are_refused(data: bytes, piece: int) -> None:
    stream = JsonStream(Limits(size=16))
    got = [item for at in range(0, len(data), piece) for item in stream.feed(data[at : at + piece])]
    assert got[0] == ParseError("JSON token size limit exceeded")


@pytest.mark.parametrize("over", [0, 1])
def test_a_token_of_64_mib_is_too_long(over: int) -> None:
    """With its quotes and the NUL that QEMU puts behind it, a string may just fill the limit."""
    stream, length, mib = JsonStream(), (64 << 20) - 3 + over, b"a" * (1 << 20)
    assert stream.feed(b'"') == []
    got = [item for at in range(0, length, 1 << 20) for item in stream.feed(mib[: length - at])]
    got += stream.feed(b'"')
    if over:
        assert got[0] == ParseError("JSON token size limit exceeded")
    else:
        assert [len(str(text)) for text in got] == [length]


@pytest.mark.parametrize("over", [0, 1])
def test_a_message_of_more_than_2_mi_tokens_is_refused(over: int) -> None:
    stream = JsonStream()
    stream.feed(b"[")
    assert stream._tokens is not None
    stream._tokens._count = (2 << 20) - 2 + over  # as many tokens as this would take seconds
    (got,) = stream.feed(b"1]")[:1]
    assert got == (ParseError("JSON token count limit exceeded") if over else [1])


def test_the_limits_are_qemus() -> None:
    assert Limits() == Limits(size=64 * 1024 * 1024, tokens=2 * 1024 * 1024, nesting=1024)


def _cost(size: int) -> float:
    data = b'{"execute": "' + b"a" * size + b'"}\n'
    stream, began, got = JsonStream(), time.process_time(), []
    for at in range(0, len(data), 4096):
        got += stream.feed(data[at : at + 4096])
    assert len(got) == 1
    return time.process_time() - began


def test_a_long_string_in_small_pieces_costs_in_proportion_to_its_length() -> None:
    small = min(_cost(1 << 20) for _ in range(3))
    assert _cost(16 << 20) < 16 * max(small, 0.002) * 6


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_are_read_as_c_reads_them(value: float) -> None:
    (got,) = whole(repr(value).encode() + b" ")
    assert got == value
    assert math.copysign(1, got) == math.copysign(1, value)
