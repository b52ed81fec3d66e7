"""How often events are sent: a clock that the test moves, and what goes out when."""

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from daemon.events import EventBridge, VirtualAlarm
from protocol.event import SECOND, Event
from protocol.throttle import EventThrottle
from tests.box import Box


class BalloonChange(Event, name="BALLOON_CHANGE", rate=SECOND):
    actual: int


class MemoryDeviceSizeChange(
    Event, name="MEMORY_DEVICE_SIZE_CHANGE", rate=SECOND, key="qom_path"
):  # fmt: skip
    size: int
    qom_path: str


class Hasty(Event, name="HASTY", rate=1_000_000):
    number: int


class Unlimited(Event, name="UNLIMITED"):
    """As all that the machine has."""


def test_the_first_is_sent_at_once_and_the_last_of_an_interval_at_its_end() -> None:
    throttle: EventThrottle[int] = EventThrottle()
    assert throttle.admit(BalloonChange(actual=1), 1, now=0)
    assert not throttle.admit(BalloonChange(actual=2), 2, now=1)
    assert not throttle.admit(BalloonChange(actual=3), 3, now=SECOND - 1)
    assert throttle.due == SECOND
    assert throttle.release(SECOND - 1) == []
    assert throttle.release(SECOND) == [3]


def test_what_was_held_back_begins_an_interval_of_its_own() -> None:
    throttle: EventThrottle[int] = EventThrottle()
    throttle.admit(BalloonChange(actual=1), 1, now=0)
    throttle.admit(BalloonChange(actual=2), 2, now=1)
    assert throttle.release(SECOND) == [2]
    assert not throttle.admit(BalloonChange(actual=3), 3, now=SECOND + 1)
    assert throttle.release(2 * SECOND) == [3]


def test_after_an_interval_without_another_nothing_is_remembered() -> None:
    throttle: EventThrottle[int] = EventThrottle()
    throttle.admit(BalloonChange(actual=1), 1, now=0)
    assert throttle.release(SECOND) == []
    assert throttle.due is None
    assert throttle.admit(BalloonChange(actual=2), 2, now=SECOND)


def test_each_object_has_its_own_turn_where_the_event_names_a_key() -> None:
    throttle: EventThrottle[int] = EventThrottle()
    assert throttle.admit(MemoryDeviceSizeChange(size=1, qom_path="/a"), 1, now=0)
    assert throttle.admit(MemoryDeviceSizeChange(size=1, qom_path="/b"), 2, now=5)
    assert not throttle.admit(MemoryDeviceSizeChange(size=2, qom_path="/b"), 3, now=6)
    assert throttle.release(SECOND) == []
    assert throttle.release(SECOND + 5) == [3]


def test_an_event_without_rate_is_never_held() -> None:
    throttle: EventThrottle[int] = EventThrottle()
    assert all(throttle.admit(Unlimited(), n, now=0) for n in range(9))
    assert throttle.due is None


@given(st.lists(st.integers(0, SECOND // 2), min_size=1))
def test_however_they_come_two_are_an_interval_apart_and_the_last_one_arrives(
    gaps: list[int],
) -> None:
    throttle: EventThrottle[int] = EventThrottle()
    now, sent = 0, list[tuple[int, int]]()
    for number, gap in enumerate(gaps):
        now += gap
        while (due := throttle.due) is not None and due <= now:
            sent += [(due, payload) for payload in throttle.release(due)]
        if throttle.admit(BalloonChange(actual=number), number, now):
            sent.append((now, number))
    while (due := throttle.due) is not None:
        sent += [(due, payload) for payload in throttle.release(due)]
    assert sent[-1][1] == len(gaps) - 1
    assert all(later - earlier >= SECOND for (earlier, _), (later, _) in zip(sent, sent[1:]))  # noqa: B905, RUF007 - pairs of neighbours


def test_a_bridge_sends_the_last_one_when_virtual_time_has_come_there() -> None:
    box, lines = Box(), list[bytes]()
    clock = box.machine.clock
    bridge = EventBridge(
        box.context, lines.append, now=lambda: clock.now // 1000, alarm=VirtualAlarm(clock)
    )
    began = clock.now
    for actual in range(3):
        bridge.send(BalloonChange(actual=actual))
    assert [json.loads(line)["data"] for line in lines] == [{"actual": 0}]
    box.runner.advance(SECOND - 1)
    assert len(lines) == 1
    box.runner.advance(1)
    assert [json.loads(line)["data"] for line in lines] == [{"actual": 0}, {"actual": 2}]
    stamp = json.loads(lines[1])["timestamp"]
    assert stamp["seconds"] * 1_000_000 + stamp["microseconds"] == began // 1000
    box.close()


def test_a_bridge_without_a_stepped_clock_waits_on_the_wall() -> None:
    async def story() -> None:
        box, arrived = Box(), asyncio.Queue[bytes]()
        bridge = EventBridge(box.context, arrived.put_nowait)
        bridge.send(Hasty(number=1))
        bridge.send(Hasty(number=2))
        assert [json.loads(await arrived.get())["data"]["number"] for _ in range(2)] == [1, 2]
        box.close()

    asyncio.run(story())
