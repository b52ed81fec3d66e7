"""Where a monitor is, as it is typed."""

from __future__ import annotations

import pytest

from daemon.top.address import parse


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("qmp.sock", "unix:qmp.sock"),
        ("unix:a:b", "unix:a:b"),
        ("./unix", "unix:./unix"),
        ("tcp:host:4444", "tcp:host:4444"),
        ("tcp::4444", "tcp:localhost:4444"),
        ("tcp:[::1]:4444", "tcp:[::1]:4444"),
    ],
)
def test_an_address_is_a_path_or_says_what_it_is(typed: str, meant: str) -> None:
    assert str(parse(typed)) == meant


@pytest.mark.parametrize("typed", ["", "unix:", "tcp:", "tcp:host", "tcp:h:0", "tcp:h:65536"])
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"missing|is not tcp:HOST:PORT"):
        parse(typed)
