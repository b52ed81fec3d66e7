import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.app import App, StartError
from daemon.config import (
    DaemonConfig,
    MonitorConfig,
    NullChardev,
    SocketChardev,
    TcpAddress,
    UnixAddress,
)
from daemon.options.table import parse
from tests.daemon.conftest import Run
from tests.daemon.descriptors import open_fds
from tests.daemon.live import client_at, running, serving


def test_a_hundred_clients_at_once_are_answered_and_leave_nothing_behind(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        before = open_fds()
        async with running(tmp_path, 100):
            clients = [await client_at(tmp_path / str(n)) for n in range(100)]
            for client in clients:
                for _ in range(20):
                    client.says("query-status")
            for client in clients:
                answers = [await client.hears() for _ in range(20)]
                assert all(answer["return"]["running"] for answer in answers)
            clients[0].says("stop")
            for client in clients:
                assert (await client.hears())["event"] == "STOP"
            for client in clients[::2]:
                client.sock.close()
        for client in clients:
            client.sock.close()
        assert open_fds() == before

    run(story())


def test_clients_that_queue_at_one_monitor_leave_nothing_behind(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        before = open_fds()
        async with running(tmp_path):
            first = await client_at(tmp_path / "0")
            waiting = [asyncio.create_task(client_at(tmp_path / "0")) for _ in range(10)]
            first.sock.close()
            served = await waiting[0]
            assert await served.asks("query-name") == {}
            served.sock.close()
            for client in waiting[1:]:
                (await client).sock.close()
        assert open_fds() == before

    run(story())


def test_a_daemon_that_is_cancelled_gives_everything_back(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        before = open_fds()
        config = DaemonConfig(
            chardevs=(SocketChardev(id="c", address=UnixAddress(path=str(tmp_path / "0"))),),
            monitors=(MonitorConfig(chardev="c"),),
            pidfile=str(tmp_path / "pid"),
        )
        app = App(config, loop=asyncio.get_running_loop())
        await app.start()
        serving = asyncio.create_task(app.run())
        client = await client_at(tmp_path / "0")
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        client.sock.close()
        assert open_fds() == before

    run(story())
    assert not list(tmp_path.iterdir())


def test_a_signal_ends_a_start_that_waits_for_a_server_to_answer(run: Run) -> None:
    async def story() -> None:
        before = open_fds()
        with silent_server() as port:
            address = TcpAddress(host="127.0.0.1", port=port)
            config = DaemonConfig(
                chardevs=(SocketChardev(id="c", address=address, server=False),),
                monitors=(MonitorConfig(chardev="c"),),
            )
            app = App(config, loop=asyncio.get_running_loop())
            asyncio.get_running_loop().call_soon(app.end_by_signal)
            await app.start()
            await app.run()
        assert open_fds() <= before

    run(story())


def test_a_machine_that_waits_for_a_client_stands_still_until_it_has_come(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        names = ("early", "awaited")
        config = DaemonConfig(
            chardevs=tuple(
                SocketChardev(
                    id=name, address=UnixAddress(path=str(tmp_path / name)), wait=name == "awaited"
                )
                for name in names
            ),
            monitors=tuple(MonitorConfig(chardev=name) for name in names),
        )
        async with serving(config):
            early = await client_at(tmp_path / "early")
            assert await early.asks("query-status") == {"status": "prelaunch", "running": False}
            awaited = await client_at(tmp_path / "awaited")
            assert (await early.hears())["event"] == "RESUME"
            assert await awaited.asks("query-status") == {"status": "running", "running": True}
        early.sock.close()
        awaited.sock.close()

    run(story())


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """The port of one whose queue is full, so that the kernel lets others wait."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            DaemonConfig(chardevs=(NullChardev(id="a"), NullChardev(id="a")), monitors=()),
            "Duplicate ID 'a' for chardev",
        ),
        (
            DaemonConfig(chardevs=(), monitors=(MonitorConfig(chardev="a"),)),
            'chardev "a" not found',
        ),
        (
            DaemonConfig(
                chardevs=(NullChardev(id="a"),),
                monitors=(MonitorConfig(chardev="a"), MonitorConfig(chardev="a")),
            ),
            "Device 'a' is in use",
        ),
    ],
)
def test_devices_and_monitors_that_do_not_go_together_are_refused(
    run: Run, config: DaemonConfig, words: str
) -> None:
    async def story() -> None:
        with pytest.raises(StartError) as refused:
            App(config, loop=asyncio.get_running_loop())
        assert str(refused.value) == words

    before = open_fds()
    run(story())
    assert open_fds() == before


def test_devices_are_in_the_object_tree(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, 2):
            client = await client_at(tmp_path / "0")
            listed = await client.asks("qom-list", path="/chardevs")
            assert {entry["name"]: entry["type"] for entry in listed} == {
                "type": "string",
                "c0": "child<chardev-socket>",
                "c1": "child<chardev-socket>",
            }
            address = {"type": "unix", "path": str(tmp_path / "1")}
            path = "/chardevs/c1"
            assert await client.asks("qom-get", path=path, property="addr") == address
            assert await client.asks("qom-get", path=path, property="connected") is False
            path = "/chardevs/c0"
            assert await client.asks("qom-get", path=path, property="connected") is True
            refused = "Property 'chardev-socket.connected' is not writable"
            assert (
                await client.asks("qom-set", path=path, property="connected", value=True) == refused
            )
            fds = await client.asks("qom-list-types", implements="chardev-fd")
            assert [entry["name"] for entry in fds] == ["chardev-file", "chardev-stdio"]
            client.sock.close()

    run(story())


@pytest.mark.parametrize("later", [(), ("--preconfig",)])
def test_cpus_that_were_forgotten_among_the_nodes_are_told_once(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, later: tuple[str, ...]
) -> None:
    nodes = "-m 256M -numa node,memdev=m0,cpus=0 -object memory-backend-ram,id=m0,size=256M"
    words = (*nodes.split(), "-qmp", f"unix:{tmp_path / '0'},server=on,wait=off")
    expected = ["warning: CPU(s) not present in any NUMA nodes", "warning: All CPU(s) up to max"]

    async def story() -> None:
        async with serving(parse([*words, *later])):
            if later:
                assert not caplog.messages
                client = await client_at(tmp_path / "0")
                client.says("x-exit-preconfig")
                assert (await client.hears())["event"] == "RESUME"
                client.sock.close()
        told = zip(caplog.messages, expected, strict=True)
        assert all(text.startswith(start) for text, start in told)

    run(story())
