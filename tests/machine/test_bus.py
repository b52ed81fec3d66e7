"""The bus: who answers at an address, and that two never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.bus import Bus, BusError


class Recorder:
    """A device that keeps what reaches it."""

    def __init__(self, answer: int = 0) -> None:
        self.answer = answer
        self.seen: list[tuple[int, ...]] = []

    def read(self, offset: int, size: int) -> int:
        self.seen.append((offset, size))
        return self.answer

    def write(self, offset: int, size: int, value: int) -> None:
        self.seen.append((offset, size, value))


def test_a_device_is_told_offsets_and_never_its_address() -> None:
    bus, device = Bus(), Recorder(9)
    bus.map("d", 0x1000, 0x100, device)
    assert bus.read(0x1008, 4) == 9
    bus.write(0x10FF, 1, 3)
    assert device.seen == [(8, 4), (0xFF, 1, 3)]


@pytest.mark.parametrize("address", [0xFFF, 0x1100, 0])
def test_an_access_that_meets_nothing_reads_zero_is_dropped_and_counted(address: int) -> None:
    bus, device = Bus(), Recorder(9)
    bus.map("d", 0x1000, 0x100, device)
    assert bus.read(address, 4) == 0
    bus.write(address, 4, 1)
    assert bus.unassigned == 2
    assert device.seen == []


def test_regions_may_touch() -> None:
    bus, low, high = Bus(), Recorder(1), Recorder(2)
    bus.map("high", 0x1100, 0x100, high)
    bus.map("low", 0x1000, 0x100, low)
    assert [bus.read(at, 4) for at in (0x10FC, 0x1100)] == [1, 2]


@pytest.mark.parametrize(
    ("base", "size"),
    [(0x1000, 0x100), (0xFFF, 2), (0x10FF, 1), (0x1040, 8), (0x0, 0x10000)],
)
def test_an_overlap_is_refused_by_name_and_changes_nothing(base: int, size: int) -> None:
    bus = Bus()
    bus.map("uart", 0x1000, 0x100, Recorder())
    with pytest.raises(BusError, match=f"rtc at {base:#x} overlaps uart at 0x1000"):
        bus.map("rtc", base, size, Recorder())
    assert [region.name for region in bus.regions] == ["uart"]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=20))
def test_every_address_belongs_to_at_most_one_region(wanted: list[tuple[int, int]]) -> None:
    bus = Bus()
    owner: dict[int, str] = {}
    for n, (base, size) in enumerate(wanted):
        free = not any(at in owner for at in range(base, base + size))
        try:
            bus.map(str(n), base, size, Recorder())
        except BusError:
            assert not free
        else:
            assert free
            owner |= dict.fromkeys(range(base, base + size), str(n))
        for at in range(70):
            region = bus.find(at)
            assert (region.name if region is not None else None) == owner.get(at)
    assert [region.base for region in bus.regions] == sorted(r.base for r in bus.regions)
