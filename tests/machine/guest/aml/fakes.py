"""Hosts for the AML interpreter: bare memory, and the register block of CPU hotplug."""

from __future__ import annotations

from dataclasses import dataclass, field

from machine.guest.aml import TableAt


@dataclass
class MemoryHost:
    """Memory that starts as zeros, and a log of everything that AML does."""

    memory: dict[int, int] = field(default_factory=dict)
    log: list[tuple[object, ...]] = field(default_factory=list)
    time: int = 0
    tables: dict[tuple[str, str, str], TableAt] = field(default_factory=dict)

    def load(self, address: int, size: int) -> int:
        value = sum(self.memory.get(address + at, 0) << 8 * at for at in range(size))
        self.log.append(("load", address, size))
        return value

    def store(self, address: int, size: int, value: int) -> None:
        assert 0 <= value < 1 << 8 * size
        for at in range(size):
            self.memory[address + at] = value >> 8 * at & 0xFF
        self.log.append(("store", address, size, value))

    def notify(self, path: str, value: int) -> None:
        self.log.append(("notify", path, value))

    def stall(self, nanoseconds: int) -> None:
        self.time += nanoseconds
        self.log.append(("stall", nanoseconds))

    def now(self) -> int:
        return self.time

    def find_table(self, signature: str, oem_id: str, oem_table_id: str) -> TableAt | None:
        return self.tables.get((signature, oem_id, oem_table_id))

    def place(self, address: int, table: bytes) -> TableAt:
        """Put a table into memory."""
        self.memory.update({address + at: byte for at, byte in enumerate(table)})
        return TableAt(address, len(table))

    def debug(self, text: str) -> None:
        self.log.append(("debug", text))


class AccessHost(MemoryHost):
    """Remembers accesses with their values, loads included."""

    def __init__(self) -> None:
        super().__init__()
        self.accesses: list[tuple[str, int, int, int]] = []

    def load(self, address: int, size: int) -> int:
        value = super().load(address, size)
        self.accesses.append(("load", address, size, value))
        return value

    def store(self, address: int, size: int, value: int) -> None:
        super().store(address, size, value)
        self.accesses.append(("store", address, size, value))


GED = 0x09080000
CPUS = 0x090C0000


@dataclass
class Slot:
    """What the register block knows of a CPU."""

    enabled: bool = False
    inserting: bool = False
    removing: bool = False


class HotplugHost:
    """The GED selector and the 12 bytes of CPU hotplug registers, with a log."""

    def __init__(self, cpus: int, enabled: int) -> None:
        self.slots = [Slot(enabled=number < enabled) for number in range(cpus)]
        self.selector = 0
        self.command = 0
        self.ged = 0
        self.ejected: list[int] = []
        self.ost: list[tuple[int, int, int]] = []
        self._ost_event = 0
        self.log: list[tuple[object, ...]] = []

    def load(self, address: int, size: int) -> int:
        self.log.append(("load", address, size))
        if address == GED:
            value, self.ged = self.ged, 0
            return value
        slot = self.slots[self.selector]
        flags = slot.enabled | slot.inserting << 1 | slot.removing << 2 | 1 << 5
        return {4: flags, 8: self.selector if self.command == 0 else 0}.get(address - CPUS, 0)

    def store(self, address: int, size: int, value: int) -> None:
        self.log.append(("store", address, size, value))
        offset = address - CPUS
        if offset == 0:
            self.selector = value
        elif offset == 4:
            self._flags(value)
        elif offset == 5:
            self.command = value
            self._select_next_event()
        elif self.command == 1:
            self._ost_event = value
        elif self.command == 2:
            self.ost.append((self.selector, self._ost_event, value))

    def _flags(self, value: int) -> None:
        slot = self.slots[self.selector]
        if value & 2:
            slot.inserting = False
        elif value & 4:
            slot.removing = False
        elif value & 8:
            slot.enabled = False
            self.ejected.append(self.selector)

    def _select_next_event(self) -> None:
        count = len(self.slots)
        order = [(self.selector + step) % count for step in range(count)]
        pending = [at for at in order if self.slots[at].inserting or self.slots[at].removing]
        if self.command == 0 and pending:
            self.selector = pending[0]

    def notify(self, path: str, value: int) -> None:
        self.log.append(("notify", path, value))

    def stall(self, nanoseconds: int) -> None:
        self.log.append(("stall", nanoseconds))

    def now(self) -> int:
        return 0

    def find_table(self, signature: str, oem_id: str, oem_table_id: str) -> TableAt | None:
        del signature, oem_id, oem_table_id
        return None

    def debug(self, text: str) -> None:
        self.log.append(("debug", text))
