"""Guest RAM: little-endian, bounded, zero at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.errors import MachineError
from machine.memory import Ram

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE, SIZE = 0x4000_0000, 0x10000


@pytest.fixture
def ram() -> Iterator[Ram]:
    ram = Ram(BASE, SIZE)
    yield ram
    ram.close()


def test_ram_is_zero_at_first(ram: Ram) -> None:
    assert ram.read_bytes(BASE, SIZE) == bytes(SIZE)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_what_is_stored_is_loaded_and_lies_little_endian(ram: Ram, size: int) -> None:
    value = 0x8877_6655_4433_2211 & ((1 << 8 * size) - 1)
    ram.store(BASE + 24, size, value)
    assert ram.load(BASE + 24, size) == value
    assert ram.read_bytes(BASE + 24, size) == value.to_bytes(size, "little")


def test_a_store_touches_no_neighbour(ram: Ram) -> None:
    ram.write_bytes(BASE, b"\xff" * 8)
    ram.store(BASE + 2, 4, 0)
    assert ram.read_bytes(BASE, 8) == b"\xff\xff\0\0\0\0\xff\xff"


def test_the_last_bytes_can_be_used(ram: Ram) -> None:
    ram.store(ram.end - 8, 8, 1)
    assert ram.load(ram.end - 8, 8) == 1


@pytest.mark.parametrize(
    ("address", "size", "inside"),
    [
        (BASE, 1, True),
        (BASE, SIZE, True),
        (BASE + SIZE - 4, 4, True),
        (BASE - 1, 1, False),
        (BASE - 4, 8, False),
        (BASE + SIZE, 1, False),
        (BASE + SIZE - 4, 8, False),
        (0, 4, False),
    ],
)
def test_an_access_is_inside_only_with_all_of_its_bytes(
    ram: Ram,
    address: int,
    size: int,
    inside: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert ram.contains(address, size) is inside


def test_two_rams_share_nothing(ram: Ram) -> None:
    other = Ram(BASE, SIZE)
    try:
        other.store(BASE, 4, 5)
        assert ram.load(BASE, 4) == 0
    finally:
        other.close()


def test_more_memory_than_the_host_has_is_refused_in_qemus_words() -> None:
    with pytest.raises(MachineError) as refused:
        Ram(0, 1 << 60)
    assert str(refused.value) == (
        "cannot set up guest memory 'mach-virt.ram': Cannot allocate memory"
    )
