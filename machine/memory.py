"""Guest RAM: an anonymous mapping, so that a large machine costs what its guest touches."""

from __future__ import annotations

import mmap

from machine.errors import MachineError


class Ram:
    """`size` bytes of RAM at guest-physical address `base`.

    Raises:
        MachineError: where the host does not have that much.
    """

    def __init__(self, base: int, size: int) -> None:
        self.base = base
        self.size = size
        self.end = base + size
        try:
            self._map = mmap.mmap(-1, size)
        except OSError as error:
            raise MachineError(
                f"cannot set up guest memory 'mach-virt.ram': {error.strerror}",
            ) from None

    def contains(self, address: int, size: int) -> bool:
        """Whether all of `size` bytes from `address` lie in this RAM."""
        return self.base <= address and address + size <= self.end

    def load(self, address: int, size: int) -> int:
        """Read `size` bytes, little-endian."""
        offset = address - self.base
        return int.from_bytes(self._map[offset : offset + size], "little")

    def store(self, address: int, size: int, value: int) -> None:
        """Write `size` bytes, little-endian."""
        offset = address - self.base
        self._map[offset : offset + size] = value.to_bytes(size, "little")

    def read_bytes(self, address: int, size: int) -> bytes:
        """Copy `size` bytes out (a debugger's or a loader's view)."""
        offset = address - self.base
        return self._map[offset : offset + size]

    def write_bytes(self, address: int, data: bytes) -> None:
        """Copy bytes in (what a loader does before the machine starts)."""
        offset = address - self.base
        self._map[offset : offset + len(data)] = data

    def close(self) -> None:
        """Give the mapping back to the host."""
        self._map.close()
