"""The interpreter's door: tables, names, values, and chains of calls that meet."""

from __future__ import annotations

import pytest

from machine.acpi import aml
from machine.guest.aml import AmlError, BadTableError, FatalError, Interpreter, NotFoundError
from machine.guest.aml.errors import MutexError, NoHandlerError, OperandTypeError
from tests.machine.acpi.reference import reference_table
from tests.machine.guest.aml.fakes import MemoryHost


def loaded(*terms: bytes, revision: int = 2) -> tuple[MemoryHost, Interpreter]:
    host = MemoryHost()
    interpreter = Interpreter(host)
    interpreter.load_table(aml.definition_block("DSDT", revision, *terms))
    return host, interpreter


def test_a_wrong_checksum_is_refused() -> None:
    table = bytearray(reference_table("flat", "DSDT"))
    table[100] ^= 1
    with pytest.raises(BadTableError, match="checksum"):
        Interpreter(MemoryHost()).load_table(bytes(table))


@pytest.mark.parametrize("size", [0, 35, 36, 100])
def test_a_truncated_table_is_refused(size: int) -> None:
    with pytest.raises(BadTableError):
        Interpreter(MemoryHost()).load_table(reference_table("flat", "DSDT")[:size])


def test_a_table_without_aml_is_refused() -> None:
    with pytest.raises(BadTableError, match="APIC"):
        Interpreter(MemoryHost()).load_table(reference_table("flat", "APIC"))


def test_bytes_behind_a_table_are_not_its_own() -> None:
    interpreter = Interpreter(MemoryHost())
    interpreter.load_table(aml.definition_block("DSDT", 2, aml.name("N", 5)) + b"\xff" * 9)
    assert interpreter.evaluate("N") == 5


def test_a_table_that_fails_leaves_no_names_behind() -> None:
    interpreter = Interpreter(MemoryHost())
    bad = aml.definition_block("DSDT", 2, aml.name("N", 5), aml.scope("NONE"))
    with pytest.raises(NotFoundError):
        interpreter.load_table(bad)
    assert not interpreter.exists("N")


def test_a_second_table_adds_to_the_first() -> None:
    _, interpreter = loaded(aml.name("N", 5))
    more = aml.scope("\\_SB", aml.method("GETN", 0, aml.return_(aml.name_string("N"))))
    interpreter.load_table(aml.definition_block("SSDT", 2, more))
    assert interpreter.evaluate("\\_SB.GETN") == 5


@pytest.mark.parametrize("path", ["\\_SB.C000.A", "\\_SB_.C000.A___", "_SB.C000.A"])
def test_paths_are_understood_in_both_forms(path: str) -> None:
    _, interpreter = loaded(aml.scope("\\_SB", aml.device("C000", aml.name("A", 7))))
    assert interpreter.evaluate(path) == 7
    assert interpreter.exists(path)
    assert list(interpreter.devices()) == ["\\_SB.C000"]
    assert list(interpreter.children("\\_SB.C000")) == ["\\_SB.C000.A"]


@pytest.mark.parametrize("path", ["", "nope", "\\\\", "A.B", "TOOLONG", "\\_SB..A", "^"])
def test_what_is_no_path_is_no_object(path: str) -> None:
    _, interpreter = loaded(aml.name("N", 5))
    assert interpreter.exists(path) is (path == "")
    with pytest.raises(AmlError):
        interpreter.evaluate(path)


def test_devices_come_in_the_order_of_definition() -> None:
    _, interpreter = loaded(
        aml.device("\\_SB.ZZZZ", aml.device("INNR")),
        aml.device("\\_SB.AAAA"),
        aml.scope("\\_SB.ZZZZ", aml.device("LATE")),
    )
    names = ["\\_SB.ZZZZ", "\\_SB.ZZZZ.INNR", "\\_SB.AAAA", "\\_SB.ZZZZ.LATE"]
    assert list(interpreter.devices()) == names


def test_a_device_has_no_value() -> None:
    _, interpreter = loaded(aml.device("\\_SB.DEV0"))
    with pytest.raises(OperandTypeError, match="no value"):
        interpreter.evaluate("\\_SB.DEV0")


def test_a_method_takes_the_number_of_arguments_that_it_declares() -> None:
    _, interpreter = loaded(aml.method("M", 2, aml.return_(aml.add(aml.arg0, aml.arg1))))
    assert interpreter.evaluate("M", 1, 2) == 3
    with pytest.raises(OperandTypeError, match="takes 2"):
        interpreter.evaluate("M", 1)


def test_integers_have_32_bits_in_a_table_of_revision_1() -> None:
    terms = aml.method("M", 0, aml.return_(aml.add(0xFFFFFFFF, 2)))
    assert loaded(terms, revision=1)[1].evaluate("M") == 1
    assert loaded(terms, revision=2)[1].evaluate("M") == 0x1_0000_0001


def test_a_result_is_a_copy() -> None:
    _, interpreter = loaded(aml.name("B", aml.buffer(b"\x01\x02")))
    first = interpreter.evaluate("B")
    assert isinstance(first, bytearray)
    first[0] = 9
    assert interpreter.evaluate("B") == bytearray(b"\x01\x02")


def test_time_passes_on_the_host() -> None:
    host, interpreter = loaded(aml.method("M", 0, aml.stall(3), aml.sleep(2)))
    interpreter.evaluate("M")
    assert host.log == [("stall", 3_000), ("stall", 2_000_000)]


