"""A pseudo-terminal as a character device: its other end is a terminal of its own (pty(7))."""

from __future__ import annotations

import asyncio
import logging
import os
import pty
import tty
from functools import partial

from daemon.chardev.backend import Backend
from daemon.chardev.errors import ChardevError
from daemon.chardev.transport import READ_SIZE, DescriptorTransport

log = logging.getLogger(__name__)


class PtyTransport(DescriptorTransport):
    """The master's side, which is its own from now on.

    The slave's side is kept open, too: without anybody there, the master could not be read.

    Args:
        loop: the event loop.
        protocol: whom it serves.
        master: the master's side; does not block.
        slave: the slave's side.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        master: int,
        slave: int,
    ) -> None:
        super().__init__(loop, protocol, (master, master), partial(os.write, master))
        self._slave = slave

    def _receive(self) -> bytes:
        return os.read(self._reader, READ_SIZE)

    def _release(self) -> None:
        os.close(self._reader)
        os.close(self._slave)


class PtyBackend(Backend):
    """A pseudo-terminal, raw until somebody makes it something else."""

    qom_type = "chardev-pty"

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self._name = ""

    @property
    def filename(self) -> str:
        """Which terminal is the other end, once there is one."""
        return f"pty:{self._name}" if self._name else "pty"

    async def start(self) -> None:
        """Open it, and say where its other end is.

        Raises:
            ChardevError: there is none to be had.
        """
        try:
            master, slave = pty.openpty()
        except OSError as error:
            raise ChardevError(f"Failed to create PTY: {error.strerror}") from None
        tty.setraw(slave)
        os.set_blocking(master, False)
        self._name = os.ttyname(slave)
        log.warning("char device redirected to %s (label %s)", self._name, self.label)
        PtyTransport(asyncio.get_running_loop(), self._next_peer(), master, slave).start()
        self.opened.set()
