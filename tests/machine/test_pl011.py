"""The UART by its registers, and what goes in and out at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.clock import VirtualClock
from machine.memmap import SPI_BASE, UART0, UART0_SPI
from machine.pl011 import FIFO_DEPTH, INT_OVERRUN, INT_RECEIVE_TIMEOUT, INT_RX, INT_TX, Pl011

if TYPE_CHECKING:
    from tests.machine.board import Board

DR, RSR, FR, ILPR, IBRD, FBRD, LCR_H, CR = 0x00, 0x04, 0x18, 0x20, 0x24, 0x28, 0x2C, 0x30
IFLS, IMSC, RIS, MIS, ICR, DMACR = 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48
EMPTY, FULL, SENT = 0x10, 0x40, 0x80
FIFOS, LOOPBACK = 0x10, 0x80


class Port:
    """A UART, what it has sent, and its line."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.uart = Pl011(self.clock)
        self.sent = bytearray()
        self.uart.sink = self.sent.append

    def read(self, offset: int) -> int:
        return self.uart.read(offset, 4)

    def write(self, offset: int, value: int) -> None:
        self.uart.write(offset, 4, value)

    @property
    def line(self) -> bool:
        return self.uart.irq.level


@pytest.fixture
def port() -> Port:
    return Port()


@pytest.fixture
def fifos(port: Port) -> Port:
    port.write(LCR_H, FIFOS)
    return port


def test_after_reset_it_is_idle_with_the_values_of_the_manual(port: Port) -> None:
    port.write(LCR_H, FIFOS)
    port.write(IMSC, 0x7FF)
    port.uart.receive(b"abc")
    port.uart.reset()
    values = {offset: port.read(offset) for offset in range(0, 0x1000, 4)}
    assert {offset: value for offset, value in values.items() if value and offset < 0xFE0} == {
        FR: SENT | EMPTY,
        CR: 0x300,
        IFLS: 0x12,
    }
    assert not port.line


def test_it_says_what_it_is(port: Port) -> None:
    told = [port.read(offset) for offset in range(0xFE0, 0x1000, 4)]
    assert told == [0x11, 0x10, 0x14, 0x00, 0x0D, 0xF0, 0x05, 0xB1]


def test_what_is_written_to_the_data_register_is_sent(port: Port) -> None:
    for character in b"Hi\n":
        port.write(DR, character)
    port.uart.write(DR, 1, ord("!"))
    assert port.sent == b"Hi\n!"
    assert port.read(FR) == SENT | EMPTY


def test_sending_to_nobody_is_sending(port: Port) -> None:
    port.uart.sink = None
    port.write(DR, ord("x"))
    assert port.read(RIS) == INT_TX
    assert port.sent == b""


@pytest.mark.parametrize(("control", "depth"), [(0, 1), (FIFOS, FIFO_DEPTH)])
def test_it_takes_as_much_as_there_is_room_for(port: Port, control: int, depth: int) -> None:
    port.write(LCR_H, control)
    assert port.uart.room == depth
    assert port.uart.receive(bytes(range(20))) == depth
    assert port.read(FR) & (EMPTY | FULL) == FULL
    assert port.uart.receive(b"x") == 0
    assert [port.read(DR) for _ in range(depth)] == list(range(depth))
    assert port.read(FR) & (EMPTY | FULL) == EMPTY


def test_reading_makes_room_and_says_so(fifos: Port) -> None:
    told: list[int] = []
    fifos.uart.receive(bytes(20))
    fifos.uart.on_room = lambda: told.append(fifos.uart.room)
    fifos.read(DR)
    fifos.read(DR)
    assert told == [1, 2]


@pytest.mark.parametrize("how", ["reset", "FIFOs"])
def test_emptying_the_fifos_makes_room_and_says_so(fifos: Port, how: str) -> None:
    told: list[int] = []
    fifos.uart.receive(bytes(16))
    fifos.uart.on_room = lambda: told.append(fifos.uart.room)
    if how == "reset":
        fifos.uart.reset()
    else:
        fifos.write(LCR_H, 0)
    assert told == [1]


