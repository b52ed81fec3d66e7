"""The real time clock: seconds of virtual time, and an interrupt when they match."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.clock import VirtualClock
from machine.events import RtcChanged
from machine.memmap import RTC, RTC_SPI
from machine.pl031 import Pl031

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

DR, MR, LR, CR, IMSC, RIS, MIS, ICR = range(0, 0x20, 4)
SECOND = 1_000_000_000
NEW_YEAR = 1_577_836_800
"""2020-01-01T00:00:00Z."""


class Clock:
    """A real time clock, and what it told."""

    def __init__(self) -> None:
        self.time = VirtualClock()
        self.told: list[int] = []
        self.rtc = Pl031(self.time, NEW_YEAR, self.told.append)

    def read(self, offset: int) -> int:
        return self.rtc.read(offset, 4)

    def write(self, offset: int, value: int) -> None:
        self.rtc.write(offset, 4, value)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_counts_whole_seconds_of_virtual_time(clock: Clock) -> None:
    assert clock.read(DR) == NEW_YEAR
    clock.time.advance_to(SECOND - 1)
    assert clock.read(DR) == NEW_YEAR
    clock.time.advance_to(SECOND)
    assert clock.read(DR) == NEW_YEAR + 1


def test_it_says_what_it_is_and_that_it_runs(clock: Clock) -> None:
    told = [clock.read(offset) for offset in range(0xFE0, 0x1000, 4)]
    assert told == [0x31, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1]
    clock.write(CR, 0)
    assert clock.read(CR) == 1


def test_the_guest_may_set_it(clock: Clock) -> None:
    clock.time.advance_to(5 * SECOND)
    clock.write(LR, NEW_YEAR + 3600)
    assert clock.read(DR) == clock.read(LR) == NEW_YEAR + 3600
    assert clock.told == [3595]
    clock.time.advance_to(7 * SECOND)
    assert clock.read(DR) == NEW_YEAR + 3602


def test_it_matches_at_the_tick_and_not_before(clock: Clock) -> None:
    clock.time.advance_to(SECOND // 2)
    clock.write(IMSC, 1)
    clock.write(MR, NEW_YEAR + 2)
    clock.time.advance_to(2 * SECOND - 1)
    assert (clock.read(RIS), clock.rtc.irq.level) == (0, False)
    clock.time.advance_to(2 * SECOND)
    assert (clock.read(RIS), clock.read(MIS), clock.rtc.irq.level) == (1, 1, True)
    assert clock.read(DR) == NEW_YEAR + 2


def test_a_match_lasts_until_it_is_cleared(clock: Clock) -> None:
    clock.write(IMSC, 1)
    clock.write(MR, NEW_YEAR)
    assert clock.rtc.irq.level
    clock.time.advance_to(SECOND)
    clock.write(ICR, 0)
    assert clock.rtc.irq.level
    clock.write(ICR, 1)
    assert (clock.read(RIS), clock.rtc.irq.level) == (0, False)


def test_the_mask_keeps_a_match_from_the_line(clock: Clock) -> None:
    clock.write(MR, NEW_YEAR)
    assert (clock.read(RIS), clock.read(MIS), clock.rtc.irq.level) == (1, 0, False)
    clock.write(IMSC, 0xFFFF_FFFF)
    assert (clock.read(IMSC), clock.read(MIS), clock.rtc.irq.level) == (1, 1, True)


def test_setting_the_clock_moves_the_match(clock: Clock) -> None:
    clock.write(MR, NEW_YEAR + 100)
    clock.write(LR, NEW_YEAR + 98)
    assert clock.time.next_deadline == 2 * SECOND
    clock.write(LR, NEW_YEAR + 200)
    assert clock.time.next_deadline == ((1 << 32) - 100) * SECOND


def test_seconds_wrap_around_after_136_years(clock: Clock) -> None:
    clock.write(LR, 0xFFFF_FFFF)
    clock.write(MR, 1)
    clock.time.advance_to(2 * SECOND)
    assert (clock.read(DR), clock.read(RIS)) == (1, 1)


def test_a_reset_clears_the_registers_and_lets_the_seconds_go_on(clock: Clock) -> None:
    clock.write(LR, NEW_YEAR + 10)
    clock.write(IMSC, 1)
    clock.write(MR, NEW_YEAR + 10)
    clock.write(MR, NEW_YEAR + 20)
    clock.rtc.reset()
    assert [clock.read(offset) for offset in (MR, LR, IMSC, RIS)] == [0, 0, 0, 0]
    assert not clock.rtc.irq.level
    assert clock.time.next_deadline is None
    assert clock.read(DR) == NEW_YEAR + 10


def test_on_the_board_it_has_its_place_its_interrupt_and_its_event(boards: Make) -> None:
    board: Board = boards(rtc_base=NEW_YEAR)
    vcpu, rtc = board.vcpu(), RTC.base
    assert vcpu.load(rtc, 4) == NEW_YEAR
    vcpu.store(rtc + LR, 4, NEW_YEAR - 60)
    assert board.story() == [RtcChanged(-60, "/machine/unattached/device[5]")]
    vcpu.store(rtc + MR, 4, NEW_YEAR - 60)
    bank = board.machine.gic.distributor.banks[0]
    assert not bank.level & 1 << RTC_SPI
    vcpu.store(rtc + IMSC, 4, 1)
    assert bank.level & 1 << RTC_SPI
    board.machine.system_reset()
    assert not bank.level & 1 << RTC_SPI
