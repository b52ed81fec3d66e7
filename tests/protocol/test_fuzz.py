"""Bytes that nobody would send: cut anywhere, bent, or without end.

Seeds are fixed, so a failure comes again.
"""

import random
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice, product

import pytest

from protocol.command import CommandTable
from protocol.greeting import Greeting
from protocol.session import Reply, Session
from protocol.stream import JsonStream, Limits
from tests.protocol.conftest import converse
from tests.protocol.recorded import CASES, sent
from tests.protocol.test_stream import typed

NEGOTIATE = b'{"execute": "qmp_capabilities"}\n'
CONVERSATION = [
    b'{"execute": "query-status"}\n',
    b'{"execute": "query-status", "id": "a:b"}\r\n',
    b'{"execute":"qom-get","arguments":{"path":"/machine","property":"type"},"id":[1,{"a":2}]}\n',
    b'{\n    "execute": "device_add",\n    "arguments": {"driver": "x", "id": "cpu1"}\n}\n',
    b"{'execute': 'query-uuid', 'id': -0.5e-3}",
    '{"execute": "device_del", "arguments": {"id": "é\\u00e9\\ud83d\\ude00"}, "id": 7}'.encode(),
    b'{"exec-oob": "migrate-pause", "id": null}\n',
    b'{"execute": "qom-list", "arguments": {"path": "/"}} {"execute": "query-name"}\n',
]
RECORDED = [data for case in CASES for data in map(sent, case["steps"]) if len(data) < 200]
SHARP = b"\"'\\{}[]:,\x00\x07\t\n\r \xc0\x80\xe2\xfe\xff0e-.tn"

Make = Callable[[], Session]


@pytest.fixture
def make(table: CommandTable, greeting: Greeting) -> Make:
    """Make a negotiated session."""

    def negotiated() -> Session:
        session = Session(table, greeting)
        converse(session, NEGOTIATE)
        return session

    return negotiated


def bent(data: bytes, chance: random.Random) -> bytes:
    """A message with a few bytes lost, doubled, or changed for ones that mean something."""
    body = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(body))
        match chance.randrange(4):
            case 0:
                del body[at : at + chance.randrange(1, 4)]
            case 1:
                body[at:at] = body[at : at + chance.randrange(1, 9)]
            case 2:
                body[at] = chance.choice(SHARP)
            case _:
                body[at] = chance.randrange(256)
        if not body:
            return b"{"
    return bytes(body)


def bent_conversations(seed: int, count: int) -> Iterator[bytes]:
    chance = random.Random(seed)  # noqa: S311 - the same each time
    for _ in range(count):
        yield b"".join(bent(chance.choice(CONVERSATION), chance) for _ in range(3))


def test_a_cut_at_any_position_changes_no_reply(make: Make) -> None:
    for data in [*CONVERSATION, *RECORDED]:
        whole = converse(make(), data)
        for at in range(1, len(data)):
            session = make()
            assert converse(session, data[:at]) + converse(session, data[at:]) == whole


@pytest.mark.parametrize("seed", range(3))
def test_bent_messages_are_read_alike_on_the_fast_and_on_the_slow_path(seed: int) -> None:
    for data in bent_conversations(seed, 200):
        for line in data.splitlines(keepends=True):
            assert typed(JsonStream().feed(line)) == typed(JsonStream(fast=False).feed(line))


@pytest.mark.parametrize("seed", range(3))
def test_bent_messages_raise_nothing_and_0xff_brings_the_session_back(
    make: Make, seed: int
) -> None:
    for data in bent_conversations(seed, 200):
        session = make()
        pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
        replies = [line for piece in pieces for line in converse(session, piece)]
        assert replies == converse(make(), data)
        session.receive_data(b"\xff")
        (answer,) = converse(session, b'{"execute": "query-name", "id": 1}')
        assert answer == b'{"return": {}, "id": 1}\r\n'


def _words(*words: bytes) -> Iterator[bytes]:
    """40 KiB of the words in turn, in pieces."""
    piece = (b"".join(words) * 1024)[:1024]
    return iter([piece] * 40)


def _noise() -> Iterator[bytes]:
    chance = random.Random(1)  # noqa: S311 - the same each time
    return (chance.randbytes(1024) for _ in range(40))


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(lambda: _words(b"a"), id="a word"),
        pytest.param(lambda: _words(b"1"), id="a number"),
        pytest.param(lambda: _words(b"["), id="openers"),
        pytest.param(lambda: _words(b"]"), id="closers"),
        pytest.param(lambda: _words(b" "), id="space"),
        pytest.param(lambda: _words(b"\r\n"), id="empty lines"),
        pytest.param(_noise, id="noise"),
        pytest.param(lambda: iter([b'"', *_words(b"a")]), id="a string"),
        pytest.param(lambda: iter([b'"', *_words(b"\\n")]), id="escapes"),
        pytest.param(lambda: iter([b"[", *_words(b"1,")]), id="a list"),
        pytest.param(lambda: iter([b"[", *_words(b'"a",')]), id="a list of strings"),
        pytest.param(lambda: iter([b"+", *_words(b"a")]), id="what follows an error"),
        pytest.param(lambda: iter([b"{", *_words(b'"a":[1],')]), id="an object"),
    ],
)
def test_what_a_client_sends_without_end_is_not_held(
    table: CommandTable, greeting: Greeting, endless: Callable[[], Iterator[bytes]]
) -> None:
    session = Session(table, greeting, limits=Limits(size=1 << 12, tokens=1 << 8, nesting=64))
    pieces = endless()
    for piece in islice(pieces, 20):
        session.receive_data(piece)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for piece in pieces:
        session.receive_data(piece)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 1 << 15


def test_a_session_remembers_a_bounded_number_of_lines(make: Make) -> None:
    session = make()
    tracemalloc.start()
    for before, after in product(range(40), repeat=2):
        session.receive_data(b" " * before + b'{"execute":"query-name"}' + b" " * after + b"\n")
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 1 << 15
    assert isinstance(session.receive_data(b"[]\n")[0], Reply)