def test_fatal_tells_what_the_firmware_said() -> None:
    fatal = b"\x5b\x32\x01" + (0xABCD).to_bytes(4, "little") + aml.integer(7)
    _, interpreter = loaded(aml.method("M", 0, fatal))
    with pytest.raises(FatalError) as caught:
        interpreter.evaluate("M")
    assert (caught.value.kind, caught.value.code, caught.value.argument) == (1, 0xABCD, 7)


def test_a_region_that_is_no_memory_cannot_be_accessed() -> None:
    rules = (aml.AccessType.ByteAcc, aml.LockRule.NoLock, aml.UpdateRule.Preserve)
    _, interpreter = loaded(
        aml.operation_region("PORT", aml.RegionSpace.SystemIO, 0x80, 1),
        aml.field("PORT", *rules, aml.named_field("CODE", 8)),
    )
    with pytest.raises(NoHandlerError):
        interpreter.evaluate("CODE")


class NestingHost(MemoryHost):
    """On a notification, evaluates again: a second chain of calls inside the first."""

    interpreter: Interpreter
    caught: Exception | None = None
    nested: str = ""

    def notify(self, path: str, value: int) -> None:
        super().notify(path, value)
        try:
            self.log.append(("nested", self.interpreter.evaluate(self.nested)))
        except AmlError as error:
            self.caught = error


def nesting(nested: str) -> NestingHost:
    host = NestingHost()
    host.interpreter = Interpreter(host)
    host.nested = nested
    terms = [
        aml.device("\\_SB.DEV0"),
        aml.mutex("LOCK", 3),
        aml.method(
            "HOLD",
            0,
            aml.acquire("LOCK", 0xFFFF),
            aml.notify("\\_SB.DEV0", 1),
            aml.release("LOCK"),
            serialized=True,
        ),
        aml.method("TRY", 0, aml.return_(aml.acquire("LOCK", 50))),
        aml.method("WAIT", 0, aml.return_(aml.acquire("LOCK", 0xFFFF))),
        aml.method("FREE", 0, aml.return_(7)),
    ]
    host.interpreter.load_table(aml.definition_block("DSDT", 2, *terms))
    return host


def test_a_notification_may_evaluate_at_once() -> None:
    host = nesting("FREE")
    host.interpreter.evaluate("HOLD")
    assert host.log == [("notify", "\\_SB.DEV0", 1), ("nested", 7)]


def test_a_mutex_of_another_chain_times_out() -> None:
    host = nesting("TRY")
    host.interpreter.evaluate("HOLD")
    assert host.log[1:] == [("stall", 50_000_000), ("nested", 0xFFFFFFFFFFFFFFFF)]


@pytest.mark.parametrize("nested", ["WAIT", "HOLD"])
def test_waiting_for_ever_for_another_chain_is_an_error(nested: str) -> None:
    host = nesting(nested)
    host.interpreter.evaluate("HOLD")
    assert isinstance(host.caught, MutexError)


def test_a_mutex_that_is_not_released_is_free_after_the_call() -> None:
    host = nesting("FREE")
    assert host.interpreter.evaluate("WAIT") == 0
    assert host.interpreter.evaluate("WAIT") == 0


def test_a_method_that_fails_leaves_neither_names_nor_locks() -> None:
    _, interpreter = loaded(
        aml.method(
            "FAIL",
            1,
            aml.name("TEMP", 1),
            aml.if_(aml.arg0, aml.return_(aml.divide(1, 0))),
            aml.return_(aml.name_string("TEMP")),
            serialized=True,
        )
    )
    for _ in range(2):
        with pytest.raises(AmlError):
            interpreter.evaluate("FAIL", 1)
        assert interpreter.evaluate("FAIL", 0) == 1


def test_what_the_host_raises_comes_through() -> None:
    class Broken(MemoryHost):
        def stall(self, nanoseconds: int) -> None:
            raise KeyError(nanoseconds)

    interpreter = Interpreter(Broken())
    interpreter.load_table(aml.definition_block("DSDT", 2, aml.method("M", 0, aml.stall(1))))
    with pytest.raises(KeyError):
        interpreter.evaluate("M")


def test_two_interpreters_share_nothing() -> None:
    _, one = loaded(aml.name("N", 1))
    _, two = loaded(aml.name("N", 2))
    assert (one.evaluate("N"), two.evaluate("N")) == (1, 2)


def test_a_name_that_a_method_defines_hides_the_outer_one_while_it_lasts() -> None:
    _, interpreter = loaded(
        aml.name("N", 1),
        aml.method(
            "M",
            1,
            aml.if_(aml.arg0, aml.name("N", 2)),
            aml.return_(aml.name_string("N")),
        ),
    )
    assert [interpreter.evaluate("M", flag) for flag in (0, 1, 0)] == [1, 2, 1]


def test_a_name_that_appears_later_is_found_at_the_next_call() -> None:
    _, interpreter = loaded(aml.method("M", 0, aml.return_(aml.name_string("LATE"))))
    with pytest.raises(NotFoundError):
        interpreter.evaluate("M")
    late = aml.method("LATE", 0, aml.return_(9))
    interpreter.load_table(aml.definition_block("SSDT", 2, late))
    assert interpreter.evaluate("M") == 9
