from hypothesis import given
from hypothesis import strategies as st

from daemon.intake import Intake


def test_a_piece_ends_with_the_last_line_that_fits() -> None:
    intake = Intake()
    intake.put(b"one\ntwo\nthree\n")
    assert intake.take(9) == b"one\ntwo\n"


def test_a_line_that_is_longer_than_a_piece_is_cut() -> None:
    intake = Intake()
    intake.put(b"abcdef\n")
    assert [intake.take(4), intake.take(4)] == [b"abcd", b"ef\n"]


@given(st.lists(st.binary(max_size=20)), st.integers(1, 8), st.data())
def test_pieces_are_what_was_put_in_its_order(
    said: list[bytes], size: int, draw: st.DataObject
) -> None:
    intake, pieces = Intake(), []
    for data in said:
        intake.put(data)
        if draw.draw(st.booleans()):
            pieces.append(intake.take(size))
    while intake:
        pieces.append(intake.take(size))
        assert pieces[-1]
    assert b"".join(pieces) == b"".join(said)
    assert max(map(len, pieces), default=0) <= size


def test_what_is_cleared_is_gone() -> None:
    intake = Intake()
    intake.put(b"ab")
    intake.clear()
    assert not intake
