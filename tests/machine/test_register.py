"""Registers as declarations: directions, widths, masks, banks, and what meets nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.register import MmioDevice, Reg, RegisterOverlapError


class Block(MmioDevice):
    """A bit of everything."""

    TRIGGER = Reg(0x0, "w")
    ANSWER = Reg(0x0, "r")
    STATUS = Reg(0x4, reset=0xF0F, ro=0xF00, w1c=0x00F)
    BYTES = Reg(0x8, size=1, count=4)
    WIDE = Reg(0x10, size=8, min_access=4)
    STRICT = Reg(0x18)
    LOOSE = Reg(0x1C, min_access=1)

    def __init__(self) -> None:
        super().__init__()
        self.triggered: list[int] = []

    @ANSWER.read
    def _answer(self, _n: int) -> int:
        return 42

    @TRIGGER.write
    def _trigger(self, _n: int, value: int) -> None:
        self.triggered.append(value)


class Bank(MmioDevice):
    """Handlers of an array learn which element is meant."""

    WORDS = Reg(0x0, count=4)

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, int]] = []

    @WORDS.read
    def _read(self, n: int) -> int:
        return 0x11 * n

    @WORDS.write
    def _write(self, n: int, value: int) -> None:
        self.seen.append((n, value))


def test_one_offset_may_be_two_registers_one_to_read_and_one_to_write() -> None:
    block = Block()
    block.write(0, 4, 7)
    assert block.triggered == [7]
    assert block.read(0, 4) == 42


def test_a_register_without_handlers_keeps_what_is_written() -> None:
    block = Block()
    block.write(0x18, 4, 0xCAFE)
    assert block.read(0x18, 4) == 0xCAFE


def test_reset_brings_back_the_declared_values() -> None:
    block = Block()
    block.write(0x18, 4, 0xCAFE)
    block.write(0x4, 4, 0xF)
    block.reset()
    assert block.read(0x18, 4) == 0
    assert block.read(0x4, 4) == 0xF0F


def test_read_only_bits_stay_whatever_is_written() -> None:
    block = Block()
    block.write(0x4, 4, 0)
    assert block.read(0x4, 4) & 0xF00 == 0xF00


def test_a_written_one_clears_a_w1c_bit_and_a_zero_leaves_it() -> None:
    block = Block()
    block.write(0x4, 4, 0b0101)
    assert block.read(0x4, 4) & 0xF == 0b1010


def test_elements_of_an_array_are_registers_of_their_own() -> None:
    block = Block()
    for n in range(4):
        block.write(0x8 + n, 1, 0xA0 + n)
    assert [block.read(0x8 + n, 1) for n in range(4)] == [0xA0, 0xA1, 0xA2, 0xA3]


def test_an_access_that_spans_registers_reaches_each_of_them() -> None:
    block = Block()
    block.write(0x8, 4, 0xD4C3B2A1)
    assert [block.read(0x8 + n, 1) for n in range(4)] == [0xA1, 0xB2, 0xC3, 0xD4]
    assert block.read(0x9, 2) == 0xC3B2
    assert block.read(0x8, 4) == 0xD4C3B2A1


def test_handlers_of_an_array_are_told_the_element() -> None:
    bank = Bank()
    assert bank.read(0xC, 4) == 0x33
    bank.write(0x4, 8, 2 << 32 | 1)
    assert bank.seen == [(1, 1), (2, 2)]


def test_halves_of_a_wide_register_can_be_accessed_alone() -> None:
    block = Block()
    block.write(0x14, 4, 0x1122_3344)
    block.write(0x10, 4, 0x5566_7788)
    assert block.read(0x10, 8) == 0x1122_3344_5566_7788
    assert block.read(0x14, 4) == 0x1122_3344


def test_an_access_narrower_than_a_register_takes_is_stray() -> None:
    block = Block()
    block.write(0x18, 4, 0xAABBCCDD)
    block.write(0x18, 1, 0)
    assert block.read(0x18, 2) == 0
    assert block.read(0x18, 4) == 0xAABBCCDD
    assert block.stray_accesses == 2


def test_a_register_that_takes_bytes_merges_them() -> None:
    block = Block()
    block.write(0x1C, 4, 0xAABBCCDD)
    block.write(0x1D, 1, 0x11)
    assert block.read(0x1C, 4) == 0xAABB11DD
    assert block.read(0x1F, 1) == 0xAA
    assert block.stray_accesses == 0


def test_reads_of_nothing_give_zero_and_writes_to_nothing_are_dropped_and_both_counted() -> None:
    block = Block()
    assert block.read(0x20, 4) == 0
    block.write(0x30, 1, 5)
    assert block.stray_accesses == 5
    assert not block.stored


def test_registers_that_overlap_are_refused_by_name() -> None:
    with pytest.raises(RegisterOverlapError, match="Clash: B overlaps A at 0x2"):
        type("Clash", (MmioDevice,), {"A": Reg(0x0), "B": Reg(0x2, size=2)})


def test_registers_of_two_directions_do_not_overlap() -> None:
    made = type("Fine", (MmioDevice,), {"A": Reg(0x0, "r"), "B": Reg(0x0, "w")})
    assert made().read(0, 4) == 0


def test_a_derived_block_has_the_registers_of_its_base() -> None:
    derived = type("Derived", (Bank,), {"MORE": Reg(0x10, reset=9)})()
    assert derived.read(0x10, 4) == 9
    assert derived.read(0x8, 4) == 0x22


def test_two_blocks_of_one_class_share_no_state() -> None:
    one, other = Block(), Block()
    one.write(0x18, 4, 1)
    assert other.read(0x18, 4) == 0


@given(st.integers(0, 3), st.sampled_from([1, 2, 4]), st.integers(0, 0xFFFFFFFF))
def test_bytes_that_are_written_are_read_back(at: int, size: int, value: int) -> None:
    size = min(size, 4 - at)
    value &= (1 << 8 * size) - 1
    block = Block()
    block.write(0x1C + at, size, value)
    assert block.read(0x1C + at, size) == value
    assert block.read(0x1C, 4) == value << 8 * at
