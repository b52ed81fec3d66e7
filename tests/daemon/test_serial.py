"""The serial port within a daemon: what goes in and out, and what is lost when nobody is there."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from daemon.app import App, StartError
from daemon.config import (
    Chardev,
    DaemonConfig,
    FileChardev,
    MonitorConfig,
    NullChardev,
    SocketChardev,
    UnixAddress,
)
from daemon.serial import LIMIT, READ_AHEAD
from machine.config import MachineConfig
from tests.daemon.conftest import Run
from tests.daemon.descriptors import open_fds
from tests.daemon.live import client_at, serving

DR, FR, LCR_H, EMPTY = 0x00, 0x18, 0x2C, 0x10
SMALL = MachineConfig(ram_size=256 << 20, paused=True)


def on_socket(folder: Path) -> SocketChardev:
    return SocketChardev(id="serial0", address=UnixAddress(path=str(folder / "tty")))


@asynccontextmanager
async def port(device: Chardev, *others: Chardev) -> AsyncIterator[App]:
    """A daemon whose serial port is on a device; its guest does not run."""
    config = DaemonConfig(machine=SMALL, chardevs=(device, *others), monitors=(), serial=device.id)
    async with serving(config) as app:
        yield app


async def connected(app: App, folder: Path) -> socket.socket:
    """A client, once it is served."""
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    client.connect(str(folder / "tty"))
    await app.server.chardevs["serial0"].opened.wait()
    return client


async def heard(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(client, 1 << 16)
        assert more, data
        data += more
    return data


def send(app: App, text: bytes) -> None:
    """As a guest would."""
    for character in text:
        app.machine.uart.write(DR, 4, character)


async def received(app: App, size: int) -> bytes:
    """As a guest would that polls."""
    data = bytearray()
    while len(data) < size:
        while app.machine.uart.read(FR, 4) & EMPTY:  # noqa: ASYNC110 - as a guest polls
            await asyncio.sleep(0)
        data.append(app.machine.uart.read(DR, 4))
    return bytes(data)


def test_characters_go_both_ways(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        before = open_fds()
        async with port(on_socket(tmp_path)) as app:
            client = await connected(app, tmp_path)
            send(app, b"login: ")
            assert await heard(client, 7) == b"login: "
            client.sendall(b"root\r")
            assert await received(app, 5) == b"root\r"
        assert client.recv(1) == b""
        client.close()
        assert open_fds() == before

    run(story())


def test_what_is_sent_to_nobody_is_lost(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            send(app, b"nobody hears this")
            assert app.machine.uart.sink is None
            client = await connected(app, tmp_path)
            send(app, b"but this")
            assert await heard(client, 8) == b"but this"
            client.close()
            await app.server.chardevs["serial0"].peer.closed.wait()  # type: ignore[union-attr]
            assert app.machine.uart.sink is None

    run(story())


def test_the_next_client_hears_what_comes_then(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            device = app.server.chardevs["serial0"]
            (await connected(app, tmp_path)).close()
            assert device.peer is not None
            await device.peer.closed.wait()
            device.opened.clear()
            client = await connected(app, tmp_path)
            send(app, b"again")
            assert await heard(client, 5) == b"again"
            client.close()

    run(story())


@pytest.mark.parametrize("fifos", [0x00, 0x10])
def test_input_waits_outside_until_the_guest_reads(run: Run, tmp_path: Path, fifos: int) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            app.machine.uart.write(LCR_H, 4, fifos)
            client = await connected(app, tmp_path)
            text = bytes(range(32, 127)) * 20
            client.sendall(text)
            assert await received(app, len(text)) == text
            assert app.machine.uart.on_room is None or not app.machine.uart.received
            client.close()

    run(story())


def test_what_waits_goes_on_after_a_reset(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            client = await connected(app, tmp_path)
            client.sendall(b"lost")
            assert await received(app, 1) == b"l"
            while not app.machine.uart.received:  # noqa: ASYNC110 - as a guest polls
                await asyncio.sleep(0)
            app.machine.system_reset()
            assert await received(app, 2) == b"st"
            client.close()

    run(story())


def test_what_a_client_said_before_it_left_still_arrives(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            client = await connected(app, tmp_path)
            client.sendall(b"poweroff\r")
            peer = app.server.chardevs["serial0"].peer
            assert peer is not None
            client.close()
            await peer.closed.wait()
            assert await received(app, 9) == b"poweroff\r"
            assert app.machine.uart.on_room is None

    run(story())


def test_a_client_that_says_much_is_not_read_from(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            client = await connected(app, tmp_path)
            text = bytes(range(64, 96)) * (4 * READ_AHEAD // 32)
            sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(client, text))
            assert await received(app, 1) == b"@"
            assert len(app._serial._input) < 3 * READ_AHEAD  # type: ignore[union-attr]
            app.machine.uart.write(LCR_H, 4, 0x10)
            assert b"@" + await received(app, len(text) - 1) == text
            await sending
            client.close()

    run(story())


def test_a_client_that_does_not_read_loses_and_the_machine_goes_on(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        async with port(on_socket(tmp_path)) as app:
            client = await connected(app, tmp_path)
            line = b"x" * 9_999 + b"\n"
            for _ in range(2 * LIMIT // len(line)):
                send(app, line)
                await asyncio.sleep(0)
            size = 0
            client.settimeout(0)
            send(app, b"!")
            while True:
                data = await asyncio.get_running_loop().sock_recv(client, 1 << 20)
                size += len(data)
                if size >= LIMIT:
                    break
            assert size < 2 * LIMIT
            client.close()

    run(story())


def test_a_file_has_all_from_the_first_line_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("old")

    async def story(*, append: bool) -> None:
        file = FileChardev(id="f", path=str(tmp_path / "log"), append=append)
        config = DaemonConfig(machine=SMALL, chardevs=(file,), monitors=(), serial="f")
        app = App(config, loop=asyncio.get_running_loop())
        send(app, b"early, ")
        await app.start()
        running = asyncio.create_task(app.run())
        send(app, b"late\n")
        app.end_by_signal()
        await running

    run(story(append=False))
    assert (tmp_path / "log").read_text() == "early, late\n"
    run(story(append=True))
    assert (tmp_path / "log").read_text() == "early, late\nearly, late\n"


def test_a_file_that_cannot_be_opened_is_told(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        before = open_fds()
        with pytest.raises(StartError, match=r"^Could not open '.*/no/log': No such file or dir"):
            async with port(FileChardev(id="f", path=str(tmp_path / "no" / "log"))):
                pass
        assert open_fds() == before

    run(story())


def test_a_monitor_and_the_serial_port_share_no_device(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        config = DaemonConfig(
            machine=SMALL,
            chardevs=(on_socket(tmp_path),),
            monitors=(MonitorConfig(chardev="serial0"),),
            serial="serial0",
        )
        with pytest.raises(StartError, match=r"^Device 'serial0' is in use$"):
            App(config, loop=asyncio.get_running_loop())

    run(story())


def test_a_client_sees_on_what_the_port_is(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        monitor = SocketChardev(id="m", address=UnixAddress(path=str(tmp_path / "qmp")))
        config = DaemonConfig(
            machine=SMALL,
            chardevs=(monitor, NullChardev(id="n")),
            monitors=(MonitorConfig(chardev="m"),),
            serial="n",
        )
        async with serving(config):
            client = await client_at(tmp_path / "qmp")
            listed = await client.asks("query-chardev")
            assert listed[1] == {"label": "n", "filename": "null", "frontend-open": True}
            path = "/machine/unattached/device[4]"
            assert await client.asks("qom-get", path=path, property="chardev") == "n"
            client.sock.close()

    run(story())


def test_a_machine_that_is_created_later_gets_what_was_typed(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        monitor = SocketChardev(id="m", address=UnixAddress(path=str(tmp_path / "qmp")))
        config = DaemonConfig(
            machine=SMALL,
            chardevs=(monitor, on_socket(tmp_path)),
            monitors=(MonitorConfig(chardev="m"),),
            serial="serial0",
            preconfig=True,
        )
        async with serving(config) as app:
            client = await client_at(tmp_path / "qmp")
            terminal = await connected(app, tmp_path)
            terminal.sendall(b"early")
            assert await client.asks("x-exit-preconfig") == {}
            assert await received(app, 5) == b"early"
            send(app, b"here")
            assert await heard(terminal, 4) == b"here"
            for sock in (terminal, client.sock):
                sock.close()

    run(story())
