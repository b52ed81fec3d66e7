"""Asking for ``table``, ``session`` or ``talk`` is asking for a server without a machine.

``session`` is fresh; ``talk`` is negotiated and answers: bytes in, decoded replies out.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from protocol import capabilities
from protocol.command import CommandTable, collect
from protocol.errors import QmpError
from protocol.greeting import Greeting
from protocol.qapi.control import VersionInfo, VersionTriple
from protocol.session import Reply, Request, Session
from tests.protocol import commands

Talk = Callable[..., list[Any]]


def answer(session: Session, item: Request | Reply) -> bytes:
    """Do what a daemon does with one item."""
    if isinstance(item, Reply):
        return item.data
    try:
        return session.encode_return(item, item.execute(commands.Board()))
    except QmpError as error:
        return session.encode_error(item, error)


def converse(session: Session, data: bytes) -> list[bytes]:
    """Answer all that ``data`` asks."""
    return [answer(session, item) for item in session.receive_data(data)]


@pytest.fixture(scope="session")
def table() -> CommandTable:
    return collect((commands, capabilities))


@pytest.fixture
def greeting() -> Greeting:
    triple = VersionTriple(major=9, minor=1, micro=50)
    return Greeting.of(VersionInfo(qemu=triple, package=""))


@pytest.fixture
def session(table: CommandTable, greeting: Greeting) -> Session:
    return Session(table, greeting)


@pytest.fixture
def talk(session: Session) -> Talk:
    converse(session, b'{"execute": "qmp_capabilities"}')

    def say(data: bytes | str) -> list[Any]:
        raw = data.encode() if isinstance(data, str) else data
        return [json.loads(line) for line in converse(session, raw)]

    return say