def test_an_empty_data_register_reads_as_zero(port: Port) -> None:
    assert port.read(DR) == 0
    assert port.read(FR) & EMPTY


def test_the_receive_interrupt_lasts_until_all_is_read(fifos: Port) -> None:
    fifos.write(IMSC, INT_RX)
    fifos.uart.receive(b"ab")
    assert fifos.line
    fifos.read(DR)
    assert fifos.line
    fifos.read(DR)
    assert not fifos.line


def test_the_send_interrupt_lasts_until_it_is_cleared(port: Port) -> None:
    port.write(IMSC, INT_TX)
    assert not port.line
    port.write(DR, ord("x"))
    assert port.line
    port.write(ICR, INT_TX)
    assert not port.line


def test_the_mask_decides_what_reaches_the_line(port: Port) -> None:
    port.write(DR, ord("x"))
    assert (port.read(RIS), port.read(MIS), port.line) == (INT_TX, 0, False)
    port.write(IMSC, INT_TX | INT_RX)
    assert (port.read(RIS), port.read(MIS), port.line) == (INT_TX, INT_TX, True)
    port.write(IMSC, INT_RX)
    assert (port.read(RIS), port.read(MIS), port.line) == (INT_TX, 0, False)


def test_a_character_that_nobody_reads_is_told_after_32_bit_periods(fifos: Port) -> None:
    fifos.write(IBRD, 13)  # 115200 baud: 24 MHz / 16 / (13 + 1/64)
    fifos.write(FBRD, 1)
    fifos.write(IMSC, INT_RECEIVE_TIMEOUT)
    fifos.uart.receive(b"ab")
    period = 16 * (13 * 64 + 1) * 1_000_000_000 // (64 * 24_000_000)
    fifos.clock.advance_to(32 * period - 1)
    assert not fifos.line
    fifos.clock.advance_to(32 * period)
    assert fifos.line
    fifos.read(DR)
    assert fifos.line
    fifos.read(DR)
    assert not fifos.line


def test_a_character_that_is_read_in_time_is_no_timeout(fifos: Port) -> None:
    fifos.uart.receive(b"a")
    fifos.read(DR)
    assert fifos.clock.next_deadline is None
    fifos.clock.run_until_idle()
    assert not fifos.read(RIS) & INT_RECEIVE_TIMEOUT


def test_a_cleared_receive_interrupt_is_followed_by_a_timeout(fifos: Port) -> None:
    """So that a driver which acknowledges without reading hears of what is left."""
    fifos.uart.receive(b"a")
    fifos.write(ICR, INT_RX)
    assert fifos.read(RIS) == 0
    fifos.clock.run_until_idle()
    assert fifos.read(RIS) == INT_RECEIVE_TIMEOUT


def test_enabling_or_disabling_the_fifos_empties_them(fifos: Port) -> None:
    fifos.uart.receive(b"abc")
    fifos.write(LCR_H, 0x70)
    assert len(fifos.uart.received) == 3
    fifos.write(LCR_H, 0x60)
    assert fifos.read(FR) & EMPTY
    assert fifos.clock.next_deadline is None


@pytest.mark.parametrize(
    ("offset", "bits"),
    [
        (ILPR, 0xFF),
        (IBRD, 0xFFFF),
        (FBRD, 0x3F),
        (LCR_H, 0xFF),
        (CR, 0xFF87),
        (IFLS, 0x3F),
        (IMSC, 0x7FF),
        (DMACR, 0x7),
    ],
)
def test_a_register_keeps_the_bits_that_it_has(port: Port, offset: int, bits: int) -> None:
    port.write(offset, 0xFFFF_FFFF)
    assert port.read(offset) == bits


