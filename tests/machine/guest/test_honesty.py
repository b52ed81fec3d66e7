"""The guest is honest: it does what Linux does, to what it can reach, and knows nothing else.

Three proofs: the ordered accesses of a plug and of an unplug; a recorded boot, plug and unplug
that replays with no machine behind it; and sabotage, after which the guest must not see the CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.events import AcpiDeviceOst, DeviceDeleted, MachineEvent
from machine.kvm.smccc import Result
from machine.memmap import (
    CPUHP,
    GED,
    GED_SPI,
    GICR_LOW,
    RAM_BASE,
    REDISTRIBUTOR_SIZE,
    SPI_BASE,
    UART0,
)
from machine.topology import Topology
from machine.virt import VirtMachine
from tests.machine.guest.recording import OFF, Log, Replay, Step, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.guest.kernel import Kernel

CPU_ON, CPU_OFF, AFFINITY_INFO = 0xC400_0003, 0x8400_0002, 0xC400_0004
CORE2: dict[str, object] = {"driver": "cortex-a72-arm-cpu", "id": "core2", "core-id": 2}
GICR_TYPER = 0x8
SECONDARY_ENTRY = RAM_BASE + 0x20_1000

SELECTOR, FLAGS, COMMAND, DATA = (CPUHP.base + offset for offset in (0, 4, 5, 8))


class Recorded:
    """A machine whose guest is written down."""

    def __init__(self) -> None:
        config = MachineConfig(topology=Topology(2, 1, 1, 6, 1))
        self.machine = VirtMachine(config)
        self.events: list[MachineEvent] = []
        self.machine.events.listen(self.events.append)
        self.log: Log = record(self.machine)

    def settle(self) -> Log:
        """Let the guest do what it has to do; what that was."""
        start = len(self.log)
        self.machine.clock.run_until_idle()
        return self.log[start:]

    @property
    def kernel(self) -> Kernel:
        kernel = self.machine.power.kernel
        assert kernel is not None
        return kernel

    def osts(self) -> list[tuple[int, int, int]]:
        """Slot, source and status of each _OST so far."""
        return [
            (event.slot, event.source, event.status)
            for event in self.events
            if isinstance(event, AcpiDeviceOst)
        ]


@pytest.fixture
def booted() -> Iterator[Recorded]:
    recorded = Recorded()
    recorded.settle()
    yield recorded
    recorded.machine.close()


def accesses(log: Log) -> list[tuple[object, ...]]:
    """What reached devices and firmware: no RAM, no console, no registers of the CPU itself."""
    return [
        (step.verb, *step.args, step.result)
        for step in log
        if step.verb == "smccc"
        or (
            step.verb in {"load", "store"}
            and not RAM_BASE <= step.args[0] < RAM_BASE * 2
            and not UART0.base <= step.args[0] < UART0.base + UART0.size
        )
    ]


def registers(log: Log, prefix: str) -> list[tuple[object, ...]]:
    return [
        (step.cpu, step.verb, *step.args, step.result)
        for step in log
        if step.verb in {"mrs", "msr"} and str(step.args[0]).startswith(prefix)
    ]


def scan_step(cpu: int, found: int) -> list[tuple[object, ...]]:
    """CSCN looks for the next CPU with an event, from a number on."""
    step: list[tuple[object, ...]] = [
        ("store", SELECTOR, 4, cpu, None),
        ("store", COMMAND, 1, 0, None),
        ("load", DATA, 4, found),
    ]
    return step if found < cpu else [*step, ("load", DATA, 4, found)]


def status_of(cpu: int, flags: int) -> list[tuple[object, ...]]:
    """_STA: the present bit, then the enabled bit."""
    return [
        ("store", SELECTOR, 4, cpu, None),
        ("load", FLAGS, 1, flags),
        ("load", FLAGS, 1, flags),
    ]


def ost_of(cpu: int, source: int, status: int) -> list[tuple[object, ...]]:
    """_OST: source, then status, by two commands."""
    return [
        ("store", SELECTOR, 4, cpu, None),
        ("store", COMMAND, 1, 1, None),
        ("store", DATA, 4, source, None),
        ("store", COMMAND, 1, 2, None),
        ("store", DATA, 4, status, None),
    ]


def test_a_plug_makes_these_accesses_in_this_order(booted: Recorded) -> None:
    booted.machine.device_add(CORE2)
    seen = accesses(booted.settle())
    frame = GICR_LOW.base + 2 * REDISTRIBUTOR_SIZE
    assert seen[: seen.index(("load", frame + 0x14, 4, 6))] == [
        ("load", GED.base, 4, 0x8),
        *scan_step(0, 2),
        ("load", FLAGS, 1, 0x23),
        *scan_step(3, 2),
        ("store", SELECTOR, 4, 2, None),
        ("store", FLAGS, 1, 0x2, None),
        *status_of(2, 0x21),
        *ost_of(2, 1, 0),
        ("smccc", CPU_ON, 2, SECONDARY_ENTRY, 2, 0),
        ("load", GICR_LOW.base + 0x8, 8, 0),
        ("load", GICR_LOW.base + REDISTRIBUTOR_SIZE + 0x8, 8, 1 << 32 | 1 << 8),
        ("load", frame + 0x8, 8, 2 << 32 | 2 << 8),
    ]
    assert seen[seen.index(("load", frame + 0x14, 4, 6)) :][1:3] == [
        ("store", frame + 0x14, 4, 4, None),
        ("load", frame + 0x14, 4, 0),
    ]


def test_an_unplug_makes_these_accesses_in_this_order(booted: Recorded) -> None:
    booted.machine.device_add(CORE2)
    booted.settle()
    booted.machine.device_del("core2")
    assert accesses(booted.settle()) == [
        ("load", GED.base, 4, 0x8),
        *scan_step(0, 2),
        ("load", FLAGS, 1, 0x25),
        ("load", FLAGS, 1, 0x25),
        ("store", FLAGS, 1, 0x4, None),
        *scan_step(3, 3),
        ("load", FLAGS, 1, 0x20),
        ("load", FLAGS, 1, 0x20),
        *ost_of(2, 3, 0x84),
        ("smccc", CPU_OFF, OFF),
        ("smccc", AFFINITY_INFO, 2, 0, 1),
        ("store", SELECTOR, 4, 2, None),
        ("store", FLAGS, 1, 0x8, None),
        *status_of(2, 0x20),
        *status_of(2, 0x20),
        *ost_of(2, 3, 0),
    ]


def test_the_event_interrupt_is_taken_by_the_book(booted: Recorded) -> None:
    booted.machine.device_add(CORE2)
    taken = registers(booted.settle(), "ICC_")
    assert taken[:3] == [
        (0, "mrs", "ICC_IAR1_EL1", SPI_BASE + GED_SPI),
        (0, "msr", "ICC_EOIR1_EL1", SPI_BASE + GED_SPI, None),
        (0, "mrs", "ICC_IAR1_EL1", 1023),
    ]


def test_cpu_off_is_called_on_the_cpu_that_goes(booted: Recorded) -> None:
    booted.machine.device_add(CORE2)
    booted.settle()
    booted.machine.device_del("core2")
    calls = {step.args[0]: step.cpu for step in booted.settle() if step.verb == "smccc"}
    assert calls == {CPU_OFF: 2, AFFINITY_INFO: 0}


def test_boot_tries_every_possible_cpu_and_is_denied_those_that_are_not_plugged() -> None:
    recorded = Recorded()
    calls = [step for step in recorded.settle() if step.verb == "smccc" and step.args[0] == CPU_ON]
    assert [(step.args[1], step.result) for step in calls] == [
        (1, Result.SUCCESS),
        *((cpu, Result.DENIED) for cpu in (2, 3, 4, 5)),
    ]
    recorded.machine.close()


def test_a_boot_walks_over_the_redistributors_once() -> None:
    machine = VirtMachine(MachineConfig(topology=Topology(140, 1, 1, 140, 1)))
    log = record(machine)
    machine.clock.run_until_idle()
    types = [slot.redistributor + GICR_TYPER for slot in machine.slots]
    loads = [(step.cpu, step.args[0]) for step in log if step.verb == "load"]
    assert [load for load in loads if load[1] in types] == list(enumerate(types))
    machine.close()


def test_a_guest_touches_nothing_that_is_not_there(booted: Recorded) -> None:
    booted.machine.device_add(CORE2)
    booted.settle()
    booted.machine.device_del("core2")
    booted.settle()
    machine = booted.machine
    assert machine.bus.unassigned == machine.vm.io_bus.unassigned == 0
    devices = [region.device for region in (*machine.bus.regions, *machine.vm.io_bus.regions)]
    assert sum(getattr(device, "stray_accesses", 0) for device in devices) == 0


def test_boot_plug_and_unplug_replay_with_no_machine_behind(booted: Recorded) -> None:
    for _ in range(2):
        booted.machine.device_add(CORE2)
        booted.settle()
        booted.machine.device_del("core2")
        booted.settle()
    replay = Replay(booted.log)
    replay.run()
    assert replay.image is not None
    assert replay.image.kernel is not None
    assert [cpu.online for cpu in replay.image.kernel.cpus] == [True, True] + [False] * 4


def test_a_replay_notices_a_register_that_answers_differently(booted: Recorded) -> None:
    booted.machine.device_add(CORE2)
    booted.settle()
    at = next(
        n
        for n, step in enumerate(booted.log)
        if step.verb == "load" and step.args[0] == FLAGS and step.result == 0x23
    )
    step = booted.log[at]
    booted.log[at] = Step(step.cpu, step.verb, step.args, step.result & ~0x2)
    with pytest.raises(AssertionError):
        Replay(booted.log).run()


# Sabotage


def corrupt(machine: VirtMachine, before: bytes, after: bytes, *, mend_checksum: bool) -> None:
    """Change bytes of the DSDT in RAM, before the guest reads it."""
    ram = machine.ram
    tail = ram.read_bytes(ram.end - (1 << 20), 1 << 20)
    at = tail.index(b"DSDT")
    length = int.from_bytes(tail[at + 4 : at + 8], "little")
    table = bytearray(tail[at : at + length])
    assert table.count(before) == 1
    table[:] = table.replace(before, after)
    if mend_checksum:
        table[9] = (table[9] - sum(table)) & 0xFF
    ram.write_bytes(ram.end - (1 << 20) + at, bytes(table))


def test_a_flipped_byte_breaks_the_checksum_and_the_guest_has_no_acpi_devices() -> None:
    recorded = Recorded()
    address = CPUHP.base.to_bytes(4, "little") + b"\x0a\x0c"
    corrupt(recorded.machine, address, address[:-1] + b"\x0d", mend_checksum=False)
    recorded.settle()
    recorded.machine.device_add(CORE2)
    assert recorded.settle() == []
    assert not recorded.kernel.cpus[2].enabled
    assert recorded.osts() == []
    recorded.machine.close()


def test_a_wrong_register_address_in_the_dsdt_hides_the_cpu() -> None:
    recorded = Recorded()
    address = CPUHP.base.to_bytes(4, "little") + b"\x0a\x0c"
    elsewhere = (CPUHP.base + 0x1000).to_bytes(4, "little") + b"\x0a\x0c"
    corrupt(recorded.machine, address, elsewhere, mend_checksum=True)
    recorded.settle()
    recorded.machine.device_add(CORE2)
    assert recorded.settle() != []
    assert not recorded.kernel.cpus[2].enabled
    assert recorded.osts() == []
    assert recorded.machine.bus.unassigned > 0
    recorded.machine.close()


def test_a_sta_that_says_absent_is_reported_as_a_failure() -> None:
    """CSTA's 0xF becomes 0xC: neither present nor enabled."""
    recorded = Recorded()
    corrupt(recorded.machine, b"\x0a\x0f\x60", b"\x0a\x0c\x60", mend_checksum=True)
    recorded.settle()
    recorded.machine.device_add(CORE2)
    recorded.settle()
    assert not recorded.kernel.cpus[2].enabled
    assert recorded.osts() == [(2, 1, 1)]
    recorded.machine.close()


