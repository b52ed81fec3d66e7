"""The form in which replies leave."""

import json
from typing import Any

import pytest
from hypothesis import example, given

from protocol.command import command, record_of
from protocol.encode import encode_event, encode_failure, encode_success, encode_value, prettify
from protocol.errors import DeviceNotFoundError, QmpError
from protocol.event import Event
from protocol.model import WireModel
from protocol.qapi.acpi import AcpiDeviceOst, ACPIOSTInfo, ACPISlotType
from protocol.qapi.control import CommandInfo
from protocol.qapi.run_state import Reset, Resume, ShutdownCause
from tests.protocol.test_stream import VALUES


@given(VALUES)
@example({"a": [1.5, {"b": "\x7f"}], "c": {}})
def test_any_value_is_one_ascii_line_that_says_the_same(value: Any) -> None:
    line = encode_value(value)
    assert line.isascii()
    assert not any(byte < 0x20 or byte == 0x7F for byte in line)
    assert json.loads(line) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e3, "1000"),
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.10000000000000001"),
        (float(2**64), "1.8446744073709552e+19"),
        (2**64 - 1, "18446744073709551615"),
        (-(2**63), "-9223372036854775808"),
        (True, "true"),
        (None, "null"),
        ("1.5", '"1.5"'),
        (["1.5", 1.5], '["1.5", 1.5]'),
        ({"a": 1.0, "b": [1.0, {}]}, '{"a": 1, "b": [1, {}]}'),
        ("é😀\x7f\u2028\x1f", '"\\u00E9\\uD83D\\uDE00\\u007F\\u2028\\u001F"'),
        ('a/b\b\f\n\r\t"\\', '"a/b\\b\\f\\n\\r\\t\\"\\\\"'),
        ("\\u00e9", '"\\\\u00e9"'),
        ({"é": "\\u001f\x1f"}, '{"\\u00E9": "\\\\u001f\\u001F"}'),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values_print_as_qemu_prints_them(value: Any, text: str) -> None:
    assert encode_value(value).decode() == text


def test_plain_containers_may_hold_models() -> None:
    assert encode_value([{"a": CommandInfo(name="é")}]) == b'[{"a": {"name": "\\u00E9"}}]'


class Measure(WireModel):
    ratio: float
    kept: list[Any]


class Measured(Event, name="MEASURED"):
    ratio: float


@command("query-measures")
def query_measures(_context: object) -> list[Measure]:
    """Return doubles inside of models."""
    return [Measure(ratio=0.1, kept=[1.0, "1.50", {"a": 1e300}])]


def test_doubles_inside_of_models_print_as_those_outside_do() -> None:
    record = record_of(query_measures)
    assert record is not None
    assert record.encode(query_measures(None)) == (
        b'[{"ratio": 0.10000000000000001, "kept": [1, "1.50", {"a": 1.0000000000000001e+300}]}]'
    )


def test_doubles_in_events_do_so_too() -> None:
    assert b'"data": {"ratio": 0.10000000000000001}' in encode_event(Measured(ratio=0.1), 0, 0)


def test_a_value_too_deep_for_recursion_is_written_all_the_same() -> None:
    value: Any = []
    for _ in range(5000):
        value = [value]
    assert encode_value(value) == b"[" * 5001 + b"]" * 5001


def test_the_id_follows_a_return_and_precedes_an_error() -> None:
    assert encode_success(b"{}", "x") == b'{"return": {}, "id": "x"}\r\n'
    assert encode_failure(QmpError("no"), None) == (
        b'{"id": null, "error": {"class": "GenericError", "desc": "no"}}\r\n'
    )


def test_a_message_without_id_is_answered_without_id() -> None:
    assert encode_success(b"{}") == b'{"return": {}}\r\n'
    assert encode_failure(DeviceNotFoundError("Device 'x' not found")) == (
        b'{"error": {"class": "DeviceNotFound", "desc": "Device \'x\' not found"}}\r\n'
    )


def test_an_event_without_members_has_no_data() -> None:
    assert encode_event(Resume(), 5, 6) == (
        b'{"timestamp": {"seconds": 5, "microseconds": 6}, "event": "RESUME"}\r\n'
    )


def test_an_event_with_members_has_data() -> None:
    line = encode_event(Reset(guest=False, reason=ShutdownCause.HOST_QMP_SYSTEM_RESET), 5, 6)
    assert line.endswith(
        b'"event": "RESET", "data": {"guest": false, "reason": "host-qmp-system-reset"}}\r\n'
    )


def test_an_absent_member_of_event_data_is_not_sent() -> None:
    info = ACPIOSTInfo(slot="2", slot_type=ACPISlotType.CPU, source=3, status=0)
    assert json.loads(encode_event(AcpiDeviceOst(info=info), 0, 0))["data"] == {
        "info": {"slot": "2", "slot-type": "CPU", "source": 3, "status": 0}
    }


def test_pretty_indents_by_four_and_opens_empty_containers() -> None:
    assert prettify(b'{"return": {}, "id": [1, [], "{}"]}\r\n') == (
        b'{\r\n    "return": {\r\n    },\r\n    "id": [\r\n        1,\r\n'
        b'        [\r\n        ],\r\n        "{}"\r\n    ]\r\n}\r\n'
    )