@pytest.mark.parametrize("offset", [FR, RIS, MIS, ICR, 0xFE0, 0xFF0])
def test_a_status_is_not_changed_by_a_store(port: Port, offset: int) -> None:
    before = port.read(offset)
    port.write(offset, 0xFFFF_FFFF)
    assert port.read(offset) == before


def test_in_loopback_what_is_sent_comes_back_and_nothing_else_comes(fifos: Port) -> None:
    fifos.write(CR, 0x300 | LOOPBACK)
    assert fifos.uart.receive(b"outside") == 7
    fifos.write(DR, ord("x"))
    assert fifos.read(RIS) == INT_TX | INT_RX
    assert fifos.read(DR) == ord("x")
    assert fifos.read(FR) & EMPTY


def test_in_loopback_the_modem_outputs_are_its_inputs(port: Port) -> None:
    port.write(CR, LOOPBACK | 1 << 11 | 1 << 13)
    assert port.read(FR) & 0x107 == 0x101
    assert port.read(RIS) == 0x3
    port.write(CR, LOOPBACK | 1 << 10 | 1 << 12)
    assert port.read(FR) & 0x107 == 0x006
    assert port.read(RIS) == 0xC
    port.write(CR, 0x300)
    assert port.read(FR) & 0x107 == 0


def test_a_break_in_loopback_is_a_character_with_an_error(fifos: Port) -> None:
    fifos.write(CR, LOOPBACK)
    fifos.write(LCR_H, FIFOS | 1)
    fifos.write(LCR_H, FIFOS | 1)
    fifos.write(DR, ord("x"))
    assert fifos.read(DR) == 0x400
    assert fifos.read(RSR) == 0x4
    assert fifos.read(DR) == ord("x")
    assert fifos.read(RSR) == 0


def test_a_character_without_room_is_an_overrun(port: Port) -> None:
    port.write(CR, LOOPBACK)
    port.write(DR, ord("a"))
    port.write(DR, ord("b"))
    assert port.read(RIS) & INT_OVERRUN
    assert port.read(RSR) == 0x8
    port.write(RSR, 0xFF)
    assert port.read(RSR) == 0
    assert port.read(DR) == ord("a")


def test_a_narrow_access_is_one_to_the_whole_register(port: Port) -> None:
    port.uart.receive(b"a")
    assert port.uart.read(CR + 1, 1) == 0
    assert port.uart.read(CR, 2) == 0x300
    assert port.uart.read(DR, 1) == ord("a")
    port.uart.write(IBRD, 4, 0x1234)
    port.uart.write(IBRD, 1, 0x56)
    assert port.read(IBRD) == 0x56
    assert port.uart.stray_accesses == 0


@given(st.lists(st.one_of(st.binary(max_size=20), st.integers(1, 20)), max_size=40))
def test_characters_keep_their_order_and_none_is_lost(steps: list[bytes | int]) -> None:
    port, offered, read = Port(), b"", b""
    port.write(LCR_H, FIFOS)
    port.write(IMSC, INT_RX)
    for step in steps:
        if isinstance(step, bytes):
            offered += step[: port.uart.receive(step)]
        else:
            read += bytes(port.read(DR) for _ in range(min(step, len(offered) - len(read))))
        assert port.line == (len(read) < len(offered))
    assert read + bytes(port.uart.received) == offered


def test_on_the_board_it_has_its_place_and_its_interrupt(board: Board) -> None:
    machine = board.machine
    sent = bytearray()
    machine.uart.sink = sent.append
    board.vcpu().store(UART0.base, 4, ord("x"))
    assert sent == b"x"
    bank = machine.gic.distributor.banks[0]
    assert not bank.level & 1 << UART0_SPI
    board.vcpu().store(UART0.base + IMSC, 4, INT_TX)
    assert bank.level & 1 << UART0_SPI
    assert SPI_BASE + UART0_SPI == 33
    machine.system_reset()
    assert not bank.level & 1 << UART0_SPI
