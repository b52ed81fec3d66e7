"""Values of device properties: everything is text first, and numbers are C's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.errors import MachineError
from machine.qdev_values import (
    option_text,
    parse_bool,
    parse_int32,
    parse_number,
    parse_uint32,
    parse_uint64,
)


def text_of(value: object) -> str:
    return option_text("core-id", value, "integer")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (-1, "-1"),
        ("2", "2"),
        ("", ""),
        (98.0, "98"),
        (2.5, "2.5"),
        (1e20, "1e+20"),
        (True, "on"),
        (False, "off"),
    ],
)
def test_a_json_scalar_becomes_option_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, [2], {}, {"a": 1}])
def test_null_a_list_and_an_object_are_refused_by_name(value: object) -> None:
    with pytest.raises(MachineError) as refusal:
        text_of(value)
    assert str(refusal.value) == "Invalid parameter type for 'core-id', expected: integer"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("0", 0),
        ("0x62", 98),
        ("0X1f", 31),
        ("062", 50),
        (" 6", 6),
        ("+7", 7),
        ("-7", -7),
        ("-0x10", -16),
        ("\t-010", -8),
        ("18446744073709551616", 1 << 64),
    ],
)
def test_a_number_is_read_by_cs_rules(text: str, value: int) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2x",
        "2.5",
        "1k",
        "6 ",
        "on",
        "08",
        "0x",
        "x",
        "--1",
        "+ 7",
        "1e+20",
        "0b1",
        "1_0",
        "\N{NO-BREAK SPACE}6",
        "\N{ARABIC-INDIC DIGIT SIX}",
        "9" * 5000,
    ],
)
def test_what_is_no_number_to_c_is_none_here(text: str) -> None:
    assert parse_number(text) is None
    with pytest.raises(MachineError, match=r"^Parameter 'core-id' expects integer$"):
        parse_int32("core-id", text)
    with pytest.raises(MachineError, match=r"^Parameter 'rvbar' expects integer$"):
        parse_uint64("rvbar", text)


@given(st.integers(-(1 << 63), (1 << 64) - 1))
def test_decimal_hexadecimal_and_octal_are_the_same_number(value: int) -> None:
    sign, size = "-" if value < 0 else "", abs(value)
    octal = f"{sign}0{size:o}"
    assert parse_number(f"{value}") == parse_number(f"{sign}{size:#x}") == value
    assert parse_number(octal) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2147483648", "int32_t"),
        ("-2147483649", "int32_t"),
        ("9223372036854775807", "int32_t"),
        ("9223372036854775808", "integer"),
        ("18446744073709551615", "integer"),
    ],
)
def test_too_large_an_int32_is_refused_by_how_much_too_large_it_is(text: str, kind: str) -> None:
    with pytest.raises(MachineError) as refusal:
        parse_int32("core-id", text)
    assert str(refusal.value) == f"Parameter 'core-id' expects {kind}"


@pytest.mark.parametrize("value", [-(1 << 31), -1, 0, (1 << 31) - 1])
def test_an_int32_holds_what_32_bits_hold(value: int) -> None:
    assert parse_int32("core-id", str(value)) == value


def test_minus_one_is_all_ones_to_an_unsigned_property() -> None:
    assert parse_uint64("rvbar", "-1") == (1 << 64) - 1


def test_an_uint64_ends_at_64_bits() -> None:
    assert parse_uint64("rvbar", str((1 << 64) - 1)) == (1 << 64) - 1
    for text in (str(1 << 64), str(-(1 << 63) - 1)):
        with pytest.raises(MachineError, match="expects integer"):
            parse_uint64("rvbar", text)


def test_an_uint32_ends_at_32_bits() -> None:
    assert parse_uint32("psci-conduit", "4294967295") == 0xFFFFFFFF
    for text in ("4294967296", "-1"):
        with pytest.raises(MachineError, match=r"^Parameter 'psci-conduit' expects uint32_t$"):
            parse_uint32("psci-conduit", text)


@pytest.mark.parametrize("text", ["on", "yes", "true", "y"])
def test_words_for_true(text: str) -> None:
    assert parse_bool("pmu", text) is True


@pytest.mark.parametrize("text", ["off", "no", "false", "n"])
def test_words_for_false(text: str) -> None:
    assert parse_bool("pmu", text) is False


@pytest.mark.parametrize("text", ["x", "1", "0", "", "ON", "on "])
def test_any_other_word_is_no_boolean(text: str) -> None:
    with pytest.raises(MachineError, match=r"^Parameter 'pmu' expects 'on' or 'off'$"):
        parse_bool("pmu", text)
