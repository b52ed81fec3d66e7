"""Replies that are used again, and when they are not."""

from collections.abc import Callable

import pytest

from protocol.command import command
from protocol.encode import ABSENT
from protocol.kept import KeptReplies


def test_a_kept_reply_takes_each_requests_id() -> None:
    kept = KeptReplies()
    assert kept.keep("query-x", 1, b"[]", "a") == b'{"return": [], "id": "a"}\r\n'
    assert kept.find("query-x", 1, ABSENT) == b'{"return": []}\r\n'
    assert kept.find("query-x", 1, None) == b'{"return": [], "id": null}\r\n'


def test_a_reply_is_found_only_while_what_it_depends_on_is_equal() -> None:
    kept = KeptReplies()
    kept.keep("query-x", 1, b"[]", ABSENT)
    assert kept.find("query-x", 2, ABSENT) is None
    assert kept.find("query-y", 1, ABSENT) is None


def test_one_reply_is_held_for_a_command_however_often_it_changes() -> None:
    kept = KeptReplies()
    for token in range(100):
        kept.keep("query-x", token, b"%d" % token, ABSENT)
    assert kept.find("query-x", 99, ABSENT) == b'{"return": 99}\r\n'
    assert kept.find("query-x", 98, ABSENT) is None


def test_a_reply_that_depends_on_nothing_is_kept_for_ever() -> None:
    kept = KeptReplies()
    kept.keep("query-x", None, b"1", ABSENT)
    assert kept.find("query-x", None, ABSENT) == b'{"return": 1}\r\n'


def positional(_context: object, path: str) -> str:
    """Return what it was given."""
    return path


def by_keyword(_context: object, *, path: str = "") -> str:
    """Return what it was given."""
    return path


@pytest.mark.parametrize("handler", [positional, by_keyword])
def test_a_reply_that_depends_on_arguments_cannot_be_kept(handler: Callable[..., str]) -> None:
    with pytest.raises(TypeError, match="depends on arguments cannot be kept"):
        command("query-x", static=True)(handler)
