r"""ACPI CPU hot-plug: the register block, and the AML that drives it from the guest's side.

The interface of QEMU's docs/specs/acpi_cpu_hotplug, with bit 5 of the flags ("present") that the
arm64 series adds: on arm64 a CPU is always present, and only its enabled bit comes and goes.
The methods and their bytes are the reference's: `\_SB.PRES` has the registers, `\_SB.CPUS` the
methods CTFY CSTA CEJ0 CSCN COST and a device for each possible CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from machine.acpi import aml
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


# AML

_PRES = "\\_SB.PRES"
_CPUS = "\\_SB.CPUS"
_MAX_NEW = 255
"""How many insertions one pass of CSCN collects: what a Package's NumElements can say."""


def _reg(name: str) -> bytes:
    return aml.name_string(f"{_PRES}.{name}")


def _set(name: str, value: aml.Data) -> bytes:
    return aml.store(value, f"{_PRES}.{name}")


def _locked(*terms: bytes) -> tuple[bytes, ...]:
    lock = f"{_PRES}.CPLK"
    return (aml.acquire(lock), *terms, aml.release(lock))


def describe(address: int, size: int, cpus: int, ged: str) -> bytes:
    """All of CPU hot-plug in AML, with the scan method that the device at `ged` calls."""
    return aml.scope(
        "_SB",
        _controller(address, size),
        aml.device(
            _CPUS,
            aml.name("_HID", "ACPI0010"),
            aml.name("_CID", aml.eisaid("PNP0A05")),
            _notify(cpus),
            _status(),
            _eject(),
            _scan(cpus),
            _report(),
            *(_cpu(index) for index in range(cpus)),
        ),
    ) + aml.method(f"{ged}.CSCN", 0, aml.call(f"{_CPUS}.CSCN"))


def _controller(address: int, size: int) -> bytes:
    """The register block as named fields."""
    memory, byte, word = (
        aml.RegionSpace.SystemMemory,
        aml.AccessType.ByteAcc,
        aml.AccessType.DWordAcc,
    )
    no_lock, zeros, keep = (
        aml.LockRule.NoLock,
        aml.UpdateRule.WriteAsZeros,
        aml.UpdateRule.Preserve,
    )
    bits = [aml.named_field(seg, 1) for seg in ("CPEN", "CINS", "CRMV", "CEJ0", "CEJF", "CPRS")]
    return aml.device(
        _PRES,
        aml.name("_HID", aml.eisaid("PNP0A06")),
        aml.name("_UID", "CPU Hotplug resources"),
        aml.mutex("CPLK"),
        aml.name("_CRS", aml.resource_template(aml.memory32_fixed(address, size))),
        aml.operation_region("PRST", memory, address, size),
        aml.field(
            "PRST",
            byte,
            no_lock,
            zeros,
            aml.offset(4),
            *bits,
            aml.offset(5),
            aml.named_field("CCMD", 8),
        ),
        aml.field(
            "PRST",
            word,
            no_lock,
            keep,
            aml.named_field("CSEL", 32),
            aml.offset(8),
            aml.named_field("CDAT", 32),
        ),
    )


def _notify(cpus: int) -> bytes:
    """CTFY(cpu, event): Notify the device with this number."""
    return aml.method(
        "CTFY",
        2,
        *(
            aml.if_(aml.lequal(aml.arg0, index), aml.notify(f"C{index:03X}", aml.arg1))
            for index in range(cpus)
        ),
    )


def _status() -> bytes:
    """CSTA(cpu): 0xF when enabled, 0xD when present only, else 0."""
    result = aml.local0
    return aml.method(
        "CSTA",
        1,
        *_locked(
            _set("CSEL", aml.arg0),
            aml.store(aml.zero, result),
            aml.if_(
                aml.lequal(_reg("CPRS"), aml.one),
                aml.if_(aml.lequal(_reg("CPEN"), aml.one), aml.store(0xF, result)),
                aml.else_(aml.store(0xD, result)),
            ),
        ),
        aml.return_(result),
        serialized=True,
    )


def _eject() -> bytes:
    """CEJ0(cpu): eject."""
    return aml.method(
        "CEJ0",
        1,
        *_locked(_set("CSEL", aml.arg0), _set("CEJ0", aml.one)),
        serialized=True,
    )


def _report() -> bytes:
    """COST(cpu, event, status, ...): pass an _OST on."""
    return aml.method(
        "COST",
        4,
        *_locked(
            _set("CSEL", aml.arg0),
            _set("CCMD", OST_EVENT),
            _set("CDAT", aml.arg1),
            _set("CCMD", OST_STATUS),
            _set("CDAT", aml.arg2),
        ),
        serialized=True,
    )


def _scan(cpus: int) -> bytes:
    """CSCN: collect insertions, pass removals on at once, then pass the insertions on."""
    has_event, new, done, cpu, again = (
        aml.local0,
        aml.local1,
        aml.local2,
        aml.local3,
        aml.local4,
    )
    collect = aml.while_(
        aml.land(aml.lequal(has_event, aml.one), aml.lless(cpu, cpus)),
        aml.store(aml.zero, has_event),
        _set("CSEL", cpu),
        _set("CCMD", NEXT_WITH_EVENT),
        aml.if_(aml.lless(_reg("CDAT"), cpu), aml.break_),
        aml.if_(aml.lequal(new, _MAX_NEW), aml.store(aml.one, again), aml.break_),
        aml.store(_reg("CDAT"), cpu),
        aml.if_(
            aml.lequal(_reg("CINS"), aml.one),
            aml.store(cpu, aml.index(aml.name_string("CNEW"), new)),
            aml.increment(new),
            aml.store(aml.one, has_event),
        ),
        aml.elseif(
            aml.lequal(_reg("CRMV"), aml.one),
            aml.call("CTFY", cpu, 3),
            _set("CRMV", aml.one),
            aml.store(aml.one, has_event),
        ),
        aml.increment(cpu),
    )
    deliver = aml.while_(
        aml.lless(done, new),
        aml.store(aml.deref_of(aml.index(aml.name_string("CNEW"), done)), cpu),
        aml.call("CTFY", cpu, aml.one),
        aml.store(cpu, aml.debug),
        _set("CSEL", cpu),
        _set("CINS", aml.one),
        aml.increment(done),
    )
    return aml.method(
        "CSCN",
        0,
        *_locked(
            aml.name("CNEW", aml.package(count=_MAX_NEW)),
            aml.store(aml.zero, cpu),
            aml.store(aml.one, again),
            aml.while_(
                aml.lequal(again, aml.one),
                aml.store(aml.zero, again),
                aml.store(aml.one, has_event),
                aml.store(aml.zero, new),
                collect,
                aml.store(aml.zero, done),
                deliver,
            ),
        ),
        serialized=True,
    )


def _cpu(index: int) -> bytes:
    """One possible CPU. The boot CPU has no _EJ0: it can't go."""
    eject = aml.method("_EJ0", 1, aml.call("CEJ0", index)) if index else b""
    return aml.device(
        f"C{index:03X}",
        aml.name("_HID", "ACPI0007"),
        aml.name("_UID", index),
        aml.method("_STA", 0, aml.return_(aml.call("CSTA", index)), serialized=True),
        eject,
        aml.method(
            "_OST",
            3,
            aml.call("COST", index, aml.arg0, aml.arg1, aml.arg2),
            serialized=True,
        ),
    )
