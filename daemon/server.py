"""All character devices and monitors of a machine: they start, hear of events, and end together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from daemon.chardev.backend import Backend, NullBackend
from daemon.chardev.errors import ChardevError
from daemon.chardev.sockets import SocketBackend
from daemon.chardev.transport import READ_SIZE
from daemon.config import FileChardev, NullChardev, PtyChardev, SocketChardev
from daemon.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from daemon.chardev.tls import Tls
    from daemon.config import Chardev, MonitorConfig
    from daemon.connection import Connection

log = logging.getLogger(__name__)


class Server:
    """What a machine is spoken to by.

    Args:
        chardevs: the character devices.
        monitors: the monitors on them.
        connect: makes the connection for each new client of a monitor.
        tls: knows keys and names, for sockets that need any.

    Raises:
        ChardevError: devices and monitors do not go together.
    """

    def __init__(
        self,
        chardevs: Iterable[Chardev],
        monitors: Iterable[MonitorConfig],
        connect: Callable[[Monitor], Connection[Any]],
        *,
        tls: Tls | None = None,
    ) -> None:
        self._buffer = memoryview(bytearray(READ_SIZE))
        self._tls = tls
        self.chardevs: Mapping[str, Backend] = self._backends(chardevs)
        self.monitors = tuple(Monitor(config, connect) for config in monitors)
        for monitor in self.monitors:
            self.device(monitor.config.chardev).attach(monitor.open)

    def device(self, label: str) -> Backend:
        """The character device of a label.

        Raises:
            ChardevError: there is none.
        """
        if label not in self.chardevs:
            raise ChardevError(f'chardev "{label}" not found')
        return self.chardevs[label]

    async def start(self) -> None:
        """Listen, and connect out.

        Raises:
            ChardevError: one of the devices cannot be; then none is left behind.
        """
        try:
            for chardev in self.chardevs.values():
                await chardev.start()
        except BaseException:
            await self.close()
            raise

    async def wait_for_clients(self) -> None:
        """Wait until each device with wait=on has had a client."""
        for chardev in self.chardevs.values():
            if isinstance(chardev, SocketBackend) and chardev.config.wait:
                if not chardev.opened.is_set():
                    log.warning("info: waiting for connection on: %s", chardev.filename)
                await chardev.opened.wait()

    def broadcast(self, data: bytes) -> None:
        """Send an event, one line, to every client that has negotiated."""
        for monitor in self.monitors:
            monitor.send_event(data)

    def finish(self) -> None:
        """Execute nothing more (`quit`): what was asked later stays unanswered; then `close`."""
        for chardev in self.chardevs.values():
            chardev.finish()

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109 - see Backend.close
        """Stop listening, send what is pending for at most `timeout` seconds, and disconnect."""
        await asyncio.gather(*(chardev.close(timeout) for chardev in self.chardevs.values()))
        for monitor in self.monitors:
            monitor.close()

    def _backends(self, configs: Iterable[Chardev]) -> dict[str, Backend]:
        backends: dict[str, Backend] = {}
        for config in configs:
            if config.id in backends:
                raise ChardevError(f"Duplicate ID '{config.id}' for chardev")
            backends[config.id] = self._backend(config, backends)
        return backends

    def _backend(self, config: Chardev, others: Mapping[str, Backend]) -> Backend:
        if isinstance(config, SocketChardev):
            return SocketBackend(config, self._buffer, tls=self._tls)
        if isinstance(config, NullChardev):
            return NullBackend(config.id)
        if isinstance(config, FileChardev):
            from daemon.chardev.file import FileBackend  # noqa: PLC0415 - few write to one

            return FileBackend(config)
        if isinstance(config, PtyChardev):
            from daemon.chardev.pty import PtyBackend  # noqa: PLC0415 - likewise

            return PtyBackend(config.id)
        from daemon.chardev.stdio import StdioBackend  # noqa: PLC0415 - few have a terminal

        if any(isinstance(other, StdioBackend) for other in others.values()):
            raise ChardevError("cannot use stdio by multiple character devices")
        return StdioBackend(config)
