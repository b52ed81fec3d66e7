"""The MMIO bus: a sorted map of ranges, in which an overlap is an error.

A device knows offsets, never its address; only the board, which maps it, does.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple, Protocol

ADDRESSES = 1 << 64
"""The first that there is not."""


class Device(Protocol):
    """What the bus asks of a device: registers at offsets, sizes in bytes (1, 2, 4 or 8)."""

    def read(self, offset: int, size: int) -> int:
        """Answer a load."""

    def write(self, offset: int, size: int, value: int) -> None:
        """Take a store."""


class Region(NamedTuple):
    """A device at an address; `base` and `size` in bytes."""

    name: str
    base: int
    size: int
    device: Device

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.base + self.size


class BusError(ValueError):
    """Two regions of one bus would overlap."""


class Bus:
    """Addresses to devices. An access that meets none reads 0, is dropped, and is counted."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self._bases: list[int] = []
        self._found: Region | None = None
        self._found_at = range(0)
        self.unassigned = 0

    def map(self, name: str, base: int, size: int, device: Device) -> Region:
        """Put a device at an address.

        Raises:
            BusError: where it would overlap a region that is already there.
        """
        region = Region(name, base, size, device)
        at = bisect_right(self._bases, base)
        for other in self.regions[max(at - 1, 0) : at + 1]:
            if base < other.end and other.base < region.end:
                raise BusError(f"{name} at {base:#x} overlaps {other.name} at {other.base:#x}")
        self._found_at = range(0)
        self.regions.insert(at, region)
        self._bases.insert(at, base)
        return region

    def find(self, address: int) -> Region | None:
        """The region that holds `address`, if any; often the one, or the gap, found before."""
        if address in self._found_at:
            return self._found
        at = bisect_right(self._bases, address)
        below = self.regions[at - 1] if at else None
        if below is not None and address < below.end:
            self._found, self._found_at = below, range(below.base, below.end)
        else:
            end = self._bases[at] if at < len(self._bases) else ADDRESSES
            self._found, self._found_at = None, range(below.end if below else 0, end)
        return self._found

    def read(self, address: int, size: int) -> int:
        """Load from whatever is mapped at `address`."""
        region = self.find(address)
        if region is None:
            self.unassigned += 1
            return 0
        return region.device.read(address - region.base, size)

    def write(self, address: int, size: int, value: int) -> None:
        """Store to whatever is mapped at `address`."""
        region = self.find(address)
        if region is None:
            self.unassigned += 1
            return
        region.device.write(address - region.base, size, value)
