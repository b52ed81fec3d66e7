"""Publishes at an MQTT broker what QMP tells, and each vCPU's state.

Topics, below ROOT/NAME:

* `event/EVENTNAME`: a QMP event as its JSON; not retained.
* `cpu/N`: the state of possible vCPU number N; retained.
* `$state`: `ready`; `disconnected` after a clean end; `lost` is the last will; retained.

All with QoS 1: during an outage events are kept, the oldest dropped first once there are too many,
and states are published again, so that a broker without a memory has them all; an event may come
twice. The machine never waits for any of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiomqtt import Client, MqttError, Will

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.config import MqttConfig

log = logging.getLogger(__name__)

QUEUE = 10_000
"""Events kept for a broker that is away or slow."""

BATCH = 16
"""Messages on their way at a time, below the 20 that paho and mosquitto allow."""

KEEPALIVE = 15
"""Seconds; a broker publishes the last will after one and a half of them without a word."""

QOS = 1
DEFAULT_NAME = "virt"
_NO_LEVELS = str.maketrans(dict.fromkeys("/+#\0", "_"))


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds to wait before a next try: twice as long each time, up to a limit."""

    first: float = 0.25
    most: float = 10.0

    def delays(self) -> Iterator[float]:
        """Yield one after the other, without end."""
        delay = self.first
        while True:
            yield delay
            delay = min(2 * delay, self.most)


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    payload: bytes
    retain: bool


class MqttPublisher:
    """Publishes for one machine.

    Args:
        config: the broker.
        name: the machine's; signs that MQTT gives a meaning to become `_`.
        queue: how many events are kept at most.
        backoff: how to wait for a broker.
    """

    def __init__(
        self,
        config: MqttConfig,
        name: str | None = None,
        *,
        queue: int = QUEUE,
        backoff: Backoff = Backoff(),
    ) -> None:
        self.dropped = 0
        self.base = f"{config.root}/{(name or DEFAULT_NAME).translate(_NO_LEVELS)}"
        self._status = f"{self.base}/$state"
        self._config = config
        self._limit = queue
        self._backoff = backoff
        self._delays = backoff.delays()
        self._events: deque[_Message] = deque()
        self._states: dict[str, bytes] = {}
        self._changed: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._outage = False
        self._task: asyncio.Task[None] | None = None

    def publish_event(self, name: str, payload: bytes) -> None:
        """Publish an event, now or when the broker is back."""
        self._events.append(_Message(f"{self.base}/event/{name}", payload, retain=False))
        self._bound()
        self._wake.set()

    def publish_vcpu(self, index: int, payload: bytes) -> None:
        """Publish the state of a vCPU; only the latest one matters."""
        self._state(f"{self.base}/cpu/{index}", payload)
        self._wake.set()

    async def run(self) -> None:
        """Stay connected, and publish, until closed."""
        self._task = asyncio.current_task()
        while True:
            try:
                async with self._client() as client:
                    await self._serve(client)
                    return
            except MqttError as error:
                self._away(error)
            if await _within(next(self._delays), self._closing):
                return

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109 - then `run` is ended
        """Publish what is left, say goodbye, and end `run`, within `timeout` seconds."""
        self._closing.set()
        self._wake.set()
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=timeout)
        self._task.cancel()
        await asyncio.wait({self._task})

    def _client(self) -> Client:
        config = self._config
        client = Client(
            config.host,
            config.port,
            username=config.username,
            password=config.password.get_secret_value() if config.password else None,
            will=Will(self._status, b"lost", qos=QOS, retain=True),
            keepalive=KEEPALIVE,
            logger=log.getChild("paho"),
        )
        client.pending_calls_threshold = BATCH
        return client

    async def _serve(self, client: Client) -> None:
        """Publish until closed.

        Raises:
            MqttError: the broker has gone.
        """
        self._back()
        work = asyncio.create_task(self._work(client))
        gone = asyncio.create_task(_gone(client))
        try:
            done, _ = await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    def _back(self) -> None:
        """Have every state published again, `ready` as the last of them."""
        self._delays = self._backoff.delays()
        self._states.pop(self._status, None)
        self._state(self._status, b"ready")
        self._changed = dict.fromkeys(self._states)
        log.log(
            logging.WARNING if self._outage else logging.INFO,
            "connected to the MQTT broker; %d events were dropped so far",
            self.dropped,
        )
        self._outage = False

    def _away(self, error: MqttError) -> None:
        """Log the first failure of an outage."""
        if not self._outage:
            log.warning("no MQTT broker: %s; trying again", error)
        self._outage = True

    async def _work(self, client: Client) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            await self._drain(client)
            await self._wake.wait()
        await self._drain(client)
        self._state(self._status, b"disconnected")
        await self._drain(client)

    async def _drain(self, client: Client) -> None:
        """Publish, in order, until nothing is left."""
        while batch := self._take():
            try:
                await asyncio.gather(*(_publish(client, message) for message in batch))
            except BaseException:
                self._put_back(batch)
                raise

    def _put_back(self, batch: list[_Message]) -> None:
        """Keep what was perhaps not received; states are published again in any case."""
        self._events.extendleft(message for message in reversed(batch) if not message.retain)
        self._bound()

    def _take(self) -> list[_Message]:
        """Take the next few: states before events."""
        topics = list(self._changed)[:BATCH]
        for topic in topics:
            del self._changed[topic]
        states = [_Message(topic, self._states[topic], retain=True) for topic in topics]
        room = min(BATCH - len(states), len(self._events))
        return states + [self._events.popleft() for _ in range(room)]

    def _state(self, topic: str, payload: bytes) -> None:
        self._states[topic] = payload
        self._changed[topic] = None

    def _bound(self) -> None:
        while len(self._events) > self._limit:
            if not self.dropped:
                log.warning("%d events wait for the MQTT broker: dropping the oldest", self._limit)
            self._events.popleft()
            self.dropped += 1


async def _publish(client: Client, message: _Message) -> None:
    await client.publish(message.topic, message.payload, qos=QOS, retain=message.retain)


async def _gone(client: Client) -> None:
    """Raise MqttError as soon as the broker has gone; it has nothing else to say to us."""
    async for _ in client.messages:
        pass


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Tell whether it happens in this time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
