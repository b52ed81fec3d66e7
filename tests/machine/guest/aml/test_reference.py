"""The reference's DSDTs run, and CPU hotplug makes exactly the accesses that its AML asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.acpi import aml
from machine.guest.aml import Interpreter, Package, Reference
from machine.guest.aml.namespace import Accessible, NamedObject
from machine.guest.aml.objects import Method
from tests.machine.acpi.reference import MACHINES, reference_table
from tests.machine.guest.aml import acpiexec
from tests.machine.guest.aml.fakes import CPUS, GED, AccessHost, HotplugHost, MemoryHost

if TYPE_CHECKING:
    from pathlib import Path

SELECTOR, FLAGS, COMMAND, DATA = CPUS, CPUS + 4, CPUS + 5, CPUS + 8
UUID_PCI = bytearray.fromhex("5b4ddb33f71f1c4096577441c03dd766")
UUID_LABEL = bytearray.fromhex("d037c9e553357a4d9117ea4d19c3434d")


def booted(machine: str = "flat", cpus: int = 6) -> tuple[HotplugHost, Interpreter]:
    host = HotplugHost(cpus, enabled=2)
    interpreter = Interpreter(host)
    interpreter.load_table(reference_table(machine, "DSDT"))
    return host, interpreter


def select(cpu: int) -> tuple[str, int, int, int]:
    return ("store", SELECTOR, 4, cpu)


LOAD_FLAGS = ("load", FLAGS, 1)
LOAD_DATA = ("load", DATA, 4)


@pytest.mark.parametrize("machine", MACHINES)
def test_loading_touches_no_hardware(machine: str) -> None:
    host, _ = booted(machine)
    assert host.log == []


@pytest.mark.parametrize(("machine", "cpus"), [("flat", 6), ("topo", 16), ("numa", 6)])
def test_all_cpus_are_devices_in_order(machine: str, cpus: int) -> None:
    _, interpreter = booted(machine, cpus)
    devices = [path for path in interpreter.devices() if path.startswith("\\_SB.CPUS.")]
    assert devices == [f"\\_SB.CPUS.C{cpu:03X}" for cpu in range(cpus)]
    for cpu, path in enumerate(devices):
        assert interpreter.evaluate(f"{path}._HID") == "ACPI0007"
        assert interpreter.evaluate(f"{path}._UID") == cpu
        assert interpreter.exists(f"{path}._EJ0") == (cpu > 0)


def test_proximity_follows_the_socket() -> None:
    _, interpreter = booted("numa")
    found = [interpreter.evaluate(f"\\_SB.CPUS.C{cpu:03X}._PXM") for cpu in range(6)]
    assert found == [0, 0, 0, 1, 1, 1]


def test_status_of_an_enabled_cpu_reads_present_then_enabled() -> None:
    host, interpreter = booted()
    assert interpreter.evaluate("\\_SB.CPUS.C001._STA") == 0xF
    assert host.log == [select(1), LOAD_FLAGS, LOAD_FLAGS]


def test_status_of_a_disabled_cpu_is_present_but_not_enabled() -> None:
    host, interpreter = booted()
    assert interpreter.evaluate("\\_SB.CPUS.C004._STA") == 0xD
    assert host.log == [select(4), LOAD_FLAGS, LOAD_FLAGS]


def test_eject_writes_one_byte_and_reads_none() -> None:
    host, interpreter = booted()
    interpreter.evaluate("\\_SB.CPUS.C001._EJ0", 1)
    assert host.log == [select(1), ("store", FLAGS, 1, 8)]
    assert host.ejected == [1]


def test_ost_stores_event_and_status_under_their_commands() -> None:
    host, interpreter = booted()
    interpreter.evaluate("\\_SB.CPUS.C003._OST", 0x103, 0x80, bytearray())
    assert host.log == [
        select(3),
        ("store", COMMAND, 1, 1),
        ("store", DATA, 4, 0x103),
        ("store", COMMAND, 1, 2),
        ("store", DATA, 4, 0x80),
    ]
    assert host.ost == [(3, 0x103, 0x80)]


def test_an_event_for_an_inserted_cpu_makes_these_accesses() -> None:
    host, interpreter = booted()
    host.slots[2].inserting = True
    host.ged = 8
    interpreter.evaluate("\\_SB.GED._EVT", 0x29)
    scan_until_nothing_is_pending = [
        *(select(0), ("store", COMMAND, 1, 0), LOAD_DATA, LOAD_DATA, LOAD_FLAGS),
        *(select(3), ("store", COMMAND, 1, 0), LOAD_DATA),
    ]
    assert host.log == [
        ("load", GED, 4),
        *scan_until_nothing_is_pending,
        ("notify", "\\_SB.CPUS.C002", 1),
        ("debug", "0x2"),
        select(2),
        ("store", FLAGS, 1, 2),
    ]
    assert not host.slots[2].inserting


def test_an_event_for_a_removed_cpu_asks_for_its_ejection() -> None:
    host, interpreter = booted()
    host.slots[1].removing = True
    host.ged = 8
    interpreter.evaluate("\\_SB.GED._EVT", 0x29)
    assert host.log == [
        ("load", GED, 4),
        *(select(0), ("store", COMMAND, 1, 0), LOAD_DATA, LOAD_DATA),
        *(LOAD_FLAGS, LOAD_FLAGS),
        ("notify", "\\_SB.CPUS.C001", 3),
        ("store", FLAGS, 1, 4),
        *(select(2), ("store", COMMAND, 1, 0), LOAD_DATA, LOAD_DATA, LOAD_FLAGS, LOAD_FLAGS),
    ]
    assert not host.slots[1].removing


def test_every_inserted_cpu_is_notified_in_order() -> None:
    host, interpreter = booted()
    for cpu in (5, 2, 3):
        host.slots[cpu].inserting = True
    interpreter.evaluate("\\_SB.CPUS.CSCN")
    notified = [entry[1:] for entry in host.log if entry[0] == "notify"]
    assert notified == [(f"\\_SB.CPUS.C00{cpu}", 1) for cpu in (2, 3, 5)]
    assert not any(slot.inserting for slot in host.slots)


def test_a_scan_can_be_repeated_for_its_local_names_are_gone() -> None:
    _, interpreter = booted()
    for _ in range(3):
        interpreter.evaluate("\\_SB.CPUS.CSCN")
        assert not interpreter.exists("\\_SB.CPUS.CSCN.CNEW")


def test_the_power_button_event_notifies_the_power_button() -> None:
    host, interpreter = booted()
    host.ged = 2
    interpreter.evaluate("\\_SB.GED._EVT", 0x29)
    assert host.log == [("load", GED, 4), ("notify", "\\_SB.PWRB", 0x80)]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_host_bridge_grants_what_it_knows(machine: str) -> None:
    _, interpreter = booted(machine)
    wish = bytearray(bytes(4) + b"\xff\xff\xff\xff" * 2)
    granted = interpreter.evaluate("\\_SB.PCI0._OSC", UUID_PCI, 1, 3, wish)
    assert granted == bytearray.fromhex("10000000ffffffff1f000000")
    assert wish == bytes(4) + b"\xff" * 8, "the caller's buffer is its own"
    refused = interpreter.evaluate("\\_SB.PCI0._OSC", UUID_LABEL, 1, 3, wish)
    assert isinstance(refused, bytearray)
    assert refused[:4] == b"\x04\0\0\0"


def test_the_device_specific_method_answers_by_uuid() -> None:
    _, interpreter = booted()
    dsm = "\\_SB.PCI0._DSM"
    assert interpreter.evaluate(dsm, UUID_LABEL, 1, 0, Package()) == bytearray(b"\x01")
    assert interpreter.evaluate(dsm, UUID_PCI, 1, 0, Package()) == bytearray(b"\x00")


def test_interrupt_routing_refers_to_link_devices() -> None:
    _, interpreter = booted()
    routing = interpreter.evaluate("\\_SB.PCI0._PRT")
    assert isinstance(routing, Package)
    assert len(routing) == 128
    first = routing[0]
    assert isinstance(first, Package)
    assert [str(element) for element in first] == ["65535", "0", "\\_SB.L000", "0"]


CALLS = {
    "\\_SB.CPUS.C001._STA": (),
    "\\_SB.CPUS.C001._EJ0": (1,),
    "\\_SB.CPUS.C001._OST": (3, 0x80, 1),
    "\\_SB.CPUS.CSCN": (),
    "\\_SB.GED._EVT": (0x29,),
}


@pytest.mark.acpica
@pytest.mark.parametrize("machine", MACHINES)
def test_acpiexec_makes_the_same_accesses_on_the_reference(machine: str, tmp_path: Path) -> None:
    table = reference_table(machine, "DSDT")
    lines = [" ".join([path[1:], *map(hex, args)]) for path, args in CALLS.items()]
    theirs = acpiexec.run(tmp_path, table, lines)
    for path, args in CALLS.items():
        host = MemoryHost()
        interpreter = Interpreter(host)
        interpreter.load_table(table)
        interpreter.evaluate(path, *args)
        expected = [(kind, address, size) for kind, address, size, _ in theirs[path[1:]].accesses]
        assert [entry[:3] for entry in host.log if entry[0] in {"load", "store"}] == expected
        assert expected


def evaluable(interpreter: Interpreter) -> list[str]:
    """Every name that has a value without arguments; the routing table is looked at by row."""
    nodes = [node for node in interpreter.namespace.walk() if node.name != "_PRT"]
    return [
        node.path
        for node in nodes
        if (isinstance(node.content, Method) and not node.content.arg_count)
        or isinstance(node.content, Accessible)
        or not isinstance(node.content, NamedObject)
    ]


ROWS = [f"P{row:03d}" for row in range(128)]
ROUTING = aml.definition_block(
    "SSDT",
    2,
    *(
        aml.method(
            row, 0, aml.return_(aml.deref_of(aml.index(aml.name_string("\\_SB.PCI0._PRT"), at)))
        )
        for at, row in enumerate(ROWS)
    ),
)
"""The routing table is more than acpiexec can print at once."""


def printed(value: object) -> acpiexec.Printed:
    if isinstance(value, Reference):
        return str(value).rpartition(".")[2]
    if isinstance(value, list):
        return [printed(element) for element in value]
    return bytes(value) if isinstance(value, bytearray) else value  # type: ignore[return-value]


@pytest.mark.acpica
@pytest.mark.parametrize("machine", MACHINES)
def test_every_object_of_the_reference_has_the_value_that_acpiexec_gives_it(
    machine: str, tmp_path: Path
) -> None:
    table = reference_table(machine, "DSDT")
    host = MemoryHost()
    interpreter = Interpreter(host)
    for each in (table, ROUTING):
        interpreter.load_table(each)
    paths = evaluable(interpreter)
    for path in paths:  # as acpiexec does at its start
        if path.endswith("._STA"):
            interpreter.evaluate(path)
    theirs = acpiexec.run(tmp_path, table, [path[1:] for path in paths], ROUTING)
    assert {"_HID", "_UID", "_CRS", "_CCA", "_STA", "_PRS"} <= {path[-4:] for path in paths}
    assert len(paths) > 300
    for path in paths:
        host.log.clear()
        assert printed(interpreter.evaluate(path)) == theirs[path[1:]].value, path
        made = [entry[:3] for entry in host.log if entry[0] in {"load", "store"}]
        assert made == [access[:3] for access in theirs[path[1:]].accesses], path


EVENTS = {
    "insertion": (8, "CINS", [("C002", 1)]),
    "removal": (8, "CRMV", [("C002", 3)]),
    "power-down": (2, "CPEN", [("PWRB", 0x80)]),
    "both": (10, "CINS", [("PWRB", 0x80), ("C002", 1)]),
    "nothing": (0, "CINS", []),
}


def prepared(event: int, flag: str) -> bytes:
    """A method that puts into the registers, which are memory here, what the devices would."""
    stores = [
        aml.store(event, "\\_SB.GED.ESEL"),
        aml.store(2, "\\_SB.PRES.CDAT"),
        aml.store(1, f"\\_SB.PRES.{flag}"),
    ]
    return aml.definition_block("SSDT", 2, aml.method("PREP", 0, *stores))


@pytest.mark.acpica
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("case", EVENTS)
def test_an_event_goes_all_the_way_to_its_notify_as_in_acpiexec(
    machine: str, case: str, tmp_path: Path
) -> None:
    event, flag, notified = EVENTS[case]
    tables = reference_table(machine, "DSDT"), prepared(event, flag)
    host = AccessHost()
    interpreter = Interpreter(host)
    for table in tables:
        interpreter.load_table(table)
    theirs = acpiexec.run(tmp_path, tables[0], ["PREP", "_SB.GED._EVT 0x29"], tables[1])
    interpreter.evaluate("\\PREP")
    host.log.clear()
    host.accesses.clear()
    interpreter.evaluate("\\_SB.GED._EVT", 0x29)
    found = theirs["_SB.GED._EVT"]
    assert found.error is None
    assert host.accesses == found.accesses
    assert found.accesses
    told = [entry[1:] for entry in host.log if entry[0] == "notify"]
    assert [(str(path).rpartition(".")[2], value) for path, value in told] == notified
    assert sorted(found.notified) == sorted(notified)  # it handles each in a thread of its own


@pytest.mark.parametrize("machine", MACHINES)
def test_the_devices_of_the_reference_are_all_found(machine: str) -> None:
    _, interpreter = booted(machine)
    devices = [path.rpartition(".")[2] for path in interpreter.devices()]
    assert {"COM0", "PWRB", "GED", "PRES", "CPUS", "PCI0", "RES0", "C000"} <= set(devices)
    assert [name for name in devices if name.startswith("VR")] == [f"VR{n:02d}" for n in range(32)]
    assert [name for name in devices if name[0] == "L"] == [f"L00{n}" for n in range(4)]


@pytest.mark.parametrize("machine", MACHINES)
def test_interrupt_routing_covers_all_slots_and_pins(machine: str) -> None:
    _, interpreter = booted(machine)
    routing = interpreter.evaluate("\\_SB.PCI0._PRT")
    assert isinstance(routing, Package)
    found = [[str(element) for element in row] for row in routing if isinstance(row, Package)]
    assert found == [
        [str(slot << 16 | 0xFFFF), str(pin), f"\\_SB.L00{(slot + pin) % 4}", "0"]
        for slot in range(32)
        for pin in range(4)
    ]
