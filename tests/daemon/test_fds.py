"""File descriptors that clients hand over: to whom, in which order, and that none is left open."""

import os
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from daemon.config import DaemonConfig, MonitorConfig, SocketChardev, TcpAddress
from daemon.fds import RESERVE, FdInbox, FdSets, NamedFds
from protocol.errors import QmpError
from tests.daemon.conftest import Run
from tests.daemon.descriptors import open_fds
from tests.daemon.fakes import Line
from tests.daemon.live import Client, client_at, running, serving

NONE = "No file descriptor supplied via SCM_RIGHTS"


def test_a_name_is_the_monitors_and_outlives_its_clients(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, 2):
            one, other = await client_at(tmp_path / "0"), await client_at(tmp_path / "1")
            assert await one.asks("getfd", fds=1, fdname="x") == {}
            refused = "File descriptor named 'x' not found"
            assert await other.asks("closefd", fdname="x") == refused
            one.sock.close()
            again = await client_at(tmp_path / "0")
            assert await again.asks("closefd", fdname="x") == {}
            assert await again.asks("closefd", fdname="x") == refused
            again.sock.close()
            other.sock.close()

    run(story())


def test_the_newest_that_came_are_there_for_the_next_that_asks(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path):
            client = await client_at(tmp_path / "0")
            assert await client.asks("getfd", fdname="x") == NONE
            before = open_fds()
            assert (await client.asks("query-status", fds=1))["running"]
            assert len(open_fds() - before) == 1
            assert await client.asks("query-name", fds=2) == {}
            assert len(open_fds() - before) == 2
            assert await client.asks("getfd", fdname="late") == {}
            assert len(open_fds() - before) == 1
            assert await client.asks("getfd", fdname="x") == NONE
            client.sock.close()

    run(story())


@pytest.mark.parametrize("left", [0, 1])
def test_the_last_ones_that_may_be_open_are_not_for_clients(left: int) -> None:
    inbox, fd = FdInbox(), os.open(os.devnull, os.O_RDONLY)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (fd + RESERVE + left, before[1]))
    try:
        inbox.put((fd,))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (fd in open_fds()) == bool(left)
    inbox.close()
    assert fd not in open_fds()


def test_what_a_client_leaves_is_not_the_next_ones(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path):
            client = await client_at(tmp_path / "0")
            before = open_fds()
            assert await client.asks("query-name", fds=1) == {}
            assert len(open_fds() - before) == 1
            client.sock.close()
            again = await client_at(tmp_path / "0")
            assert await again.asks("getfd", fdname="x") == NONE
            again.sock.close()

    run(story())


def test_what_nobody_gets_round_to_is_closed() -> None:
    before = open_fds()
    line = Line()
    line.connection.pause_writing()
    line.connection.fds_received(pipe())
    line.connection.data_received(b"a\n")
    assert len(open_fds() - before) == 2
    line.connection.connection_lost(None)
    assert open_fds() == before


