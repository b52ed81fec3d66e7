"""The least that a JSON server in Python can be: asyncio's streams of bytes, and json; no QMP."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast


class Echo(asyncio.Protocol):
    """Answers each line of JSON with `{"return": ...}`."""

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            answer = {"return": json.loads(line)}
            self._transport.write(json.dumps(answer).encode() + b"\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.closed.set_result(None)


async def serve(path: str) -> None:
    _, echo = await asyncio.get_running_loop().create_unix_connection(Echo, path)
    await echo.closed


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
