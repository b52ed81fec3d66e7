"""AML that loads tables, and regions that are tables (ACPI 6.5 §19.6.77, §19.6.78, §19.6.28)."""

from __future__ import annotations

import pytest

from machine.acpi import aml
from machine.guest.aml import AmlError, FatalError, Interpreter, NotFoundError
from machine.guest.aml.errors import LimitExceededError, OperandTypeError, UnsupportedError
from tests.machine.guest.aml.fakes import MemoryHost

TRUE = 0xFFFF_FFFF_FFFF_FFFF
WHERE = 0x4000
EMPTY = b"\x0d\0"


def ssdt(*terms: bytes) -> bytes:
    return aml.definition_block("SSDT", 2, *terms)


GOOD = ssdt(aml.name("GOOD", 7), aml.method("GETG", 0, aml.return_(b"GOOD")))


def loaded(
    *terms: bytes, table: bytes = GOOD, budget: int = 1000
) -> tuple[MemoryHost, Interpreter]:
    """An interpreter, with a table in the region TABL, and known to the host as that of ACME."""
    host = MemoryHost()
    host.tables["SSDT", "ACME", ""] = host.place(WHERE, table)
    space = aml.RegionSpace.SystemMemory
    region = aml.operation_region("TABL", space, WHERE, len(table))
    rules = (aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)
    field = aml.field("TABL", *rules, aml.named_field("TFLD", 8 * len(table)))
    interpreter = Interpreter(host, budget=budget)
    interpreter.load_table(aml.definition_block("DSDT", 2, region, field, *terms))
    return host, interpreter


def load(source: bytes, target: bytes = b"\0") -> bytes:
    return b"\x5b\x20" + source + target


def load_table(root: bytes = EMPTY, path: bytes = EMPTY, value: bytes = b"\0") -> bytes:
    return b"\x5b\x1f" + aml.string("SSDT") + aml.string("ACME") + EMPTY + root + path + value


@pytest.mark.parametrize("source", [b"TABL", b"TFLD"], ids=["region", "field"])
def test_load_takes_a_table_from_memory(source: bytes) -> None:
    _, interpreter = loaded(aml.method("M", 0, aml.return_(load(source))))
    assert interpreter.evaluate("M") == TRUE
    assert interpreter.evaluate("\\GOOD") == 7
    assert interpreter.evaluate("\\GETG") == 7


def test_load_stores_its_outcome_in_the_target() -> None:
    body = load(aml.local0, aml.local1) + aml.return_(aml.local1)
    _, interpreter = loaded(aml.method("M", 1, aml.store(aml.arg0, aml.local0), body))
    assert interpreter.evaluate("M", bytearray(GOOD)) == TRUE
    assert interpreter.evaluate("M", bytearray(GOOD)) == 0, "its names exist already"
    assert interpreter.evaluate("\\GOOD") == 7


@pytest.mark.parametrize(
    "table",
    [
        GOOD[:-1],
        GOOD[:-1] + bytes([GOOD[-1] ^ 1]),
        aml.table("APIC", 1, b""),
        ssdt(aml.name("PART", 1), aml.scope("NONE")),
        b"",
    ],
    ids=["short", "checksum", "no AML", "fails", "empty"],
)
def test_a_table_that_is_broken_is_not_loaded_and_leaves_no_names(table: bytes) -> None:
    _, interpreter = loaded(aml.method("M", 1, aml.return_(load(aml.arg0))))
    assert interpreter.evaluate("M", bytearray(table)) == 0
    assert not interpreter.exists("\\GOOD")
    assert not interpreter.exists("\\PART")


def test_a_region_shorter_than_its_table_is_an_error() -> None:
    host, interpreter = loaded(aml.method("M", 0, aml.return_(load(b"TABL"))))
    host.place(WHERE + 4, (len(GOOD) + 1).to_bytes(4, "little"))
    with pytest.raises(AmlError, match="has a table of"):
        interpreter.evaluate("M")


