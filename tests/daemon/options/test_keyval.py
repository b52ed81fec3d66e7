import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.options.keyval import HelpRequest, KeyvalError, parse_keyval, parse_opts

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
        ("a=x,,,b=,,", {"a": "x,", "b": ","}),
        ("__x.y_a=1", {"__x.y_a": "1"}),
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
        ("a=1,b,,c", "Expected '=' after parameter 'b'"),
        ("1,2", "Invalid parameter '2'"),
        ("4,,", "Invalid parameter ''"),
        ("4,,a=1", "Invalid parameter ''"),
        (",a=1", "Invalid parameter ''"),
        ("4,_a=1", "Invalid parameter '_a'"),
        ("4,_", "Invalid parameter '_'"),
        ("4,cpus.x=1", "Parameters 'cpus.*' used inconsistently"),
        ("a.b.c=1,a=1", "Parameters 'a.*' used inconsistently"),
        ("a.b.c=1,__x.y_a.b=1", None),
    ],
)
def test_keyval_takes_no_bare_words_and_no_odd_keys(text: str, complaint: str | None) -> None:
    if complaint is None:
        assert parse_keyval(text)
        return
    with pytest.raises(KeyvalError) as refused:
        parse_keyval(text, "cpus")
    assert str(refused.value) == complaint


@pytest.mark.parametrize("text", ["help", "?", "4,help", "?,a=1", "help,a=,,"])
def test_keyval_may_ask_for_help(text: str) -> None:
    with pytest.raises(HelpRequest):
        parse_keyval(text, "cpus")


def test_keyval_that_asks_for_help_is_checked_all_the_same() -> None:
    with pytest.raises(KeyvalError):
        parse_keyval("help,4", "cpus")


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
    assert parse_keyval(f"a={text}") == {"a": first, "b": second}
    assert parse_opts(text, "a") == {"a": first, "b": second}


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    parse_opts(text, "a")
    try:
        parse_keyval(text, "a")
    except HelpRequest:
        assert {"help", "?"} & {*text.split(",")}
    except KeyvalError as refused:
        assert "arameter" in str(refused)  # noqa: PT017 - either outcome is right
