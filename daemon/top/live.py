"""The screen, drawn anew when something happens, and now and then, as a guest may act silently."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.live import Live

from daemon.top.client import Client, Gone, TopError
from daemon.top.happenings import Happening, happening
from daemon.top.keys import pressed, unbuffered
from daemon.top.model import Snapshot
from daemon.top.view import screen

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from rich.console import Console

    from daemon.config import TcpAddress, UnixAddress

KEPT = 200
"""Events that are kept."""
REST = 0.05
"""Seconds between two questions, at least, however much happens."""
SHARE = 4
"""How much longer we rest than an answer took: a machine has other things to do."""
SILENCE = 2.0
"""Seconds after which a machine that does not answer is shown so."""
NO_ANSWER = "no answer"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUIT = frozenset(b"qQ")


class Top:
    """One machine on one terminal.

    Args:
        address: of its monitor.
        console: where it is drawn.
        interval: seconds after which it is asked again, if nothing happens.
    """

    def __init__(
        self, address: UnixAddress | TcpAddress, console: Console, interval: float
    ) -> None:
        self._client = Client(address, self._hear)
        self._address = address
        self._console = console
        self._interval = interval
        self._snapshot = Snapshot()
        self._happened: deque[Happening] = deque(maxlen=KEPT)
        self._shutdown = ""
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._live: Live | None = None

    async def run(self) -> str:
        """Show it until somebody ends this, or the machine goes; what is to be said then.

        Raises:
            TopError: it can't be shown, or it went without having been shut down.
        """
        await self._client.connect()
        try:
            with self._screen(), self._signals(), self._keys():
                gone = await self._until_the_end()
        finally:
            wrong = await self._client.close()
        return self._farewell(wrong) if gone else ""

    def _farewell(self, wrong: str) -> str:
        if self._shutdown and not wrong:
            return f"{self._address}: the machine has shut down ({self._shutdown})"
        raise TopError(f"{self._address}: {wrong or 'the machine has gone'}")

    async def _until_the_end(self) -> bool:
        """Whether it was the machine that ended it."""
        tasks = [
            asyncio.create_task(what)
            for what in (self._client.gone(), self._refresh(), self._ended.wait())
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Gone:
            return True
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return not self._ended.is_set()

    # What happens.

    def _hear(self, event: Mapping[str, Any]) -> None:
        self._happened.append(happening(event))
        match event:
            case {"event": "SHUTDOWN", "data": {"reason": str(reason)}}:
                self._shutdown = reason
            case {"event": "RESET" | "RESUME"}:
                self._shutdown = ""
        self._news.set()

    async def _refresh(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            began = loop.time()
            self._snapshot = await self._answered(self._client.snapshot())
            self._draw()
            await asyncio.sleep(max(REST, SHARE * (loop.time() - began)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._interval)

    async def _answered(self, asked: Coroutine[Any, Any, Snapshot]) -> Snapshot:
        """An answer, however long it takes; meanwhile it is shown that there is none."""
        answer = asyncio.ensure_future(asked)
        try:
            while not (await asyncio.wait({answer}, timeout=SILENCE))[0]:
                self._snapshot = replace(self._snapshot, status=NO_ANSWER)
                self._draw()
        finally:
            answer.cancel()
        return answer.result()

    # The terminal.

    def _draw(self) -> None:
        if self._live is None:
            return
        size = self._console.size
        drawn = screen(self._snapshot, self._happened, size.width, size.height)
        self._live.update(Group(*drawn), refresh=True)

    @contextlib.contextmanager
    def _screen(self) -> Iterator[None]:
        with Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as self._live:
            yield

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """End by the usual signals, and draw anew when the terminal's size changes."""
        loop = asyncio.get_running_loop()
        handlers = {signal.SIGWINCH: self._draw, **dict.fromkeys(ENDING, self._ended.set)}
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    @contextlib.contextmanager
    def _keys(self) -> Iterator[None]:
        """Hear keys, if there is a keyboard."""
        if not sys.stdin.isatty():
            yield
            return
        fd, loop = sys.stdin.fileno(), asyncio.get_running_loop()
        with unbuffered(fd):
            loop.add_reader(fd, self._key, fd)
            try:
                yield
            finally:
                loop.remove_reader(fd)

    def _key(self, fd: int) -> None:
        keys = pressed(fd)
        if not keys or QUIT & {*keys}:
            self._ended.set()
