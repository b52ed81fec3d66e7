"""Fields behind a connection (GPIO, I2C and the like): declared in full, clear when accessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.acpi import aml
from machine.acpi.aml_data import pkg
from machine.guest.aml import Interpreter
from machine.guest.aml.errors import NoHandlerError
from tests.machine.guest.aml import acpiexec
from tests.machine.guest.aml.fakes import MemoryHost

if TYPE_CHECKING:
    from pathlib import Path

ASL = """
DefinitionBlock ("", "DSDT", 2, "TEST", "TEST", 1) {
  Scope (\\_SB) {
    Device (I2C0) { Name (_HID, "ABCD0001") }
    Device (GPI0) { Name (_HID, "ABCD0002") }
    Device (BATT) {
      Name (_HID, "ABCD0003")
      Name (SDB0, ResourceTemplate () {
        I2cSerialBusV2 (0x0B, ControllerInitiated, 100000, AddressingMode7Bit, "\\\\_SB.I2C0") })
      OperationRegion (TOP1, GenericSerialBus, 0, 0x100)
      Field (TOP1, BufferAcc, NoLock, Preserve) {
        Connection (SDB0),
        AccessAs (BufferAcc, AttribWord), Offset (2), TEMP, 8,
        AccessAs (BufferAcc, AttribBytes (16)), STRG, 8,
        Connection (I2cSerialBusV2 (0x0C, ControllerInitiated, 100000, AddressingMode7Bit,
          "\\\\_SB.I2C0")),
        OTHR, 8 }
      OperationRegion (GPOR, GeneralPurposeIo, 0, 1)
      Field (GPOR, ByteAcc, NoLock, Preserve) {
        Connection (GpioIo (Exclusive, PullUp, , , , "\\\\_SB.GPI0") {3}), PIN3, 1 }
      OperationRegion (PCIC, PCI_Config, 0, 4)
      Field (PCIC, DWordAcc, NoLock, Preserve) { VEND, 16 }
      Method (RDTM) { Return (TEMP) }
      Method (WRPN) { PIN3 = 1 Return (1) }
      Method (TYPE) { Return (ObjectType (OTHR)) }
    }
  }
}
"""


@pytest.fixture(scope="module")
def battery(tmp_path_factory: pytest.TempPathFactory) -> tuple[MemoryHost, Interpreter]:
    folder: Path = tmp_path_factory.mktemp("connections")
    host = MemoryHost()
    interpreter = Interpreter(host)
    interpreter.load_table(acpiexec.compile_asl(folder, ASL))
    return host, interpreter


@pytest.mark.acpica
@pytest.mark.parametrize("seg", ["TEMP", "STRG", "OTHR", "PIN3", "VEND"])
def test_a_field_behind_a_connection_is_declared_and_cannot_be_accessed(
    battery: tuple[MemoryHost, Interpreter], seg: str
) -> None:
    host, interpreter = battery
    spaces = {"PIN3": "0x8", "VEND": "0x2"}
    assert interpreter.exists(f"\\_SB.BATT.{seg}")
    with pytest.raises(NoHandlerError, match=f"region space {spaces.get(seg, '0x9')} is not there"):
        interpreter.evaluate(f"\\_SB.BATT.{seg}")
    assert host.log == []


@pytest.mark.acpica
def test_methods_that_use_such_fields_fail_and_others_do_not(
    battery: tuple[MemoryHost, Interpreter],
) -> None:
    _, interpreter = battery
    for method in ("RDTM", "WRPN"):
        with pytest.raises(NoHandlerError):
            interpreter.evaluate(f"\\_SB.BATT.{method}")
    assert interpreter.evaluate("\\_SB.BATT.TYPE") == 5


def test_connections_and_access_fields_take_no_bits() -> None:
    """A field of memory is where it would be without them (§20.2.5.2, FieldElement)."""
    elements = (
        b"\x02" + aml.buffer(b"\x01\x02"),  # ConnectField with a BufferData
        b"AAAA\x08",
        b"\x02\\CONN",  # ConnectField with a NameString
        b"\x01\x03\x00",  # AccessField: from here on by DWords
        b"\x00\x08",  # ReservedField
        b"\x03\x02\x0b\x10",  # ExtendedAccessField: by Words
        b"BBBB\x10",
    )
    region = aml.operation_region("MEMR", aml.RegionSpace.SystemMemory, 0x100, 0x10)
    field = pkg(b"\x5b\x81", b"MEMR", b"\x01", *elements)
    host = MemoryHost()
    interpreter = Interpreter(host)
    interpreter.load_table(aml.definition_block("DSDT", 2, region, field))
    for seg in ("AAAA", "BBBB"):
        interpreter.evaluate(seg)
    assert host.log == [("load", 0x100, 1), ("load", 0x102, 2)]
