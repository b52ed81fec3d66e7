"""The Generic Event Device: events coalesce until they are read, and each is a pulse."""

from __future__ import annotations

import pytest

from machine.acpi.ged import CPU_HOTPLUG, FIRST_REPEAT_NS, POWER_DOWN, GenericEventDevice
from machine.clock import VirtualClock
from machine.memmap import GED
from machine.trace import Trace, TracePoint


@pytest.fixture
def trace() -> Trace:
    return Trace(VirtualClock())


@pytest.fixture
def ged(trace: Trace) -> GenericEventDevice:
    return GenericEventDevice(trace)


def test_nothing_is_pending_at_first(ged: GenericEventDevice) -> None:
    assert ged.read(0, 4) == 0


def test_an_event_is_read_once(ged: GenericEventDevice) -> None:
    ged.raise_event(CPU_HOTPLUG)
    assert ged.read(0, 4) == 8
    assert ged.read(0, 4) == 0


def test_events_that_were_not_read_coalesce(ged: GenericEventDevice) -> None:
    for event in (CPU_HOTPLUG, POWER_DOWN, CPU_HOTPLUG):
        ged.raise_event(event)
    assert ged.read(0, 4) == 0xA


def test_each_event_is_a_pulse_of_its_own(ged: GenericEventDevice) -> None:
    levels: list[bool] = []
    ged.irq.connect(levels.append)
    ged.raise_event(CPU_HOTPLUG)
    ged.raise_event(CPU_HOTPLUG)
    assert levels == [True, False, True, False]


def test_the_event_is_there_before_the_interrupt_is(ged: GenericEventDevice) -> None:
    seen: list[int] = []
    ged.irq.connect(lambda level: seen.append(ged.read(0, 4)) if level else None)
    ged.raise_event(POWER_DOWN)
    assert seen == [POWER_DOWN]


def test_a_write_is_ignored(ged: GenericEventDevice) -> None:
    ged.raise_event(CPU_HOTPLUG)
    ged.write(0, 4, 0xFFFF_FFFF)
    assert ged.read(0, 4) == 8


def test_a_narrow_read_takes_no_event_away(ged: GenericEventDevice) -> None:
    ged.raise_event(CPU_HOTPLUG)
    assert ged.read(0, 1) == 0
    assert ged.read(0, 4) == 8


def test_what_is_insisted_on_is_repeated_until_it_is_read(
    ged: GenericEventDevice, trace: Trace
) -> None:
    levels: list[bool] = []
    ged.irq.connect(levels.append)
    ged.raise_event(POWER_DOWN)
    ged.insist()
    trace.clock.advance_to(3 * FIRST_REPEAT_NS)
    assert levels == [True, False] * 3
    assert ged.read(0, 4) == POWER_DOWN
    assert trace.clock.next_deadline is None


def test_a_reset_forgets_what_was_insisted_on(ged: GenericEventDevice, trace: Trace) -> None:
    ged.raise_event(POWER_DOWN)
    ged.insist()
    ged.reset()
    assert trace.clock.next_deadline is None
    assert ged.read(0, 4) == 0


def test_what_is_not_insisted_on_is_not_repeated(ged: GenericEventDevice, trace: Trace) -> None:
    ged.raise_event(CPU_HOTPLUG)
    assert trace.clock.next_deadline is None


def test_the_selector_is_the_whole_device() -> None:
    assert [(reg.offset, reg.size) for reg in GenericEventDevice.registers] == [(0, GED.size)]


def test_an_event_can_be_traced(ged: GenericEventDevice, trace: Trace) -> None:
    points: list[TracePoint] = []
    trace.listen(points.append)
    ged.raise_event(CPU_HOTPLUG)
    assert [(point.layer, point.name, point.fields) for point in points] == [
        ("acpi", "ged_event", {"event": 8}),
    ]
