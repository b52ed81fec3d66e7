"""Out-of-band requests: what they overtake, and what they do not."""

import asyncio
import os
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.commands import COMMANDS
from daemon.connection import QUEUE_LENGTH, Connection, Limits
from daemon.fds import FdInbox
from daemon.version import VERSION
from protocol import capabilities
from protocol.command import collect, command
from protocol.greeting import Greeting
from protocol.session import Request, Session
from tests.daemon.conftest import Run
from tests.daemon.fakes import AGES, FakePump, FakeTransport, Line


@command("hurry", allow_oob=True)
def hurry(_context: object) -> None:
    """Do it at once."""


@command("wait")
def wait(_context: object) -> None:
    """Do it in turn."""


def enabled(limits: Limits = Limits()) -> Line:  # noqa: B008 - frozen
    line = Line(limits)
    line.session.oob = True
    line.sent()
    return line


def order(line: Line, said: str) -> list[str]:
    """What is answered, in its order, when all of it was said at once."""
    line.connection.data_received("".join(f"{word}\n" for word in said.split()).encode())
    return b"".join(line.sent()).decode().replace("did ", "").split()


def test_an_urgent_request_behind_five_is_answered_first() -> None:
    assert order(enabled(), "1 2 3 4 5 ^x") == ["x", "1", "2", "3", "4", "5"]


def test_an_urgent_request_behind_twenty_is_found_once_eight_wait() -> None:
    numbers = [str(number) for number in range(20)]
    answered = order(enabled(), " ".join([*numbers, "^x"]))
    assert answered.index("x") == 20 - QUEUE_LENGTH == 12
    assert [word for word in answered if word != "x"] == numbers


@given(st.lists(st.booleans(), max_size=60))
def test_whatever_is_urgent_waits_for_all_but_the_last_eight(urgent: list[bool]) -> None:
    said = [f"^{n}" if is_urgent else str(n) for n, is_urgent in enumerate(urgent)]
    expected: list[str] = []
    waiting: list[str] = []
    for n, is_urgent in enumerate(urgent):
        if is_urgent:
            ready = max(0, len(waiting) - QUEUE_LENGTH)
            expected += [*waiting[:ready], str(n)]
            del waiting[:ready]
        else:
            waiting.append(str(n))
    assert order(enabled(), " ".join(said)) == expected + waiting


@pytest.mark.parametrize("piece", [4, 8, 30])
def test_what_is_read_in_small_pieces_is_overtaken_all_the_same(run: Run, piece: int) -> None:
    said = "0 1 2 3 4 5 6 7 8 9 ^x 10 11 ^y 12 13 14 15 16 17 18 19 20 ^z 21"

    async def story() -> list[str]:
        line = enabled(Limits(piece=piece, batch=3, turn=0))
        answered = order(line, said)
        while line.connection._busy:
            await asyncio.sleep(0)
            answered += order(line, "")
        return answered

    assert run(story()) == order(enabled(), said)


def test_urgent_requests_keep_their_own_order() -> None:
    assert order(enabled(), "1 ^x 2 ^y ^z 3") == ["x", "y", "z", "1", "2", "3"]


def test_without_oob_everything_stays_in_order() -> None:
    line = Line()
    line.sent()
    assert order(line, "1 2 ^x 3") == ["1", "2", "x", "3"]


def test_complete_replies_wait_like_requests_and_are_overtaken() -> None:
    assert order(enabled(), "1 !wrong ^x") == ["x", "1", "wrong"]


def test_what_came_after_the_end_of_a_conversation_is_not_counted() -> None:
    line = enabled()
    assert order(line, "^quit 1 ^x 2") == ["quit"]
    assert not line.connection._urgent


def test_file_descriptors_stay_before_what_they_came_with() -> None:
    line = enabled()
    inbox = line.connection._inbox
    first, second = os.pipe()
    line.connection.fds_received((first,))
    line.connection.fds_received((second,))
    assert order(line, "1 ^x 2") == ["x", "1", "2"]
    assert inbox.take() == second
    os.close(second)


class Qmp:
    """A real session, with two commands, on a transport that remembers."""

    def __init__(self) -> None:
        table = collect([capabilities, sys.modules[__name__]])
        self.session = Session(table, Greeting.of(VERSION))
        self.connection = Connection(
            self.session,
            self.dispatch,
            pump=FakePump(),
            inbox=FdInbox(),
            limits=Limits(turn=AGES),
        )
        self.transport = FakeTransport(self.connection)
        self.connection.connection_made(self.transport)

    def dispatch(self, session: Session, request: Request) -> bytes:
        return session.encode_return(request, request.execute(None))

    def ids(self, said: str) -> list[Any]:
        """The ids of the answers to what was said in one piece."""
        self.transport.written.clear()
        self.connection.data_received(said.encode())
        lines = b"".join(self.transport.written).splitlines()
        return [line.partition(b'"id": ')[2][:1].decode() for line in lines]


ENABLE = '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": 0}'
SAID = (
    '{"execute": "wait", "id": 1}{"execute": "nosuch", "id": 2}'
    '{"exec-oob": "hurry", "id": 3}{"exec-oob": "wait", "id": 4}{"exec-oob": "hurry", "id": 5}'
)


def test_errors_of_urgent_requests_are_urgent_too() -> None:
    qmp = Qmp()
    assert qmp.ids(ENABLE) == ["0"]
    assert qmp.ids(SAID) == ["3", "4", "5", "1", "2"]


def test_who_has_not_enabled_it_is_answered_in_order() -> None:
    qmp = Qmp()
    assert qmp.ids('{"execute": "qmp_capabilities", "id": 0}') == ["0"]
    assert qmp.ids(SAID) == ["1", "2", "3", "4", "5"]


def test_it_may_be_enabled_and_used_in_one_piece() -> None:
    assert Qmp().ids(ENABLE + SAID) == ["3", "4", "5", "0", "1", "2"]


def test_the_greeting_offers_it() -> None:
    assert b'"oob"' in Greeting.of(VERSION).encode()
    assert "qmp_capabilities" in COMMANDS
