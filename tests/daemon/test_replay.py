"""What was recorded, run again: by the tool, whatever moved the clock, whoever spoke."""

from __future__ import annotations

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from daemon.main import run as armvirtd
from daemon.options.table import parse
from daemon.version import own_version
from tests.chatter import OPTIONS, Chatter
from tests.daemon.live import Client, client_at, greeted, serving
from tests.process import connected, daemon

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from daemon.app import App
    from tests.daemon.conftest import Run

Entry = dict[str, Any]
PLUG: dict[str, Any] = {"driver": "cortex-a72-arm-cpu", "id": "c2", "core-id": 2}
CLOCKS = ("wall", "rate=2000", "stepped")


class Tape:
    """A recording, and the tool that is asked about it."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys

    @property
    def lines(self) -> list[Entry]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def write(self, lines: list[Entry]) -> None:
        self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def of(self, what: str) -> list[Entry]:
        return [entry for entry in self.lines[1:] if entry["what"] == what]

    def replayed(self) -> tuple[int, str]:
        """Exit status of the tool, and what it says on either stream."""
        self._capsys.readouterr()
        status = armvirtd(["replay", str(self.path)])
        told = self._capsys.readouterr()
        return status, told.out + told.err

    def check(self) -> None:
        """It is found to be identical, all of it."""
        assert self.replayed() == (0, f"identical: {len(self.of('out'))} messages\n")


@pytest.fixture
def tape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tape:
    return Tape(tmp_path / "run.jsonl", capsys)


def record(
    run: Run, tape: Tape, *options: str, story: Callable[[App, Path], Awaitable[None]]
) -> None:
    """Have this told to a daemon that records."""

    async def told() -> None:
        async with serving(parse([*options, "--record", str(tape.path)])) as app:
            await story(app, tape.path.parent)

    run(told())


def at(folder: Path, name: str, more: str = "") -> str:
    return f"unix:{folder / name},server=on,wait=off{more}"


# Long ones


def converse(clients: list[socket.socket], seed: int, count: int = 150) -> None:
    """A random conversation; each is answered before the next one speaks."""
    for client in clients:
        say(client, b'{"execute": "qmp_capabilities"}\n')
    chatter = Chatter(seed)
    for piece in chatter.pieces(count):
        say(clients[chatter.monitor(len(clients))], piece)


def say(client: socket.socket, data: bytes) -> None:
    client.sendall(data + b'{"execute": "query-name", "id": "done"}\n')
    heard = b""
    while b'"id": "done"' not in heard:
        heard += client.recv(1 << 20)
        assert heard


@pytest.mark.parametrize("clock", CLOCKS)
def test_what_a_process_has_recorded_is_identical_when_it_is_run_again(
    tape: Tape, tmp_path: Path, clock: str
) -> None:
    monitors = ("-qmp", at(tmp_path, "a"), "-qmp-pretty", at(tmp_path, "b"))
    options = (*OPTIONS, "--clock", clock, "--record", "run.jsonl", *monitors)
    with daemon(tmp_path, *options) as process:
        clients = [connected(tmp_path / name, process) for name in "ab"]
        converse(clients, seed=CLOCKS.index(clock))
        clients[0].sendall(b'{"execute": "quit"}\n')
        assert process.wait(20) == 0
        for client in clients:
            client.close()
    assert len(tape.of("out")) > 150
    assert tape.lines[-1]["what"] == "end"
    tape.check()


def hammer(client: socket.socket, seed: int) -> None:
    """Say all of a conversation without waiting for answers, and listen until the end."""
    client.sendall(b'{"execute": "qmp_capabilities"}\n' + b"".join(Chatter(seed).pieces(100)))
    client.shutdown(socket.SHUT_WR)
    while client.recv(1 << 20):
        pass
    client.close()


@pytest.mark.parametrize("clock", CLOCKS)
def test_clients_that_all_speak_at_once_speak_in_the_same_order_again(
    tape: Tape, tmp_path: Path, clock: str
) -> None:
    monitors = [word for name in "abc" for word in ("-qmp", at(tmp_path, name))]
    options = (*OPTIONS, "--clock", clock, "--record", "run.jsonl", *monitors)
    with daemon(tmp_path, *options) as process, ThreadPoolExecutor() as pool:
        clients = [connected(tmp_path / name, process) for name in "abc"]
        list(pool.map(hammer, clients, range(3)))
        process.terminate()
        assert process.wait(20) == 0
    tape.check()


def test_a_daemon_that_was_killed_leaves_a_recording_that_can_be_used(
    tape: Tape, tmp_path: Path
) -> None:
    with daemon(tmp_path, "--record", "run.jsonl", "-qmp", at(tmp_path, "a")) as process:
        client = connected(tmp_path / "a", process)
        converse([client], seed=7, count=30)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        client.close()
    status, told = tape.replayed()
    assert (status, told.startswith("identical: ")) == (0, True)
    assert told.endswith(" messages (the recording has no end: its daemon was killed)\n")


# Whoever says something


async def plugs(client: Client) -> None:
    """A plug, until the guest has taken it."""
    assert await client.asks("device_add", **PLUG) == {}
    while "event" not in await client.hears():
        pass


def test_clients_that_come_and_go_and_a_signal(run: Run, tape: Tape, tmp_path: Path) -> None:
    async def story(_app: App, folder: Path) -> None:
        for name in ("x", "y"):
            client = await client_at(folder / "a")
            assert await client.asks("device_add", **PLUG | {"id": name}) is not None
            client.sock.close()
        last = await client_at(folder / "a")
        assert await last.asks("query-status")
        last.sock.close()

    record(run, tape, "-qmp", at(tmp_path, "a"), story=story)
    assert [len(tape.of(what)) for what in ("open", "close", "signal", "end")] == [3, 3, 1, 1]
    tape.check()


def test_a_machine_that_waits_for_its_client(run: Run, tape: Tape, tmp_path: Path) -> None:
    async def story(_app: App, folder: Path) -> None:
        client = await client_at(folder / "a")
        await plugs(client)
        client.sock.close()

    options = ("-qmp", at(tmp_path, "a").replace("wait=off", "wait=on"))
    record(run, tape, *options, story=story)
    assert len(tape.of("start")) == 1
    tape.check()


@pytest.mark.parametrize("clock", ["wall", "stepped"])
def test_a_machine_that_a_client_has_created(
    run: Run, tape: Tape, tmp_path: Path, clock: str
) -> None:
    async def story(_app: App, folder: Path) -> None:
        client = await client_at(folder / "a")
        assert await client.asks("query-hotpluggable-cpus")
        client.says("x-exit-preconfig")
        while "return" not in await client.hears():
            pass
        assert await client.asks("device_add", **PLUG) is not None
        client.sock.close()

    record(run, tape, "--preconfig", "--clock", clock, "-qmp", at(tmp_path, "a"), story=story)
    tape.check()


def test_what_was_typed_at_the_serial_port_and_what_came_of_it(
    run: Run, tape: Tape, tmp_path: Path
) -> None:
    async def story(_app: App, folder: Path) -> None:
        client = await client_at(folder / "a")
        serial = Client(socket.socket(socket.AF_UNIX))
        serial.sock.connect(str(folder / "s"))
        serial.sock.send(b"echo o > /proc/sysrq-trigger\n")
        assert (await client.hears())["event"] == "SHUTDOWN"
        for each in (client, serial):
            each.sock.close()

    options = ("-qmp", at(tmp_path, "a"), "-serial", at(tmp_path, "s"))
    record(run, tape, *options, story=story)
    assert "".join(entry["data"] for entry in tape.of("serial")).startswith("echo o")
    tape.check()


def test_a_terminal_and_requests_out_of_band(run: Run, tape: Tape, tmp_path: Path) -> None:
    async def story(_app: App, folder: Path) -> None:
        terminal = Client(socket.socket(socket.AF_UNIX))
        terminal.sock.connect(str(folder / "t"))
        terminal.sock.setblocking(False)
        client = await greeted(folder / "a")
        assert await client.asks("qmp_capabilities", enable=["oob"]) == {}
        client.sock.send(b'{"execute": "query-status"}{"exec-oob": "x-query-vcpus", "id": 1}')
        assert (await client.hears())["id"] == 1
        assert "status" in (await client.hears())["return"]
        terminal.sock.send(b"stop\r")
        assert (await client.hears())["event"] == "STOP"
        for each in (client, terminal):
            each.sock.close()

    record(run, tape, "-qmp", at(tmp_path, "a"), "-monitor", at(tmp_path, "t"), story=story)
    assert {entry["who"] for entry in tape.of("out")} == {"compat_monitor0", "compat_monitor1"}
    tape.check()


def test_what_the_host_gives_is_not_compared(run: Run, tape: Tape, tmp_path: Path) -> None:
    async def story(_app: App, folder: Path) -> None:
        client = await client_at(folder / "a")
        assert "fd" in await client.asks("add-fd", fds=1)
        assert await client.asks("query-fdsets")
        assert await client.asks("query-chardev")
        assert await client.asks("getfd", fds=1, fdname="f") == {}
        client.sock.close()

    record(run, tape, "-qmp", at(tmp_path, "a"), story=story)
    assert [entry["data"] for entry in tape.of("fds")] == ["1", "1"]
    tape.check()


def test_another_client_in_the_middle_of_a_step(run: Run, tape: Tape, tmp_path: Path) -> None:
    async def story(app: App, folder: Path) -> None:
        first, second = await client_at(folder / "a"), await client_at(folder / "b")
        await app.server.wait_for_clients()
        first.says("x-clock-run-until", event="DEVICE_DELETED", timeout_ns=10**18)
        assert await second.asks("device_add", **PLUG) == {}
        second.says("x-query-clock")
        first.sock.close()
        second.sock.close()

    monitors = ("-qmp", at(tmp_path, "a"), "-qmp", at(tmp_path, "b"))
    record(run, tape, "--clock", "stepped", *monitors, story=story)
    tape.check()


# What is wrong


@pytest.fixture
def short(run: Run, tape: Tape, tmp_path: Path) -> Tape:
    """A short recording."""

    async def story(_app: App, folder: Path) -> None:
        client = await client_at(folder / "a")
        await plugs(client)
        client.sock.close()

    record(run, tape, "-qmp", at(tmp_path, "a"), story=story)
    tape.check()
    return tape


def test_a_reply_that_was_changed_is_found_in_its_line(short: Tape) -> None:
    lines = short.lines
    place = next(n for n, entry in enumerate(lines) if "ACPI_DEVICE_OST" in entry.get("data", ""))
    place = next(n for n in range(place, len(lines)) if lines[n]["what"] == "out")
    lines[place]["data"] = lines[place]["data"].replace('"c2"', '"c3"')
    short.write(lines)
    status, told = short.replayed()
    assert status == 1
    first, expected, got = told.splitlines()
    assert first == f"{short.path}:{place + 1}: differs"
    assert ('"c3"' in expected, '"c2"' in got) == (True, True)


def test_an_event_at_another_time_is_found(short: Tape) -> None:
    lines = short.lines
    place = next(n for n, e in enumerate(lines[1:], 1) if '"event"' in e.get("data", ""))
    lines[place]["t"] += 1
    short.write(lines)
    assert short.replayed()[1].startswith(f"{short.path}:{place + 1}: differs\n")


def test_a_message_that_is_left_out_is_found(short: Tape) -> None:
    lines = short.lines
    place = max(n for n, entry in enumerate(lines[1:], 1) if entry["what"] == "out")
    del lines[place]
    short.write(lines)
    status, told = short.replayed()
    assert (status, told.splitlines()[0]) == (1, f"{short.path}:{place + 1}: differs")


def test_a_command_that_was_changed_is_found_at_its_reply(short: Tape) -> None:
    lines = short.lines
    place = next(n for n, e in enumerate(lines[1:], 1) if "device_add" in e.get("data", ""))
    lines[place]["data"] = lines[place]["data"].replace("device_add", "device_xyz")
    short.write(lines)
    reply = next(n for n in range(place, len(lines)) if lines[n]["what"] == "out")
    status, told = short.replayed()
    assert (status, told.splitlines()[0]) == (1, f"{short.path}:{reply + 1}: differs")


def test_another_version_is_said(short: Tape) -> None:
    lines = short.lines
    lines[0]["armvirtd"] = "0.0.7"
    short.write(lines)
    status, told = short.replayed()
    assert status == 0
    assert f"recorded by armvirtd 0.0.7, replayed by {own_version()}\n" in told


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda _: "", "the file is empty"),
        (lambda _: "nonsense\n", "not a recording of armvirtd"),
        (lambda _: "[1]\n", "not a recording of armvirtd"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "a recording of format 2, and"),
        (lambda text: text[:-10], "the file ends within a line"),
        (lambda text: text + "nonsense\n", "Expecting value"),
        (lambda text: text + '{"t": 1}\n', "Object missing required field `n`"),
        (lambda text: text.replace('"do"', '"dance"', 1), "Invalid enum value 'dance'"),
        (lambda text: text.replace("compat_monitor0", "m"), "no monitor 'm'"),
        (lambda text: text.replace('"-qmp"', '"-qmq"'), "-qmq: invalid option"),
        (lambda text: text.replace('"-qmp", "unix:', '"-h", "unix:'), "starts no machine"),
    ],
)
def test_a_file_that_is_none_is_one_clear_line(
    short: Tape, change: Callable[[str], str], complaint: str
) -> None:
    short.path.write_text(change(short.path.read_text()))
    status, told = short.replayed()
    assert status == 1
    assert len(told.splitlines()) == 1
    assert complaint in told


def test_a_file_that_is_not_there(tape: Tape) -> None:
    expected = f"armvirtd: could not open '{tape.path}': No such file or directory\n"
    assert tape.replayed() == (1, expected)


def test_no_file_is_a_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert armvirtd(["replay"]) == 1
    assert capsys.readouterr().err == "usage: armvirtd replay FILE\n"


def test_a_recording_that_can_not_be_written_is_no_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none" / "r"
    assert armvirtd(["--record", str(path), "-qmp", at(tmp_path, "a")]) == 1
    assert f"could not open '{path}': No such file or directory" in capsys.readouterr().err


def test_a_password_is_not_recorded(run: Run, tape: Tape, tmp_path: Path) -> None:
    async def story(_app: App, folder: Path) -> None:
        client = await client_at(folder / "a")
        client.sock.close()

    broker = ("--mqtt", "mqtt://me:secret@127.0.0.1:1")
    record(run, tape, *broker, "-qmp", at(tmp_path, "a"), story=story)
    assert "secret" not in tape.path.read_text()
    assert tape.path.stat().st_mode & 0o777 == 0o600
    tape.check()
