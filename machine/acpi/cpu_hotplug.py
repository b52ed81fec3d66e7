"""ACPI CPU hot-plug: the register block; `cpu_hotplug_aml` drives it from the guest's side.

The interface of QEMU's docs/specs/acpi_cpu_hotplug, with bit 5 of the flags ("present") that the
arm64 series adds: on arm64 a CPU is always present, and only its enabled bit comes and goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.register import MmioDevice, Reg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from machine.trace import Trace

ENABLED, INSERTING, REMOVING, EJECT, FW_REMOVE, PRESENT = (1 << n for n in range(6))

NEXT_WITH_EVENT, OST_EVENT, OST_STATUS, CPU_ID = range(4)
"""The commands; higher numbers are ignored."""


@dataclass(slots=True)
class HotplugState:
    """What the block knows of one possible CPU."""

    arch_id: int
    is_present: bool = True
    is_enabled: bool = False
    is_inserting: bool = False
    is_removing: bool = False
    fw_remove: bool = False
    ost_event: int = 0
    ost_status: int = 0

    @property
    def flags(self) -> int:
        """The flags register."""
        return (
            ENABLED * self.is_enabled
            | INSERTING * self.is_inserting
            | REMOVING * self.is_removing
            | FW_REMOVE * self.fw_remove
            | PRESENT * self.is_present
        )


class CpuHotplug(MmioDevice):
    """The register block, 12 bytes, little-endian.

    Args:
        arch_ids: MPIDR affinity of each possible CPU.
        on_eject: a guest's _EJ0 for a CPU; told by number, decides itself what comes of it.
        on_ost: a guest's _OST: number, source event, status.
        raise_event: have the GED interrupt the guest.
        trace: where to report.
    """

    SELECTOR = Reg(0x0, "w", min_access=1)
    COMMAND_DATA_2 = Reg(0x0, "r", min_access=1)
    FLAGS = Reg(0x4, size=1)
    COMMAND = Reg(0x5, "w", size=1)
    COMMAND_DATA = Reg(0x8, min_access=1)

    def __init__(
        self,
        arch_ids: Sequence[int],
        *,
        on_eject: Callable[[int], None],
        on_ost: Callable[[int, int, int], None],
        raise_event: Callable[[], None],
        trace: Trace,
    ) -> None:
        super().__init__()
        self.cpus = [HotplugState(arch_id) for arch_id in arch_ids]
        self._on_eject = on_eject
        self._on_ost = on_ost
        self._raise_event = raise_event
        self._trace = trace
        self._pending: set[int] = set()
        self.selector = 0
        self.command = 0

    # The VMM's side

    def set_enabled(self, index: int, *, enabled: bool) -> None:
        """A CPU has come or gone; it stays present either way."""
        self.cpus[index].is_enabled = enabled

    def request_insert(self, index: int) -> None:
        """Tell the guest that a CPU has come."""
        self.cpus[index].is_inserting = True
        self._requested(index)

    def request_remove(self, index: int) -> None:
        """Ask the guest to give a CPU back; asking again while that is pending is the same."""
        self.cpus[index].is_removing = True
        self._requested(index)

    def cancel(self, index: int) -> None:
        """Drop all requests: they are answered, or moot."""
        cpu = self.cpus[index]
        cpu.is_inserting = cpu.is_removing = cpu.fw_remove = False
        self._pending.discard(index)

    @property
    def pending(self) -> frozenset[int]:
        """CPUs with a request that the guest has not acknowledged."""
        return frozenset(self._pending)

    def _requested(self, index: int) -> None:
        self._pending.add(index)
        self._raise_event()

    # The guest's side

    @COMMAND_DATA_2.read
    def _read_command_data_2(self, _n: int) -> int:
        cpu = self._selected
        return cpu.arch_id >> 32 if cpu is not None and self.command == CPU_ID else 0

    @FLAGS.read
    def _read_flags(self, _n: int) -> int:
        cpu = self._selected
        return cpu.flags if cpu is not None else 0

    @COMMAND_DATA.read
    def _read_command_data(self, _n: int) -> int:
        cpu = self._selected
        if cpu is None:
            return 0
        if self.command == NEXT_WITH_EVENT:
            return self.selector
        return cpu.arch_id & 0xFFFF_FFFF if self.command == CPU_ID else 0

    @SELECTOR.write
    def _write_selector(self, _n: int, value: int) -> None:
        self.selector = value

    @FLAGS.write
    def _write_flags(self, _n: int, value: int) -> None:
        """One action a write: the first of these bits that is set."""
        cpu = self._selected
        if cpu is None:
            return
        if value & INSERTING:
            self._acknowledge_insert(cpu)
        elif value & REMOVING:
            if self._trace.on:
                self._trace("acpi", "cpuhp_acpi_clear_remove_evt", idx=self.selector)
            cpu.is_removing = False
            self._settle(cpu)
        elif value & EJECT:
            if self._trace.on:
                self._trace("acpi", "cpuhp_acpi_ejecting_cpu", idx=self.selector)
            self._on_eject(self.selector)
        elif value & FW_REMOVE and cpu.is_enabled and self.selector:
            cpu.fw_remove = True
            self._pending.add(self.selector)

    @COMMAND.write
    def _write_command(self, _n: int, value: int) -> None:
        if self._selected is None or value > CPU_ID:
            return
        self.command = value
        if value == NEXT_WITH_EVENT:
            self._select_next()

    @COMMAND_DATA.write
    def _write_command_data(self, _n: int, value: int) -> None:
        cpu = self._selected
        if cpu is None:
            return
        if self.command == OST_EVENT:
            cpu.ost_event = value
        elif self.command == OST_STATUS:
            cpu.ost_status = value
            if self._trace.on:
                self._trace("acpi", "cpuhp_acpi_write_ost", slot=self.selector, event=cpu.ost_event,
                            status=value)  # fmt: skip
            self._on_ost(self.selector, cpu.ost_event, value)

    @property
    def _selected(self) -> HotplugState | None:
        return self.cpus[self.selector] if self.selector < len(self.cpus) else None

    def _acknowledge_insert(self, cpu: HotplugState) -> None:
        """Clear the insert event; a removal that waited behind it gets an interrupt of its own.

        One scan delivers one event a CPU, so without it the removal would wait for the next
        interrupt that anything else raises.
        """
        if self._trace.on:
            self._trace("acpi", "cpuhp_acpi_clear_inserting_evt", idx=self.selector)
        was_inserting, cpu.is_inserting = cpu.is_inserting, False
        self._settle(cpu)
        if was_inserting and cpu.is_removing:
            self._raise_event()

    def _settle(self, cpu: HotplugState) -> None:
        if not (cpu.is_inserting or cpu.is_removing or cpu.fw_remove):
            self._pending.discard(self.selector)

    def _select_next(self) -> None:
        """Move on to the next CPU with an event, from the selected one on and around."""
        if not self._pending:
            return
        behind = [index for index in self._pending if index >= self.selector]
        self.selector = min(behind or self._pending)
        if self._trace.on:
            cpu = self.cpus[self.selector]
            self._trace("acpi", "cpuhp_acpi_cpu_has_events", idx=self.selector,
                        ins=cpu.is_inserting, rm=cpu.is_removing)  # fmt: skip