@pytest.mark.parametrize(("field", "osts"), [(b"CPRS", [(2, 1, 1), (3, 1, 1)]), (b"CCMD", [])])
def test_a_method_that_fails_does_not_take_the_kernel_along(
    field: bytes,
    osts: list[tuple[int, int, int]],
) -> None:
    """Every use of a field that is not there fails; the guest lives, and does not see the CPU."""
    recorded = Recorded()
    machine = recorded.machine
    tail = machine.ram.read_bytes(machine.ram.end - (1 << 20), 1 << 20)
    at = tail.index(b"DSDT")
    length = int.from_bytes(tail[at + 4 : at + 8], "little")
    table = bytearray(tail[at : at + length].replace(b"PRES" + field, b"PRESZZZZ"))
    table[9] = (table[9] - sum(table)) & 0xFF
    machine.ram.write_bytes(machine.ram.end - (1 << 20) + at, bytes(table))
    recorded.settle()
    for name in ("core2", "core3"):
        machine.device_add({**CORE2, "id": name, "core-id": int(name[-1])})
        recorded.settle()
    assert recorded.osts() == osts
    assert not recorded.kernel.cpus[2].enabled
    assert recorded.kernel.cpus[0].online
    machine.close()


def test_a_lost_event_interrupt_leaves_the_cpu_unseen_until_the_next_one(booted: Recorded) -> None:
    ged = booted.machine.ged
    assert ged is not None
    ged.irq.disconnect()
    booted.machine.device_add(CORE2)
    assert booted.settle() == []
    assert booted.osts() == []
    assert not booted.kernel.cpus[2].enabled
    ged.irq.connect(lambda level: booted.machine.gic.set_spi(SPI_BASE + GED_SPI, level))
    booted.machine.device_add({**CORE2, "id": "core3", "core-id": 3})
    booted.settle()
    assert booted.osts() == [(2, 1, 0), (3, 1, 0)]


