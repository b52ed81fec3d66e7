"""The AML compiler: encodings of the standard, and the reference's own bytes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from machine.acpi import aml
from tests.machine.acpi.reference import MACHINES, need_tool, reference_table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("\\", b"\\\x00"),
        ("", b"\x00"),
        ("_SB", b"_SB_"),
        ("\\_SB", b"\\_SB_"),
        ("^C000", b"^C000"),
        ("^^A.B", b"^^\x2eA___B___"),
        ("\\_SB.GED", b"\\\x2e_SB_GED_"),
        ("\\_SB.PRES.CSEL", b"\\\x2f\x03_SB_PRESCSEL"),
    ],
)
def test_name_string_takes_the_shortest_prefix(path: str, encoded: bytes) -> None:
    assert aml.name_string(path) == encoded


@pytest.mark.parametrize("path", ["TOOLONG", "0ABC", "abc", "^\\A", "A..B", "\\^A", "A.B."])
def test_what_is_no_name_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no Name"):
        aml.name_string(path)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (2, "0a02"),
        (0xFF, "0aff"),
        (0x100, "0b0001"),
        (0xFFFF, "0bffff"),
        (0x10000, "0c00000100"),
        (0xFFFFFFFF, "0cffffffff"),
        (0x1_0000_0000, "0e0000000001000000"),
        (0xFFFFFFFFFFFFFFFF, "ff"),
    ],
)
def test_an_integer_takes_its_shortest_form(value: int, encoded: str) -> None:
    assert aml.integer(value) == bytes.fromhex(encoded)


def test_an_integer_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        aml.integer(1 << 64)
    with pytest.raises(ValueError, match="64 bits"):
        aml.integer(-1)


@pytest.mark.parametrize(
    ("length", "encoded"),
    [
        (0, "01"),
        (62, "3f"),
        (63, "4104"),
        (0xFFF - 2, "4fff"),
        (0x1000 - 2, "810001"),
        (0xFFFFF - 3, "8fffff"),
        (0xFFFFE, "c2000001"),
    ],
)
def test_a_pkg_length_counts_itself(length: int, encoded: str) -> None:
    assert aml.pkg_length(length) == bytes.fromhex(encoded)


def test_an_eisa_id_is_compressed() -> None:
    assert aml.eisaid("PNP0A06") == bytes.fromhex("0c41d00a06")


def test_a_uuid_is_of_mixed_order() -> None:
    encoded = aml.uuid("33db4d5b-1ff7-401c-9657-7441c03dd766")
    assert encoded.hex() == "11130a10" + "5b4ddb33f71f1c4096577441c03dd766"


def test_a_package_beyond_255_elements_is_a_var_package() -> None:
    assert aml.package(count=0xFF) == bytes.fromhex("1202ff")
    assert aml.package(count=0x100) == bytes.fromhex("13040b0001")


def test_field_offsets_are_gaps_from_the_field_before() -> None:
    rules = (aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.WriteAsZeros)
    one_bit = aml.named_field("CPEN", 1)
    encoded = aml.field("PRST", *rules, aml.offset(4), one_bit, aml.offset(0x105))
    assert encoded == b"\x5b\x81\x10PRST\x41" + b"\x00\x20CPEN\x01" + b"\x00\x47\x80"


def test_a_field_that_goes_backwards_is_refused() -> None:
    rules = (aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)
    with pytest.raises(ValueError, match="before"):
        aml.field("PRST", *rules, aml.named_field("ABCD", 32), aml.offset(2))


# --- The reference, rebuilt ---------------------------------------------------------------


def pres(field: str) -> bytes:
    return aml.name_string(f"\\_SB.PRES.{field}")


def locked(*terms: bytes) -> list[bytes]:
    return [aml.acquire(pres("CPLK")), *terms, aml.release(pres("CPLK"))]


def cpu_device(number: int, *extra: bytes) -> bytes:
    eject = aml.method("_EJ0", 1, aml.call("CEJ0", number))
    args = (aml.arg0, aml.arg1, aml.arg2)
    return aml.device(
        f"C{number:03X}",
        aml.name("_HID", "ACPI0007"),
        aml.name("_UID", number),
        aml.method("_STA", 0, aml.return_(aml.call("CSTA", number)), serialized=True),
        *([eject] if number else []),
        aml.method("_OST", 3, aml.call("COST", number, *args), serialized=True),
        *extra,
    )


def ctfy(cpus: int) -> bytes:
    chain = [
        aml.if_(aml.lequal(aml.arg0, cpu), aml.notify(f"C{cpu:03X}", aml.arg1))
        for cpu in range(cpus)
    ]
    return aml.method("CTFY", 2, *chain)


def csta() -> bytes:
    return aml.method(
        "CSTA",
        1,
        *locked(
            aml.store(aml.arg0, pres("CSEL")),
            aml.store(0, aml.local0),
            aml.if_(
                aml.lequal(pres("CPRS"), 1),
                aml.if_(aml.lequal(pres("CPEN"), 1), aml.store(0xF, aml.local0)),
                aml.else_(aml.store(0xD, aml.local0)),
            ),
        ),
        aml.return_(aml.local0),
        serialized=True,
    )


def find_events(cpus: int) -> bytes:
    inserted = [
        aml.store(aml.local3, aml.index(aml.name_string("CNEW"), aml.local1)),
        aml.increment(aml.local1),
        aml.store(1, aml.local0),
    ]
    removed = [
        aml.call("CTFY", aml.local3, 3),
        aml.store(1, pres("CRMV")),
        aml.store(1, aml.local0),
    ]
    return aml.while_(
        aml.land(aml.lequal(aml.local0, 1), aml.lless(aml.local3, cpus)),
        aml.store(0, aml.local0),
        aml.store(aml.local3, pres("CSEL")),
        aml.store(0, pres("CCMD")),
        aml.if_(aml.lless(pres("CDAT"), aml.local3), aml.break_),
        aml.if_(aml.lequal(aml.local1, 0xFF), aml.store(1, aml.local4), aml.break_),
        aml.store(pres("CDAT"), aml.local3),
        aml.if_(aml.lequal(pres("CINS"), 1), *inserted),
        aml.elseif(aml.lequal(pres("CRMV"), 1), *removed),
        aml.increment(aml.local3),
    )


def notify_inserted() -> bytes:
    element = aml.deref_of(aml.index(aml.name_string("CNEW"), aml.local2))
    return aml.while_(
        aml.lless(aml.local2, aml.local1),
        aml.store(element, aml.local3),
        aml.call("CTFY", aml.local3, 1),
        aml.store(aml.local3, aml.debug),
        aml.store(aml.local3, pres("CSEL")),
        aml.store(1, pres("CINS")),
        aml.increment(aml.local2),
    )


def cscn(cpus: int) -> bytes:
    batch = aml.while_(
        aml.lequal(aml.local4, 1),
        aml.store(0, aml.local4),
        aml.store(1, aml.local0),
        aml.store(0, aml.local1),
        find_events(cpus),
        aml.store(0, aml.local2),
        notify_inserted(),
    )
    terms = locked(
        aml.name("CNEW", aml.package(count=0xFF)),
        aml.store(0, aml.local3),
        aml.store(1, aml.local4),
        batch,
    )
    return aml.method("CSCN", 0, *terms, serialized=True)


def registers() -> bytes:
    bits = [aml.named_field(seg, 1) for seg in ("CPEN", "CINS", "CRMV", "CEJ0", "CEJF", "CPRS")]
    zeros = (aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.WriteAsZeros)
    keep = (aml.AccessType.DWordAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)
    ccmd = aml.named_field("CCMD", 8)
    words: list[aml.FieldEntry | aml.Offset] = [
        aml.named_field("CSEL", 32),
        aml.offset(8),
        aml.named_field("CDAT", 32),
    ]
    return aml.device(
        "\\_SB.PRES",
        aml.name("_HID", aml.eisaid("PNP0A06")),
        aml.name("_UID", "CPU Hotplug resources"),
        aml.mutex("CPLK"),
        aml.name("_CRS", aml.resource_template(aml.memory32_fixed(0x090C0000, 12))),
        aml.operation_region("PRST", aml.RegionSpace.SystemMemory, 0x090C0000, 12),
        aml.field("PRST", *zeros, aml.offset(4), *bits, aml.offset(5), ccmd),
        aml.field("PRST", *keep, *words),
    )


def ged() -> bytes:
    keep = (aml.AccessType.DWordAcc, aml.LockRule.NoLock, aml.UpdateRule.WriteAsZeros)

    def bit(mask: int, *terms: bytes) -> bytes:
        return aml.if_(aml.lequal(aml.and_(aml.local0, mask), mask), *terms)

    return aml.device(
        "\\_SB.GED",
        aml.name("_HID", "ACPI0013"),
        aml.name("_UID", "GED"),
        aml.name("_CRS", aml.resource_template(aml.interrupt(0x29, edge=True))),
        aml.operation_region("EREG", aml.RegionSpace.SystemMemory, 0x09080000, 4),
        aml.field("EREG", *keep, aml.named_field("ESEL", 32)),
        aml.method(
            "_EVT",
            1,
            aml.store(aml.name_string("ESEL"), aml.local0),
            bit(2, aml.notify("PWRB", 0x80)),
            bit(8, aml.call("\\_SB.GED.CSCN")),
            serialized=True,
        ),
    )


def test_cpu_devices_and_methods_are_the_reference_bytes() -> None:
    dsdt = reference_table("flat", "DSDT")
    for cpu in range(6):
        assert cpu_device(cpu) in dsdt
    assert ctfy(6) in dsdt
    assert csta() in dsdt
    assert cscn(6) in dsdt


def test_a_cpu_device_of_a_numa_machine_is_the_reference_bytes() -> None:
    dsdt = reference_table("numa", "DSDT")
    for cpu in range(6):
        assert cpu_device(cpu, aml.name("_PXM", cpu // 3)) in dsdt


def test_the_register_block_and_the_event_device_are_the_reference_bytes() -> None:
    for machine in MACHINES:
        assert registers() in reference_table(machine, "DSDT")
        assert ged() in reference_table(machine, "DSDT")


def test_a_serial_port_is_the_reference_bytes() -> None:
    resources = aml.resource_template(aml.memory32_fixed(0x09000000, 0x1000), aml.interrupt(0x21))
    port = aml.device(
        "COM0", aml.name("_HID", "ARMH0011"), aml.name("_UID", 0), aml.name("_CRS", resources)
    )
    assert port in reference_table("flat", "DSDT")


def test_the_windows_of_the_host_bridge_are_the_reference_bytes() -> None:
    window = aml.Range
    resources = aml.resource_template(
        aml.word_bus_number(window(0, 0xFF)),
        aml.dword_memory(window(0x10000000, 0x3EFEFFFF)),
        aml.dword_io(window(0, 0xFFFF, translation=0x3EFF0000)),
        aml.qword_memory(window(0x80_0000_0000, 0xFF_FFFF_FFFF)),
    )
    assert resources in reference_table("flat", "DSDT")


def test_a_table_has_the_reference_header() -> None:
    for machine in MACHINES:
        dsdt = reference_table(machine, "DSDT")
        assert aml.table("DSDT", 2, dsdt[36:]) == dsdt


@pytest.mark.acpica
def test_iasl_disassembles_and_recompiles_what_we_compile(tmp_path: Path) -> None:
    iasl = need_tool("iasl")
    block = aml.definition_block(
        "DSDT",
        2,
        aml.scope("\\_SB", ged(), aml.scope("\\_SB", registers(), cpus_container(3))),
        aml.scope("\\_SB", aml.device("PWRB", aml.name("_HID", aml.eisaid("PNP0C0C")))),
    )
    (tmp_path / "dsdt.aml").write_bytes(block)
    subprocess.run([iasl, "-d", "dsdt.aml"], cwd=tmp_path, capture_output=True, check=True)
    source = (tmp_path / "dsdt.dsl").read_text()
    assert "Device (C002)" in source
    assert "Invalid" not in source
    again = [iasl, "-oa", "-p", "again", "dsdt.dsl"]  # -oa: keep names and integers as they are
    subprocess.run(again, cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "again.aml").read_bytes()[36:] == block[36:]


def cpus_container(cpus: int) -> bytes:
    ignored = aml.method("COST", 4, serialized=True)
    eject = aml.method("CEJ0", 1, serialized=True)
    forward = aml.method("\\_SB.GED.CSCN", 0, aml.call("\\_SB.CPUS.CSCN"))
    return (
        aml.device(
            "\\_SB.CPUS",
            ctfy(cpus),
            csta(),
            cscn(cpus),
            ignored,
            eject,
            *(cpu_device(cpu) for cpu in range(cpus)),
        )
        + forward
    )
