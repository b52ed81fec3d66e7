import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.options.sizes import parse_bool, parse_int, parse_size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("62", 62),
        ("0x3E", 62),
        ("076", 62),
        (" 6", 6),
        ("+7", 7),
        ("-1", -1),
        ("08", None),
        ("6 ", None),
        ("1k", None),
        ("2.5", None),
        ("", None),
        ("٣", None),
    ],
)
def test_whole_numbers_are_read_in_the_notation_of_c(text: str, value: int | None) -> None:
    assert parse_int(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1B", 1),
        ("1k", 1024),
        ("1.5G", 3 << 29),
        (".5K", 512),
        ("1.M", 1 << 20),
        ("0x10M", 16 << 20),
        ("2T", 2 << 40),
        ("1.5", None),
        ("1.5B", None),
        ("16E", None),
        ("-1", None),
        ("1KB", None),
        ("G", None),
        ("", None),
    ],
)
def test_sizes_have_binary_suffixes_and_fractions_of_them(text: str, value: int | None) -> None:
    assert parse_size(text) == value


@given(st.integers(0, (1 << 64) - 1))
def test_every_number_of_bytes_can_be_said(size: int) -> None:
    assert parse_size(str(size)) == parse_size(hex(size)) == size


def test_switches_have_four_spellings_each_and_no_other() -> None:
    assert [parse_bool(text) for text in ("on", "yes", "true", "y")] == [True] * 4
    assert [parse_bool(text) for text in ("off", "no", "false", "n")] == [False] * 4
    assert parse_bool("ON") is parse_bool("1") is parse_bool("") is None