def test_load_needs_something_to_load() -> None:
    _, interpreter = loaded(aml.method("M", 1, aml.return_(load(aml.arg0))))
    with pytest.raises(OperandTypeError):
        interpreter.evaluate("M", 5)


def test_names_of_a_loaded_table_outlive_the_method_that_loads_it() -> None:
    inner = ssdt(
        aml.device("\\_SB.DEVL", aml.name("_UID", 3), aml.name("REFS", aml.package(b"LATE")))
    )
    _, interpreter = loaded(
        aml.method("M", 1, aml.name("TEMP", 1), aml.return_(load(aml.arg0))),
        aml.name("LATE", 4),
    )
    interpreter.evaluate("M", bytearray(inner))
    assert not interpreter.exists("\\M.TEMP")
    assert list(interpreter.devices()) == ["\\_SB.DEVL"]
    assert interpreter.evaluate("\\_SB.DEVL._UID") == 3


def test_load_table_finds_the_table_and_loads_it_at_the_root() -> None:
    _, interpreter = loaded(aml.method("M", 0, aml.return_(load_table())))
    assert interpreter.evaluate("M") == TRUE
    assert interpreter.evaluate("\\GOOD") == 7


def test_load_table_loads_below_a_path_and_stores_the_parameter() -> None:
    body = load_table(aml.string("\\_SB"), aml.string("GOOD"), aml.integer(9))
    _, interpreter = loaded(aml.method("M", 0, aml.return_(body)))
    assert interpreter.evaluate("M") == TRUE
    assert interpreter.evaluate("\\_SB.GOOD") == 9
    assert not interpreter.exists("\\GOOD")


def test_load_table_of_what_is_not_there_yields_false() -> None:
    host, interpreter = loaded(aml.method("M", 0, aml.return_(load_table())))
    host.tables.clear()
    assert interpreter.evaluate("M") == 0


def test_load_table_needs_the_scope_that_it_names() -> None:
    body = load_table(aml.string("\\NONE"))
    _, interpreter = loaded(aml.method("M", 0, aml.return_(body)))
    with pytest.raises(NotFoundError):
        interpreter.evaluate("M")


def test_a_data_region_is_the_memory_of_its_table() -> None:
    rules = (aml.AccessType.DWordAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)
    region = b"\x5b\x88DREG" + aml.string("SSDT") + aml.string("ACME") + EMPTY
    host, interpreter = loaded(
        region, aml.field("DREG", *rules, aml.named_field("SIGN", 32), aml.named_field("LENG", 32))
    )
    assert interpreter.evaluate("SIGN") == int.from_bytes(b"SSDT", "little")
    assert interpreter.evaluate("LENG") == len(GOOD)
    assert host.log == [("load", WHERE, 4), ("load", WHERE + 4, 4)]


def test_a_data_region_without_its_table_is_an_error() -> None:
    region = b"\x5b\x88DREG" + aml.string("SSDT") + aml.string("NOBODY") + EMPTY
    with pytest.raises(NotFoundError, match="DREG"):
        loaded(region)


def test_nothing_can_be_unloaded() -> None:
    _, interpreter = loaded(aml.name("HAND", 1), aml.method("M", 0, b"\x5b\x2aHAND"))
    with pytest.raises(UnsupportedError):
        interpreter.evaluate("M")


def test_tables_that_load_themselves_come_to_an_end() -> None:
    _, interpreter = loaded(
        aml.method("MORE", 0, load(b"\\TABL")),
        table=ssdt(aml.call("\\MORE")),
    )
    with pytest.raises(LimitExceededError):
        interpreter.evaluate("MORE")


def test_fatal_in_a_table_is_fatal() -> None:
    table = ssdt(b"\x5b\x32\x01\0\0\0\0\x00")
    _, interpreter = loaded(aml.method("M", 0, load(b"TABL")), table=table)
    with pytest.raises(FatalError):
        interpreter.evaluate("M")


def test_a_table_loads_while_the_first_one_is_executed() -> None:
    _, interpreter = loaded(load(b"TABL"), aml.name("N", b"GOOD"))
    assert interpreter.evaluate("N") == 7
