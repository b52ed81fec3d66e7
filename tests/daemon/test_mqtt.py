"""Against a real broker, on both event loops."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from daemon.config import MqttConfig
from daemon.mqtt import Backoff, MqttPublisher
from tests.daemon.broker import Broker, needs_mosquitto, subscribed
from tests.daemon.conftest import Run

pytestmark = needs_mosquitto

SOON = Backoff(first=0.01, most=0.01)
VICTIM = """
import asyncio, sys
from daemon.config import MqttConfig
from daemon.mqtt import MqttPublisher

async def main():
    await MqttPublisher(MqttConfig(host="127.0.0.1", port=int(sys.argv[1])), "vm").run()

asyncio.run(main())
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


def publisher(broker: Broker, name: str | None = "vm", queue: int = 1000) -> MqttPublisher:
    config = MqttConfig(host="127.0.0.1", port=broker.port)
    return MqttPublisher(config, name, queue=queue, backoff=SOON)


@asynccontextmanager
async def running(publisher: MqttPublisher) -> AsyncIterator[None]:
    task = asyncio.create_task(publisher.run())
    try:
        yield
    finally:
        await publisher.close()
        await task


def test_events_arrive_in_order_and_are_not_retained(run: Run, broker: Broker) -> None:
    async def story() -> None:
        machine = publisher(broker)
        async with subscribed(broker, "armvirtd/vm/event/#") as subscriber:
            async with running(machine):
                for number in range(100):
                    machine.publish_event("STOP", str(number).encode())
                heard = await subscriber.hears_until("armvirtd/vm/event/STOP", "99")
            assert [payload for _, payload, _ in heard] == [str(n) for n in range(100)]
        async with subscribed(broker) as late:
            topic, payload, retained = await late.hears()
            assert (topic, payload, retained) == ("armvirtd/vm/$state", "disconnected", True)

    run(story())


def test_states_are_retained_and_the_machines_own_comes_last(run: Run, broker: Broker) -> None:
    async def story() -> None:
        machine = publisher(broker)
        for index in range(20):
            machine.publish_vcpu(index, b"old")
            machine.publish_vcpu(index, b"new")
        async with subscribed(broker) as early, running(machine):
            heard = await early.hears_until("armvirtd/vm/$state", "ready")
            assert heard[:-1] == [(f"armvirtd/vm/cpu/{n}", "new", False) for n in range(20)]
            async with subscribed(broker, "armvirtd/vm/cpu/7") as late:
                assert await late.hears() == ("armvirtd/vm/cpu/7", "new", True)

    run(story())


def test_a_machine_that_is_killed_is_lost(run: Run, broker: Broker) -> None:
    async def story() -> None:
        async with subscribed(broker, "armvirtd/vm/$state") as subscriber:
            victim = subprocess.Popen(  # noqa: ASYNC220 - returns at once
                [sys.executable, "-c", VICTIM, str(broker.port)],
            )
            assert (await subscriber.hears())[1] == "ready"
            victim.kill()
            assert (await subscriber.hears())[1] == "lost"
            victim.wait()
            async with subscribed(broker) as late:
                assert await late.hears() == ("armvirtd/vm/$state", "lost", True)

    run(story())


def test_a_broker_without_a_memory_is_told_every_state_again(run: Run, broker: Broker) -> None:
    async def story() -> None:
        machine = publisher(broker)
        machine.publish_vcpu(3, b"on")
        async with running(machine):
            async with subscribed(broker) as subscriber:
                await subscriber.hears_until("armvirtd/vm/$state", "ready")
            broker.stop()
            broker.start()
            async with subscribed(broker) as subscriber:
                heard = await subscriber.hears_until("armvirtd/vm/$state", "ready")
            assert [message[:2] for message in heard] == [
                ("armvirtd/vm/cpu/3", "on"),
                ("armvirtd/vm/$state", "ready"),
            ]

    run(story())


def test_no_event_is_lost_while_the_broker_is_away(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(broker: Broker) -> None:
        machine = publisher(broker)
        async with running(machine):
            async with subscribed(broker, "armvirtd/vm/event/E", durable="d") as subscriber:
                machine.publish_event("E", b"0")
                await subscriber.hears()
            for number in range(1, 200):  # some are on their way when it goes
                machine.publish_event("E", str(number).encode())
            await asyncio.sleep(0)
            broker.stop()
            while not caplog.records:  # noqa: ASYNC110 - until the publisher has noticed
                await asyncio.sleep(0)
            machine.publish_event("E", b"200")
            broker.start()
            async with subscribed(broker, "armvirtd/vm/event/E", durable="d") as subscriber:
                heard = await subscriber.hears_until("armvirtd/vm/event/E", "200")
        distinct = dict.fromkeys(payload for _, payload, _ in heard)
        assert set(distinct) == {str(number) for number in range(1, 201)}
        assert machine.dropped == 0

    with Broker(tmp_path, memory=True) as broker:
        run(story(broker))


def test_a_long_outage_drops_the_oldest_events_and_counts_them(
    run: Run, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        machine = publisher(broker, queue=10)
        for number in range(25):
            machine.publish_event("E", str(number).encode())
        assert machine.dropped == 15
        async with subscribed(broker, "+/+/event/#") as subscriber, running(machine):
            heard = await subscriber.hears_until("armvirtd/vm/event/E", "24")
            assert [payload for _, payload, _ in heard] == [str(n) for n in range(15, 25)]

    run(story())
    assert sum("dropping the oldest" in record.message for record in caplog.records) == 1


def test_without_a_broker_the_machine_starts_and_ends_as_ever(run: Run, broker: Broker) -> None:
    async def story() -> None:
        machine = publisher(broker)
        broker.stop()
        async with running(machine):
            machine.publish_event("E", b"")
            machine.publish_vcpu(0, b"")

    run(story())


def test_a_name_cannot_add_levels_or_wildcards(run: Run, broker: Broker) -> None:
    async def story() -> None:
        assert publisher(broker, "a/b+c#").base == "armvirtd/a_b_c_"
        assert publisher(broker, None).base == "armvirtd/virt"

    run(story())