def test_requests_that_are_sent_at_once_get_each_its_own(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path) as app:
            client = await client_at(tmp_path / "0")
            client.says("getfd", fds=1, fdname="a")
            client.says("getfd", fds=1, fdname="b")
            client.says("getfd", fdname="c")
            answers = [await client.hears() for _ in range(3)]
            assert ["return" in answer for answer in answers] == [True, True, False]
            fds = app.server.monitors[0].fds
            assert len({fds.take("a"), fds.take("b")} - open_fds()) == 0
            client.sock.close()

    run(story())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fdname": "1x"}, "Parameter 'fdname' expects a name not starting with a digit"),
        ({"fdname": 5}, "Invalid parameter type for 'fdname', expected: string"),
        ({}, "Parameter 'fdname' is missing"),
    ],
)
def test_getfd_refuses_in_qemus_words(
    run: Run, tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    async def story() -> None:
        async with running(tmp_path):
            client = await client_at(tmp_path / "0")
            assert await client.asks("getfd", fds=1, **arguments) == words
            assert await client.asks("getfd", fds=1, fdname="") == {}
            client.sock.close()

    run(story())


def test_sets_are_the_machines_and_shown_as_qemu_shows_them(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, 2):
            one, other = await client_at(tmp_path / "0"), await client_at(tmp_path / "1")
            first = await one.asks("add-fd", fds=1, opaque="o")
            second = await other.asks("add-fd", fds=1)
            third = await other.asks("add-fd", fds=1, fdset_id=0)
            numbers = [added["fdset-id"] for added in (first, second, third)]
            assert numbers == [0, 1, 0]
            assert await one.asks("query-fdsets") == [
                {"fdset-id": 1, "fds": [{"fd": second["fd"]}]},
                {"fdset-id": 0, "fds": [{"fd": first["fd"], "opaque": "o"}, {"fd": third["fd"]}]},
            ]
            assert await one.asks("remove-fd", fdset_id=0, fd=third["fd"]) == {}
            assert await one.asks("remove-fd", fdset_id=1) == {}
            left = [{"fdset-id": 0, "fds": [{"fd": first["fd"], "opaque": "o"}]}]
            one.sock.close()
            assert await other.asks("query-fdsets") == left
            other.sock.close()

    run(story())


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("add-fd", 0, {"fdset-id": -1}), NONE),
        (("add-fd", 1, {"fdset-id": -1}), "Parameter 'fdset-id' expects a non-negative value"),
        (("remove-fd", 0, {"fdset-id": 9}), "File descriptor named 'fdset-id:9' not found"),
        (
            ("remove-fd", 0, {"fdset-id": 0, "fd": 9999}),
            "File descriptor named 'fdset-id:0, fd:9999' not found",
        ),
        (("remove-fd", 0, {}), "Parameter 'fdset-id' is missing"),
    ],
)
def test_sets_refuse_in_qemus_words(
    run: Run, tmp_path: Path, said: tuple[str, int, dict[str, Any]], words: str
) -> None:
    name, fds, arguments = said

    async def story() -> None:
        async with running(tmp_path):
            client = await client_at(tmp_path / "0")
            assert await client.asks("add-fd", fds=1) != NONE
            before = await client.asks("query-fdsets")
            assert await client.asks(name, fds, **arguments) == words
            assert await client.asks("query-fdsets") == before
            client.sock.close()

    run(story())


def test_whatever_happens_none_is_left_open(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        before = open_fds()
        async with running(tmp_path):
            client = await client_at(tmp_path / "0")
            for name in ("a", "b", "a"):
                assert await client.asks("getfd", fds=3, fdname=name) == {}
            assert await client.asks("getfd", fds=1, fdname="1") != {}
            assert "fd" in await client.asks("add-fd", fds=2)
            client.says("query-name", fds=4)
            client.says("nosuch", fds=4)
            client.sock.close()
            last = await client_at(tmp_path / "0")
            last.says("stop", fds=3)
        last.sock.close()
        assert open_fds() == before

    run(story())


def test_tcp_sockets_bring_none(run: Run) -> None:
    async def story() -> None:
        config = DaemonConfig(
            chardevs=(SocketChardev(id="c", address=TcpAddress(host="127.0.0.1", port=0)),),
            monitors=(MonitorConfig(chardev="c"),),
        )
        async with serving(config) as app:
            address = app.server.chardevs["c"].filename.split(",")[0]
            client = Client(socket.create_connection(("127.0.0.1", int(address.split(":")[-1]))))
            client.sock.setblocking(False)
            assert "QMP" in await client.hears()
            assert await client.asks("qmp_capabilities") == {}
            assert await client.asks("getfd", fdname="x") == NONE
            client.sock.close()

    run(story())


def pipe() -> tuple[int, int]:
    return os.pipe()


def test_an_inbox_keeps_the_last_and_gives_the_first_of_them() -> None:
    before = open_fds()
    inbox = FdInbox()
    inbox.put(pipe())
    last = pipe()
    inbox.put(last)
    assert open_fds() - before == set(last)
    os.close(inbox.take())
    assert open_fds() == before
    with pytest.raises(QmpError, match=NONE):
        inbox.take()


def test_a_name_that_is_used_again_closes_the_older_one() -> None:
    before = open_fds()
    named = NamedFds()
    first, second = pipe()
    named.add("x", first)
    named.add("x", second)
    assert open_fds() - before == {second}
    named.close()
    assert open_fds() == before


def test_an_emptied_set_is_gone_and_its_number_free() -> None:
    before = open_fds()
    sets = FdSets()
    first, second = pipe()
    assert sets.add(first, None, None) == 0
    assert sets.add(second, 5, None) == 5
    sets.remove(0, first)
    assert [number for number, _ in sets.items()] == [5]
    assert sets.add(os.dup(second), None, None) == 0
    sets.close()
    assert open_fds() == before
