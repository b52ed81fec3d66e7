"""Asking for `run` is asking for an event loop: each test that does runs on both kinds of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

Run = Callable[[Awaitable[Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine to its end, or fail after a time that no working code needs."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    async def bounded(coroutine: Awaitable[Any]) -> Any:
        async with asyncio.timeout(30):
            return await coroutine

    def run(coroutine: Awaitable[Any]) -> Any:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(bounded(coroutine))

    return run
