"""What stages do to commands: replies that are late, connections that are dropped."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from daemon.config import MonitorConfig
from daemon.connection import Limits
from daemon.mishaps import MISHAPS
from daemon.monitor import Monitor
from daemon.options.table import parse
from daemon.sessions import Sessions
from machine.faults.table import COMMAND, EVENTS
from machine.guest.behaviour import MS
from tests.box import Box
from tests.daemon.fakes import AGES, FakeTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.daemon.conftest import Run

ADD: dict[str, Any] = {"driver": "cortex-a72-arm-cpu", "id": "c2", "core-id": 2}


class Client:
    """One client of a monitor of its own."""

    def __init__(self, box: Box, *, oob: bool = True, negotiate: bool = True) -> None:
        sessions = Sessions(box.context, box.runner)
        self.monitor = Monitor(MonitorConfig(chardev=""), sessions.open)
        box.listeners.append(self.monitor.send_event)
        self.connect()
        if negotiate:
            self.ask("qmp_capabilities", enable=["oob"] if oob else [])
            self.heard()

    def connect(self) -> None:
        self.connection = self.monitor.open()
        self.connection._limits = Limits(turn=AGES)
        self.transport = FakeTransport(self.connection)
        self.connection.connection_made(self.transport)
        self.heard()

    def ask(self, name: str, /, *, verb: str = "execute", **arguments: Any) -> None:
        self.say({verb: name, "arguments": arguments, "id": name})

    def say(self, *messages: dict[str, Any]) -> None:
        self.connection.data_received(b"".join(json.dumps(m).encode() + b"\n" for m in messages))

    def heard(self) -> list[str]:
        """What has come since last asked: ids of replies, names of events."""
        written, self.transport.written = self.transport.written, []
        messages = [json.loads(line) for line in b"".join(written).splitlines()]
        return [message.get("event") or message.get("id", "greeting") for message in messages]

    @property
    def dropped(self) -> bool:
        return self.transport.ended is not None


class Play:
    """A machine, and clients of it, in an event loop."""

    def __init__(self, *argv: str) -> None:
        self.box = Box(parse([*argv, "--guest-speed", "instant"]))

    def stage(self, do: str, **rest: Any) -> None:
        self.box.returned("x-inject-fault", when="command", do=do, **rest)

    async def later(self, ms: float) -> None:
        """Virtual time passes, and then whoever waits for the loop has a turn."""
        self.box.runner.advance(round(ms * MS))
        for _ in range(4):
            await asyncio.sleep(0)


@asynccontextmanager
async def play(*argv: str) -> AsyncIterator[Play]:
    made = Play(*argv)
    try:
        yield made
    finally:
        made.box.close()


def test_each_outcome_of_a_command_is_known() -> None:
    assert list(MISHAPS) == list(EVENTS[COMMAND].outcomes)


def test_a_reply_comes_late_and_what_was_done_was_done_at_once(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", command="device_add", delay=1000)
            client.ask("device_add", **ADD)
            assert on.box.machine.slots[2].cpu is not None
            await on.later(999)
            assert client.heard() == ["ACPI_DEVICE_OST"]
            await on.later(1)
            assert client.heard() == ["device_add"]

    run(story())


def test_what_the_same_client_asks_next_waits_and_others_are_served(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client, other = Client(on.box), Client(on.box)
            on.stage("accept", command="query-kvm", delay=1000)
            client.ask("query-kvm")
            client.ask("device_add", **ADD)
            other.ask("query-name")
            await on.later(500)
            assert client.heard() == []
            assert on.box.machine.slots[2].cpu is None
            assert other.heard() == ["query-name"]
            await on.later(500)
            assert client.heard() == ["query-kvm", "device_add"]
            assert not client.dropped

    run(story())


@pytest.mark.parametrize("oob", [True, False])
def test_one_that_asks_much_meanwhile_is_not_read_from_and_gets_all_in_order(
    run: Run, *, oob: bool
) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box, oob=oob)
            on.stage("accept", command="query-kvm", delay=1000)
            messages = [{"execute": "query-name", "id": f"n{n}"} for n in range(200)]
            client.say({"execute": "query-kvm", "id": "late"}, *messages)
            await on.later(1)
            assert client.heard() == []
            assert not client.transport.reading
            await on.later(999)
            assert client.heard() == ["late", *(f"n{n}" for n in range(200))]
            assert client.transport.reading

    run(story())


def test_what_is_out_of_band_overtakes_what_is_late(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", command="query-kvm", delay=1000)
            client.ask("query-kvm")
            client.ask("query-name")
            client.ask("x-query-vcpus", verb="exec-oob")
            assert client.heard() == ["x-query-vcpus"]
            assert client.transport.reading
            await on.later(1000)
            assert client.heard() == ["query-kvm", "query-name"]

    run(story())


def test_what_is_out_of_band_is_looked_for_while_something_is_late(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            client.connection._limits = Limits(turn=0, piece=64)
            on.stage("accept", command="query-kvm", delay=1000)
            client.say({"execute": "query-kvm", "id": "late"})
            await on.later(0)
            client.say(
                {"execute": "query-name", "id": "behind" + 100 * "-"},
                {"exec-oob": "x-query-vcpus", "id": "urgent"},
            )
            await on.later(0)
            assert client.heard() == ["urgent"]
            await on.later(1000)
            assert client.heard() == ["late", "behind" + 100 * "-"]

    run(story())


def test_two_that_are_late_come_one_after_the_other(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", command="query-kvm", delay=100)
            client.ask("query-kvm")
            client.ask("query-kvm")
            await on.later(100)
            assert client.heard() == ["query-kvm"]
            await on.later(99)
            assert client.heard() == []
            await on.later(1)
            assert client.heard() == ["query-kvm"]

    run(story())


@pytest.mark.parametrize(
    ("outcome", "done", "heard"),
    [
        ("drop-unexecuted", False, []),
        ("drop-before-reply", True, []),
        ("drop-after-reply", True, ["device_add"]),
    ],
)
@pytest.mark.parametrize("delay", [0, 50])
def test_a_connection_is_dropped_and_the_next_client_is_served(
    run: Run, outcome: str, heard: list[str], *, delay: int, done: bool
) -> None:
    async def story() -> None:
        async with play() as on:
            client, other = Client(on.box), Client(on.box)
            on.stage(outcome, command="device_add", delay=delay, count=1)
            client.say(
                {"execute": "query-name", "id": "before"},
                {"execute": "device_add", "arguments": ADD, "id": "device_add"},
                {"execute": "system_reset"},
            )
            assert client.dropped == (not delay)
            assert client.heard() == ["before", *heard]
            await on.later(delay)
            assert client.dropped
            assert "RESET" not in client.heard()
            assert (on.box.machine.slots[2].cpu is not None) == done
            assert not other.dropped
            client.connection.connection_lost(None)
            client.connect()
            client.ask("qmp_capabilities")
            client.ask("query-name")
            assert client.heard() == ["qmp_capabilities", "query-name"]

    run(story())


def test_negotiation_may_fail_as_well(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            on.stage("drop-before-reply", count=1)
            client = Client(on.box, negotiate=False)
            client.ask("qmp_capabilities")
            assert client.dropped
            assert client.heard() == []

    run(story())


def test_who_directs_is_left_alone(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("drop-unexecuted")
            client.ask("x-query-vcpus")
            client.ask("x-clear-faults")
            client.ask("query-name")
            assert client.heard() == ["x-query-vcpus", "x-clear-faults", "query-name"]

    run(story())


def test_a_refusal_may_come_late_and_what_is_no_command_does_not(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", delay=10)
            client.ask("nosuch")
            assert client.heard() == ["nosuch"]
            client.ask("device_del", id="nosuch")
            assert client.heard() == []
            await on.later(10)
            assert client.heard() == ["device_del"]

    run(story())


def test_one_after_which_time_stands_still_is_answered_at_once(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", delay=10)
            client.ask("stop")
            client.ask("query-status")
            assert client.heard() == ["STOP", "stop", "query-status"]
            client.ask("cont")
            assert client.heard() == ["RESUME"]
            await on.later(10)
            assert client.heard() == ["cont"]

    run(story())


def test_what_is_late_when_the_machine_ends_is_sent_before_the_end(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client, other = Client(on.box), Client(on.box)
            on.stage("accept", command="query-kvm", delay=1000)
            client.ask("query-kvm")
            client.ask("query-name")
            other.ask("quit")
            client.connection.finish()
            assert client.heard() == ["SHUTDOWN", "query-kvm"]
            assert client.dropped

    run(story())


def test_a_client_that_has_finished_asking_gets_what_is_late(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", command="query-kvm", delay=10)
            client.ask("query-kvm")
            assert client.connection.eof_received()
            assert not client.dropped
            await on.later(10)
            assert client.heard() == ["query-kvm"]
            assert client.dropped

    run(story())


def test_a_client_that_leaves_meanwhile_is_no_trouble(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", command="query-kvm", delay=10)
            client.ask("query-kvm")
            client.connection.connection_lost(None)
            client.connect()
            await on.later(10)
            assert client.heard() == []
            client.ask("qmp_capabilities")
            assert client.heard() == ["qmp_capabilities"]

    run(story())


def test_clearing_does_not_take_a_reply_away_that_is_late(run: Run) -> None:
    async def story() -> None:
        async with play() as on:
            client = Client(on.box)
            on.stage("accept", command="query-kvm", delay=10)
            client.ask("query-kvm")
            on.box.returned("x-clear-faults")
            client.ask("query-name")
            await on.later(10)
            assert client.heard() == ["query-kvm", "query-name"]

    run(story())


def test_every_reply_of_slow_replies_is_2_s_late(run: Run) -> None:
    async def story() -> None:
        async with play("--scenario", "slow-replies") as on:
            client = Client(on.box, negotiate=False)
            for name in ("qmp_capabilities", "query-name", "query-status"):
                client.ask(name)
                await on.later(1999)
                assert client.heard() == []
                await on.later(1)
                assert client.heard() == [name]

    run(story())


class Stubborn(Client):
    """One that connects again, and counts how often it had to."""

    def __init__(self, on: Play) -> None:
        super().__init__(on.box, negotiate=False)
        self._on = on
        self.drops = 0
        self.latest = 0

    async def insist(self, name: str, /, **arguments: Any) -> None:
        """Ask; if there is no answer, connect again, and do not know what has happened."""
        began = self._on.box.machine.clock.now
        self.ask(name, **arguments)
        while name not in self.heard() and not self.dropped:
            await self._on.later(10)
        self.latest = max(self.latest, self._on.box.machine.clock.now - began)
        while self.dropped:
            self.drops += 1
            self.connection.connection_lost(None)
            self.connect()
            await self.insist("qmp_capabilities")


def test_who_looks_again_survives_a_flaky_connection(run: Run) -> None:
    async def story() -> None:
        async with play("--scenario", "flaky-connection", "--seed", "3") as on:
            client, slot = Stubborn(on), on.box.machine.slots[2]
            await client.insist("qmp_capabilities")
            for _ in range(20):
                while slot.cpu is None:
                    await client.insist("device_add", **ADD)
                while slot.cpu is not None:
                    await client.insist("device_del", id="c2")
                    await on.later(10)
            assert client.drops > 1
            assert client.latest > 200 * MS

    run(story())
