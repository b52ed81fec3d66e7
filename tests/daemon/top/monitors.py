"""Monitors that say what a test wants, and recorded ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

DATA = Path(__file__).parents[2] / "data" / "top"

Line = dict[str, Any]

VERSION = {"qemu": {"major": 9, "minor": 9, "micro": 9}}
GREETING: Line = {"QMP": {"version": VERSION, "capabilities": []}}
NOT_FOUND: Line = {"error": {"class": "CommandNotFound", "desc": "The command is not there"}}


def recorded(name: str) -> tuple[Line, dict[str, Line]]:
    """A greeting, and what is answered to each command."""
    first, *rest = (DATA / name).read_text(encoding="utf-8").splitlines()
    answers = {line.pop("command"): line for line in map(json.loads, rest)}
    return json.loads(first)["greeting"], answers


class Monitor:
    """One that answers by a table, and tells who connects whatever it is told to.

    Args:
        answers: a reply by command; those that are not there are not found.
        greeting: bytes, or an object, or None for silence.
    """

    def __init__(self, answers: Mapping[str, Line], greeting: Line | bytes | None = None) -> None:
        self.answers = {"qmp_capabilities": {"return": {}}, **answers}
        self.greeting: Line | bytes | None = GREETING if greeting is None else greeting
        self.asked: list[str] = []
        self.writer: asyncio.StreamWriter | None = None

    def says(self, what: Line | bytes) -> None:
        """Send a line."""
        assert self.writer is not None
        self.writer.write(what if isinstance(what, bytes) else json.dumps(what).encode() + b"\r\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        if self.greeting is not None:
            self.says(self.greeting)
        async for request in _requests(reader):
            self.asked.append(request["execute"])
            answer = self.answers.get(request["execute"], NOT_FOUND)
            self.says({**answer, **({"id": request["id"]} if "id" in request else {})})
        writer.close()


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[Line]:
    """Objects, which QEMU's client sends without anything between them."""
    heard = ""
    while piece := await reader.read(1 << 16):
        heard += piece.decode()
        with contextlib.suppress(json.JSONDecodeError):
            while heard:
                request, end = json.JSONDecoder().raw_decode(heard)
                heard = heard[end:].lstrip()
                yield request


class Silent(Monitor):
    """One that has another client, and greets nobody."""

    def __init__(self) -> None:
        super().__init__({})
        self.greeting = None


@contextlib.asynccontextmanager
async def served(monitor: Monitor, path: Path) -> AsyncIterator[None]:
    """A monitor that listens."""
    server = await asyncio.start_unix_server(monitor.serve, path)
    async with server:
        yield
        if monitor.writer is not None:
            monitor.writer.close()
