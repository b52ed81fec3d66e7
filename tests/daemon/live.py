"""The whole daemon within the test's own event loop, and QMP clients at its sockets."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from daemon.app import App
from daemon.config import DaemonConfig, MonitorConfig, SocketChardev, UnixAddress


class Client:
    """A QMP client that hands over file descriptors."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._heard = b""

    async def hears(self) -> dict[str, Any]:
        while b"\n" not in self._heard:
            more = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 16)
            assert more
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return dict(json.loads(line))

    def says(self, name: str, fds: int = 0, **arguments: Any) -> None:
        """Send a command, with so many file descriptors that lead nowhere."""
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        data = json.dumps({"execute": name, "arguments": named}).encode()
        sent = [os.open(os.devnull, os.O_RDONLY) for _ in range(fds)]
        if fds:
            socket.send_fds(self.sock, [data], sent)
        else:
            self.sock.sendall(data)
        for fd in sent:
            os.close(fd)

    async def asks(self, name: str, fds: int = 0, **arguments: Any) -> Any:
        """What a command returns, or the words in which it is refused."""
        self.says(name, fds, **arguments)
        answer = await self.hears()
        return answer["return"] if "return" in answer else answer["error"]["desc"]


async def greeted(path: Path) -> Client:
    client = Client(socket.socket(socket.AF_UNIX))
    client.sock.connect(str(path))
    client.sock.setblocking(False)
    assert "QMP" in await client.hears()
    return client


async def client_at(path: Path) -> Client:
    client = await greeted(path)
    assert await client.asks("qmp_capabilities") == {}
    return client


def running(folder: Path, monitors: int = 1) -> AbstractAsyncContextManager[App]:
    """A daemon with monitors on the sockets `0`, `1`... in a folder."""
    config = DaemonConfig(
        chardevs=tuple(
            SocketChardev(id=f"c{n}", address=UnixAddress(path=str(folder / str(n))))
            for n in range(monitors)
        ),
        monitors=tuple(MonitorConfig(chardev=f"c{n}") for n in range(monitors)),
    )
    return serving(config)


@asynccontextmanager
async def serving(config: DaemonConfig) -> AsyncIterator[App]:
    """A daemon as configured, until the block ends."""
    app = App(config, loop=asyncio.get_running_loop())
    await app.start()
    running = asyncio.create_task(app.run())
    try:
        yield app
    finally:
        app.end_by_signal()
        await running
