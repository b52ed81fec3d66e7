"""Interrupt lines: changes are passed on, levels are kept, a cut line carries nothing."""

from __future__ import annotations

from machine.irq import IrqLine


def test_only_a_change_of_level_is_passed_on() -> None:
    seen: list[bool] = []
    line = IrqLine("l", seen.append)
    for level in (False, True, True, False, False, True):
        line.set(level)
    assert seen == [True, False, True]


def test_a_pulse_is_a_rise_and_a_fall() -> None:
    seen: list[bool] = []
    line = IrqLine("l", seen.append)
    line.pulse()
    assert seen == [True, False]
    assert line.level is False


def test_a_line_that_leads_nowhere_keeps_its_level() -> None:
    line = IrqLine("l")
    line.set(True)
    assert line.level is True
    assert line.connected is False


def test_what_a_high_line_is_connected_to_sees_it_high_at_once() -> None:
    seen: list[bool] = []
    line = IrqLine("l")
    line.set(True)
    line.connect(seen.append)
    assert seen == [True]


def test_what_a_low_line_is_connected_to_sees_nothing_yet() -> None:
    seen: list[bool] = []
    line = IrqLine("l")
    line.connect(seen.append)
    assert seen == []
    assert line.connected is True


def test_cutting_a_high_line_lets_the_other_end_see_it_fall() -> None:
    seen: list[bool] = []
    line = IrqLine("l", seen.append)
    line.set(True)
    line.disconnect()
    line.set(False)
    line.set(True)
    assert seen == [True, False]


def test_cutting_a_line_twice_is_harmless() -> None:
    seen: list[bool] = []
    line = IrqLine("l", seen.append)
    line.disconnect()
    line.disconnect()
    assert seen == []
