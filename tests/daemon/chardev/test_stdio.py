import asyncio
import contextlib
import os
import pty
import signal
import termios
from pathlib import Path

import pytest

from daemon.chardev.errors import ChardevError
from daemon.chardev.stdio import StdioBackend
from daemon.config import Chardev, NullChardev, StdioChardev
from daemon.server import Server
from tests.daemon.chardev.test_sockets import Echo
from tests.daemon.conftest import Run

LFLAG = 3


def backend(reader: int, writer: int, *, keys: bool = True) -> StdioBackend:
    made = StdioBackend(StdioChardev(id="x", signal=keys), (reader, writer))
    made.attach(Echo)
    return made


async def arrived(fd: int, size: int) -> bytes:
    """So many bytes, once they are there."""
    os.set_blocking(fd, False)
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(fd, ready.set)
    data = b""
    while len(data) < size:
        await ready.wait()
        ready.clear()
        with contextlib.suppress(BlockingIOError):  # woken twice for what was read at once
            data += os.read(fd, size)
    asyncio.get_running_loop().remove_reader(fd)
    return data


def test_pipes_carry_both_ways_and_block_again_afterwards(run: Run) -> None:
    async def story() -> None:
        our_input, their_output = os.pipe()
        their_input, our_output = os.pipe()
        device = backend(our_input, our_output)
        await device.start()
        assert device.filename == "stdio"
        assert device.opened.is_set()
        os.write(their_output, b"me")
        assert await arrived(their_input, 7) == b"hellome"
        assert not os.get_blocking(our_input)
        await device.close(1)
        assert os.get_blocking(our_input)
        assert os.get_blocking(our_output)
        assert await arrived(their_input, 3) == b"bye"
        for fd in (our_input, our_output, their_input, their_output):
            os.close(fd)

    run(story())


def test_input_that_ends_ends_the_conversation_and_no_more(run: Run) -> None:
    async def story() -> None:
        our_input, their_output = os.pipe()
        their_input, our_output = os.pipe()
        device = backend(our_input, our_output)
        await device.start()
        os.close(their_output)
        assert device.peer is not None
        await device.peer.closed.wait()
        assert not device.connected
        os.fstat(our_input)
        await device.close(1)
        for fd in (our_input, our_output, their_input):
            os.close(fd)

    run(story())


def test_files_are_read_to_their_end(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x" * 200_000)
    our_input = os.open(tmp_path / "in", os.O_RDONLY)
    our_output = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)

    async def story() -> None:
        device = backend(our_input, our_output)
        await device.start()
        assert device.peer is not None
        await device.peer.closed.wait()
        await device.close(1)

    run(story())
    assert (tmp_path / "out").read_bytes() == b"hello" + b"x" * 200_000
    os.close(our_input)
    os.close(our_output)


@pytest.mark.parametrize("keys", [True, False])
def test_a_terminal_is_raw_meanwhile_and_cooked_again_afterwards(run: Run, *, keys: bool) -> None:
    async def story() -> None:
        theirs, ours = pty.openpty()
        cooked = termios.tcgetattr(ours)
        device = backend(ours, ours, keys=keys)
        await device.start()
        raw = termios.tcgetattr(ours)
        assert not raw[LFLAG] & (termios.ICANON | termios.ECHO)
        assert bool(raw[LFLAG] & termios.ISIG) == keys
        os.write(theirs, b"\r")
        assert await arrived(theirs, 6) == b"hello\r"
        termios.tcsetattr(ours, termios.TCSANOW, cooked)  # as a shell does it
        os.kill(os.getpid(), signal.SIGCONT)
        while termios.tcgetattr(ours) != raw:  # noqa: ASYNC110 - a terminal tells nobody
            await asyncio.sleep(0)
        await device.close(1)
        assert termios.tcgetattr(ours) == cooked
        assert signal.getsignal(signal.SIGCONT) is signal.SIG_DFL
        os.close(ours)
        os.close(theirs)

    run(story())


def test_a_terminal_that_was_hung_up_is_left_without_complaint(run: Run) -> None:
    async def story() -> None:
        theirs, ours = pty.openpty()
        device = backend(ours, ours)
        await device.start()
        assert device.peer is not None
        os.close(theirs)
        await device.peer.closed.wait()
        await device.close(1)
        with pytest.raises(termios.error):
            termios.tcgetattr(ours)
        os.close(ours)

    run(story())


def test_standard_input_is_there_once() -> None:
    devices: list[Chardev] = [StdioChardev(id="a"), NullChardev(id="n"), StdioChardev(id="b")]
    with pytest.raises(ChardevError, match="cannot use stdio by multiple character devices"):
        Server(devices, [], lambda monitor: monitor.open())
