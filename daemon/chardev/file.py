"""A file as a character device: what is sent is written there, and nothing ever comes from it."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from daemon.chardev.backend import Backend
from daemon.chardev.errors import ChardevError
from daemon.chardev.transport import DescriptorTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.config import FileChardev

MODE = 0o666
"""Permissions of a new file, before the umask."""


class FileTransport(DescriptorTransport):
    """An open file, which is its own from now on.

    Args:
        loop: the event loop.
        protocol: whom it serves.
        fd: the file; does not block.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        fd: int,
    ) -> None:
        super().__init__(loop, protocol, (fd, fd), partial(os.write, fd))

    def _receive(self) -> bytes:
        raise BlockingIOError

    def _watch(self, callback: Callable[[], None]) -> None:
        """Nothing comes from here."""

    def _stop_watching(self) -> None:
        """Nobody watches."""

    def _release(self) -> None:
        os.close(self._writer)


class FileBackend(Backend):
    """A file.

    Args:
        config: what was asked for.
    """

    qom_type = "chardev-file"
    filename = "file"

    def __init__(self, config: FileChardev) -> None:
        super().__init__(config.id)
        self._config = config

    async def start(self) -> None:
        """Open it, and let it be served as the one peer there is.

        Raises:
            ChardevError: it can't be opened.
        """
        fd = self._open()
        FileTransport(asyncio.get_running_loop(), self._next_peer(), fd).start()
        self.opened.set()

    def _open(self) -> int:
        end = os.O_APPEND if self._config.append else os.O_TRUNC
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | end
        try:
            return os.open(self._config.path, flags, MODE)
        except OSError as error:
            reason = f"Could not open '{self._config.path}': {error.strerror}"
            raise ChardevError(reason) from None