def test_a_denied_cpu_on_leaves_the_cpu_enabled_and_offline(
    booted: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(booted.machine.psci, "call", lambda *_args: int(Result.DENIED))
    booted.machine.device_add(CORE2)
    booted.settle()
    cpu = booted.kernel.cpus[2]
    assert cpu.enabled
    assert not cpu.online
    assert booted.osts() == [(2, 1, 0)]


def test_an_ignored_eject_is_reported_and_the_cpu_stays(
    booted: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    booted.machine.device_add(CORE2)
    booted.settle()
    cpuhp = booted.machine.cpuhp
    assert cpuhp is not None
    monkeypatch.setattr(cpuhp, "_on_eject", lambda _index: None)
    booted.machine.device_del("core2")
    booted.settle()
    assert booted.osts()[1:] == [(2, 3, 0x84), (2, 3, 1)]
    assert not any(isinstance(event, DeviceDeleted) for event in booted.events)
    assert booted.kernel.cpus[2].enabled


def test_a_cpu_without_a_redistributor_does_not_come_online() -> None:
    """The MADT's GICR region is cut to two redistributors, so CPU 2 finds none."""
    recorded = Recorded()
    ram = recorded.machine.ram
    tail = bytearray(ram.read_bytes(ram.end - (1 << 20), 1 << 20))
    at = tail.index(b"APIC")
    length = int.from_bytes(tail[at + 4 : at + 8], "little")
    tail[at + length - 4 : at + length] = (2 * REDISTRIBUTOR_SIZE).to_bytes(4, "little")
    tail[at + 9] = (tail[at + 9] - sum(tail[at : at + length])) & 0xFF
    ram.write_bytes(ram.end - (1 << 20), bytes(tail))
    recorded.settle()
    recorded.machine.device_add(CORE2)
    recorded.settle()
    cpu = recorded.kernel.cpus[2]
    assert (cpu.enabled, cpu.online) == (True, False)
    assert recorded.osts() == [(2, 1, 0)]
    recorded.machine.close()
