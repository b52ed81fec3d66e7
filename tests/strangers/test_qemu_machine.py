"""QEMU's Python test harness: the monitor is one end of a pair of sockets, made by the parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, cast

import pytest
from qemu.qmp.legacy import QEMUMonitorProtocol

from tests.process import TIMEOUT, daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextlib.contextmanager
def current_loop() -> Iterator[None]:
    """An event loop for the monitor to find: one that it makes by itself it leaves open."""
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        yield
        asyncio.set_event_loop(None)


@contextlib.contextmanager
def launched(folder: Path, *options: str, fds: Sequence[int] = ()) -> Iterator[Any]:
    """What QEMUMachine's `launch` does, with the command line that it makes."""
    ours, theirs = socket.socketpair()
    os.set_inheritable(theirs.fileno(), True)
    words = (
        *("-display", "none", "-vga", "none"),
        *("-chardev", f"socket,id=mon,fd={theirs.fileno()}"),
        *("-mon", "chardev=mon,mode=control"),
        *("-machine", "virt"),
        *options,
    )
    with daemon(folder, *words, pass_fds=[theirs.fileno(), *fds]) as process, current_loop():
        theirs.close()
        monitor = cast("Any", QEMUMonitorProtocol)(ours, nickname="mon")
        try:
            monitor.connect()
            yield monitor
            assert monitor.cmd("quit") == {}
        finally:
            with contextlib.suppress(EOFError):  # as QEMUMachine does, after `quit`
                monitor.close()
        assert process.wait(TIMEOUT) == 0
        assert process.communicate() == ("", "")


def test_a_machine_is_launched_asked_and_shut_down(tmp_path: Path) -> None:
    with launched(tmp_path, "-smp", "2,maxcpus=4") as monitor:
        assert monitor.cmd("query-status") == {"status": "running", "running": True}
        assert len(monitor.cmd("query-hotpluggable-cpus")) == 4
    assert list(tmp_path.iterdir()) == []


def test_the_console_is_the_other_end_of_another_pair(tmp_path: Path) -> None:
    """As QEMUMachine does it after `set_console()`; the tests then look for a line."""
    ours, theirs = socket.socketpair()
    ours.settimeout(TIMEOUT)
    os.set_inheritable(theirs.fileno(), True)
    console = ("-chardev", f"socket,id=console,fd={theirs.fileno()}", "-serial", "chardev:console")
    with ours, theirs, launched(tmp_path, *console, fds=[theirs.fileno()]) as monitor:
        theirs.close()
        heard = ours.makefile("rb")
        assert any(b"smp: Brought up 1 node, 2 CPUs" in line for line in heard)
        assert {"label": "console", "filename": "unix:", "frontend-open": True} in (
            monitor.cmd("query-chardev")
        )
        ours.sendall(b"nproc\r")
        assert any(line == b"2\r\n" for line in heard)
        heard.close()


def test_a_file_descriptor_is_handed_over_by_the_same_socket(tmp_path: Path) -> None:
    with launched(tmp_path) as monitor:
        read, write = os.pipe()
        monitor.send_fd_scm(read)
        assert monitor.cmd("getfd", fdname="pipe") == {}
        os.close(read)
        assert monitor.cmd("closefd", fdname="pipe") == {}
        with pytest.raises(BrokenPipeError):
            os.write(write, b"nobody reads any more")
        os.close(write)
