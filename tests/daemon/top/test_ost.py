"""Reports of the guest, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.top.ost import failed, in_words

UNSIGNED = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("source", "status", "words", "bad"),
    [
        (0, 0, "", False),
        (1, 0, "device check: success", False),
        (1, 1, "device check: failure", True),
        (1, 0x80, "device check: in progress", False),
        (1, 0x81, "device check: driver load failure", True),
        (3, 0, "eject request: success", False),
        (3, 0x80, "eject request: not supported", True),
        (3, 0x81, "eject request: in use", True),
        (3, 0x82, "eject request: busy", True),
        (3, 0x83, "eject request: a dependency is busy", True),
        (3, 0x84, "eject request: in progress", False),
        (0x103, 0x82, "ejection by the guest: busy", True),
        (0x200, 0x82, "insertion: not supported", True),
        (3, 0x99, "eject request: status 0x99", True),
        (7, 2, "source 0x7: unrecognised notification", True),
    ],
)
def test_a_report_is_told_as_the_specification_means_it(
    source: int, status: int, words: str, *, bad: bool
) -> None:
    assert in_words(source, status) == words
    assert failed(source, status) is bad


@given(UNSIGNED, UNSIGNED)
def test_no_report_is_too_strange(source: int, status: int) -> None:
    assert bool(in_words(source, status)) is (source != 0)
    assert not (status == 0 and failed(source, status))
