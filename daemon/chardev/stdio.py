"""Standard input and output as a character device; a terminal is raw meanwhile (termios(3))."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import termios
from functools import partial
from typing import TYPE_CHECKING, Any

from daemon.chardev.backend import Backend
from daemon.chardev.transport import READ_SIZE, DescriptorTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from daemon.config import StdioChardev

STDIN, STDOUT = 0, 1

_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6  # where `termios.tcgetattr` has them
_COOKED_INPUT = (
    termios.IGNBRK
    | termios.BRKINT
    | termios.PARMRK
    | termios.ISTRIP
    | termios.INLCR
    | termios.IGNCR
    | termios.ICRNL
    | termios.IXON
)
_COOKED_LINES = termios.ECHO | termios.ECHONL | termios.ICANON | termios.IEXTEN


class StdioTransport(DescriptorTransport):
    """A pair of file descriptors, which stay open; files are always ready.

    Args:
        loop: the event loop.
        protocol: whom it serves.
        fds: input and output.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        fds: tuple[int, int],
    ) -> None:
        super().__init__(loop, protocol, fds, partial(os.write, fds[1]))

    def _receive(self) -> bytes:
        return os.read(self._reader, READ_SIZE)

    def _release(self) -> None:
        """Leave them open: they are the whole program's."""

    def _watch(self, callback: Callable[[], None]) -> None:
        try:
            super()._watch(callback)
        except PermissionError:  # a file, or /dev/null, of which nobody can say when it is ready
            self._loop.call_soon(self._take_turn, callback)

    def _take_turn(self, callback: Callable[[], None]) -> None:
        if self._reading:
            callback()
        if self._reading:
            self._loop.call_soon(self._take_turn, callback)


class Terminal:
    """A terminal, or whatever else: how it was, and how we want it.

    Args:
        fds: the descriptors that do not block from now on, the first one the terminal's input.
        signal_keys: control-C and others stay signals.
    """

    def __init__(self, fds: tuple[int, ...], *, signal_keys: bool) -> None:
        self._fds = fds
        self._blocking = [os.get_blocking(fd) for fd in fds]
        self._cooked = termios.tcgetattr(fds[0]) if os.isatty(fds[0]) else None
        self._signal_keys = signal_keys

    @property
    def is_terminal(self) -> bool:
        """Whether it is one."""
        return self._cooked is not None

    def make_raw(self) -> None:
        """Let every byte through as it comes, with no echo."""
        for fd in self._fds:
            os.set_blocking(fd, False)
        if self._cooked is not None:
            self._set(self._raw(self._cooked))

    def restore(self) -> None:
        """Make it what it was."""
        if self._cooked is not None:
            self._set(self._cooked)
        for fd, blocking in zip(self._fds, self._blocking, strict=True):
            os.set_blocking(fd, blocking)

    def _set(self, attributes: list[Any]) -> None:
        with contextlib.suppress(termios.error):  # it has been hung up: nobody is there to see it
            termios.tcsetattr(self._fds[0], termios.TCSANOW, attributes)

    def _raw(self, cooked: list[Any]) -> list[Any]:
        raw = list(cooked)
        raw[_IFLAG] &= ~_COOKED_INPUT
        raw[_OFLAG] |= termios.OPOST
        raw[_LFLAG] &= ~_COOKED_LINES
        if not self._signal_keys:
            raw[_LFLAG] &= ~termios.ISIG
        raw[_CFLAG] = (raw[_CFLAG] & ~(termios.CSIZE | termios.PARENB)) | termios.CS8
        raw[_CC] = [*cooked[_CC]]
        raw[_CC][termios.VMIN], raw[_CC][termios.VTIME] = 1, 0
        return raw


class StdioBackend(Backend):
    """Standard input and output.

    Args:
        config: what was asked for.
        fds: input and output, for tests to be others.
    """

    qom_type = "chardev-stdio"
    filename = "stdio"

    def __init__(self, config: StdioChardev, fds: tuple[int, int] = (STDIN, STDOUT)) -> None:
        super().__init__(config.id)
        self._config = config
        self._fds = fds
        self._terminal: Terminal | None = None

    async def start(self) -> None:
        """Make the terminal raw, and let the one peer there is be served."""
        loop = asyncio.get_running_loop()
        self._terminal = Terminal(self._fds, signal_keys=self._config.signal)
        self._terminal.make_raw()
        if self._terminal.is_terminal:  # a shell makes it cooked while we are suspended
            loop.add_signal_handler(signal.SIGCONT, self._terminal.make_raw)
        StdioTransport(loop, self._next_peer(), self._fds).start()
        self.opened.set()

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - for the peer alone
        """Finish, and leave the terminal as it was."""
        try:
            await super().close(timeout)
        finally:
            if self._terminal is not None:
                self._restore(self._terminal)

    def _restore(self, terminal: Terminal) -> None:
        if terminal.is_terminal:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGCONT)
        terminal.restore()
        self._terminal = None
