import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.options.keyval import KeyvalError, parse_keyval, parse_opts

VALUES = st.text(min_size=1).filter(lambda text: "=" not in text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("4", {"cpus": "4"}),
        ("4,maxcpus=6", {"cpus": "4", "maxcpus": "6"}),
        ("cpus=4,", {"cpus": "4"}),
        ("cpus=1,cpus=2", {"cpus": "2"}),
        ("a=x,,y,b=", {"a": "x,y", "b": ""}),
        ("a.b.0=1", {"a.b.0": "1"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_keyval_separates_by_single_commas_and_the_last_key_wins(
    text: str, found: dict[str, str]
) -> None:
    assert parse_keyval(text, "cpus") == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("4,kvm", "Expected '=' after parameter 'kvm'"),
        ("a=1,,b=2,,", None),
        ("1a=5", "Invalid parameter '1a'"),
        ("=5", "Invalid parameter ''"),
        ("a..b=5", "Invalid parameter 'a..b'"),
        ("a=1,b,,c", "Expected '=' after parameter 'b,,c'"),
    ],
)
def test_keyval_takes_no_bare_words_and_no_odd_keys(text: str, complaint: str | None) -> None:
    if complaint is None:
        assert parse_keyval(text)
        return
    with pytest.raises(KeyvalError) as refused:
        parse_keyval(text, "cpus")
    assert str(refused.value) == complaint


def test_without_an_implied_key_a_bare_first_word_is_an_error() -> None:
    with pytest.raises(KeyvalError):
        parse_keyval("virt")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x", {"driver": "x"}),
        ("x,server", {"driver": "x", "server": "on"}),
        ("x,server,nowait", {"driver": "x", "server": "on", "wait": "off"}),
        ("a,,b,id=c", {"driver": "a,b", "id": "c"}),
    ],
)
def test_a_bare_word_of_an_option_is_a_switch(text: str, found: dict[str, str]) -> None:
    assert parse_opts(text, "driver") == found


@given(VALUES, VALUES)
def test_any_value_survives_with_its_commas_written_twice(first: str, second: str) -> None:
    text = f"{first.replace(',', ',,')},b={second.replace(',', ',,')}"
    assert parse_keyval(text, "a") == {"a": first, "b": second}
    assert parse_opts(text, "a") == {"a": first, "b": second}


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    parse_opts(text, "a")
    try:
        parse_keyval(text, "a")
    except KeyvalError as refused:
        assert "parameter" in str(refused)  # noqa: PT017 - either outcome is right
