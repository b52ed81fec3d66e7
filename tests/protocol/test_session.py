"""A conversation: negotiation, dispatch, and the words for what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import capabilities
from protocol.command import CommandTable, collect
from protocol.encode import ABSENT
from protocol.greeting import Greeting
from protocol.qapi.control import VersionInfo, VersionTriple
from protocol.session import Request, Session
from tests.protocol import commands
from tests.protocol.conftest import Talk, answer, converse

NEGOTIATE = b'{"execute": "qmp_capabilities"}'


def request_of(session: Session, data: bytes) -> Request:
    (item,) = session.receive_data(data)
    assert isinstance(item, Request)
    return item


def test_the_greeting_is_one_line(session: Session) -> None:
    assert session.greeting() == (
        b'{"QMP": {"version": {"qemu": {"major": 9, "minor": 1, "micro": 50}, "package": ""}, '
        b'"capabilities": ["oob"]}}\r\n'
    )


def test_commands_behind_the_negotiation_in_one_packet_are_understood(session: Session) -> None:
    reply, request = session.receive_data(NEGOTIATE + b'\n{"execute": "query-status", "id": 1}\n')
    assert answer(session, reply) == b'{"return": {}}\r\n'
    assert isinstance(request, Request)
    assert (request.command.name, request.arguments, request.id) == ("query-status", {}, 1)


def test_a_session_is_negotiated_once_the_command_succeeds(session: Session) -> None:
    assert not session.negotiated()
    converse(session, b'{"execute": "qmp_capabilities", "arguments": {"enable": ["bogus"]}}')
    assert not session.negotiated()
    converse(session, NEGOTIATE)
    assert session.negotiated()


def test_a_session_without_the_negotiation_command_cannot_be_built(greeting: Greeting) -> None:
    with pytest.raises(ValueError, match="qmp_capabilities"):
        Session(collect((commands,)), greeting)


def test_a_capability_that_is_not_offered_cannot_be_enabled(table: CommandTable) -> None:
    version = VersionInfo(qemu=VersionTriple(major=1, minor=0, micro=0), package="")
    session = Session(table, Greeting.of(version, ()))
    (line,) = converse(session, b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}')
    assert json.loads(line)["error"]["desc"] == "Capability 'oob' not available"
    assert not session.negotiated()


def test_an_out_of_band_command_is_marked(session: Session) -> None:
    converse(session, b'{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}')
    assert request_of(session, b'{"exec-oob": "migrate-pause"}').oob
    assert not request_of(session, b'{"execute": "migrate-pause"}').oob


def test_a_missing_id_is_not_a_null_id(session: Session) -> None:
    converse(session, NEGOTIATE)
    assert request_of(session, b'{"execute": "query-status"}').id is ABSENT
    assert request_of(session, b'{"execute": "query-status", "id": null}').id is None


def test_an_unsigned_number_may_be_given_as_a_negative_one(session: Session) -> None:
    converse(session, NEGOTIATE)
    line = b'{"execute": "set-numbers", "arguments": {"small": 1, "large": -1}}'
    assert request_of(session, line).arguments["large"] == 2**64 - 1


@pytest.mark.parametrize(
    ("command", "given_", "desc"),
    [
        ("set-numbers", {}, "Parameter 'small' is missing"),
        ("set-numbers", {"bogus": 1}, "Parameter 'small' is missing"),
        ("set-numbers", {"small": 1, "bogus": 1}, "Parameter 'bogus' is unexpected"),
        ("set-numbers", {"small": "1"}, "Invalid parameter type for 'small', expected: integer"),
        ("set-numbers", {"small": True}, "Invalid parameter type for 'small', expected: integer"),
        ("set-numbers", {"small": 1.0}, "Invalid parameter type for 'small', expected: integer"),
        ("set-numbers", {"small": 2**31}, "Parameter 'small' expects int32_t"),
        ("set-numbers", {"small": 2**63}, "Invalid parameter type for 'small', expected: integer"),
        ("set-numbers", {"small": 1, "large": 2**64}, "Parameter 'large' expects uint64"),
        ("set-numbers", {"small": 1, "large": "1"}, "Parameter 'large' expects uint64"),
        ("set-numbers", {"small": 1, "large": None}, "Parameter 'large' expects uint64"),
        (
            "set-numbers",
            {"small": 1, "on": 1},
            "Invalid parameter type for 'on', expected: boolean",
        ),
        (
            "set-numbers",
            {"small": 1, "names": {}},
            "Invalid parameter type for 'names', expected: array",
        ),
        (
            "set-numbers",
            {"small": 1, "names": ["a", 5]},
            "Invalid parameter type for 'names[1]', expected: string",
        ),
        (
            "set-numbers",
            {"small": 1, "names": None},
            "Invalid parameter type for 'names', expected: array",
        ),
        (
            "set-numbers",
            {"small": None, "large": "x"},
            "Invalid parameter type for 'small', expected: integer",
        ),
        (
            "query-cpu-model-expansion",
            {"type": "bogus", "model": {"name": "a"}},
            "Parameter 'type' does not accept value 'bogus'",
        ),
        (
            "query-cpu-model-expansion",
            {"type": 5, "model": {"name": "a"}},
            "Invalid parameter type for 'type', expected: string",
        ),
        (
            "query-cpu-model-expansion",
            {"type": "full", "model": 5},
            "Invalid parameter type for 'model', expected: object",
        ),
        (
            "query-cpu-model-expansion",
            {"type": "full", "model": {"name": "a", "foo": 1}, "bar": 1},
            "Parameter 'model.foo' is unexpected",
        ),
        (
            "query-cpu-model-expansion",
            {"type": "full", "model": {}},
            "Parameter 'model.name' is missing",
        ),
        (
            "query-cpu-model-expansion",
            {"type": "full", "model": {"name": "a", "depth": None}},
            "Invalid parameter type for 'model.depth', expected: integer",
        ),
        ("query-cpu-model-expansion", {"type_": "full"}, "Parameter 'type' is missing"),
        ("human-monitor-command", {"command_line": "x"}, "Parameter 'command-line' is missing"),
        ("query-status", {"a": 1}, "Parameter 'a' is unexpected"),
    ],
)
def test_wrong_arguments_are_told_in_qapis_words(
    talk: Talk, command: str, given_: dict[str, Any], desc: str
) -> None:
    (reply,) = talk(json.dumps({"execute": command, "arguments": given_, "id": 1}))
    assert reply == {"id": 1, "error": {"class": "GenericError", "desc": desc}}


def test_arguments_arrive_under_the_handlers_names_with_defaults(session: Session) -> None:
    converse(session, NEGOTIATE)
    request = request_of(session, b'{"execute": "set-numbers", "arguments": {"small": -1}}')
    assert request.arguments == {"small": -1, "large": 0, "on": False, "names": None}


def test_a_member_of_any_type_accepts_null(session: Session) -> None:
    converse(session, NEGOTIATE)
    sent = {"path": "/", "property": "p", "value": None}
    request = request_of(session, json.dumps({"execute": "qom-set", "arguments": sent}).encode())
    assert request.arguments == {"path": "/", "property_": "p", "value": None}


def test_a_command_with_gen_false_receives_the_members_as_they_are(session: Session) -> None:
    converse(session, NEGOTIATE)
    sent = {"driver": None, "core-id": "2"}
    request = request_of(session, json.dumps({"execute": "device_add", "arguments": sent}).encode())
    assert request.arguments == sent


def test_a_nested_reply_leaves_out_what_is_absent(talk: Talk) -> None:
    (reply,) = talk(
        '{"execute": "query-cpu-model-expansion",'
        ' "arguments": {"type": "full", "model": {"name": "a"}}}'
    )
    assert reply == {"return": {"name": "full a"}}


def test_a_pretty_session_is_pretty_throughout(table: CommandTable, greeting: Greeting) -> None:
    session = Session(table, greeting, pretty=True)
    assert session.greeting().startswith(b'{\r\n    "QMP": {\r\n')
    assert converse(session, NEGOTIATE) == [b'{\r\n    "return": {\r\n    }\r\n}\r\n']


def test_a_deep_id_is_echoed_by_a_pretty_session_too(
    table: CommandTable, greeting: Greeting
) -> None:
    session = Session(table, greeting, pretty=True)
    deep = b"[" * 1022 + b"]" * 1022
    (line,) = converse(session, b'{"execute": "qmp_capabilities", "id": %b}' % deep)
    assert line.count(b"[") == 1022


@given(st.binary())
def test_no_input_raises_and_0xff_brings_the_session_back(data: bytes) -> None:
    version = VersionInfo(qemu=VersionTriple(major=1, minor=0, micro=0), package="")
    session = Session(collect((commands, capabilities)), Greeting.of(version))
    session.receive_data(data)
    session.receive_data(b"\xff")
    assert converse(session, NEGOTIATE) == [b'{"return": {}}\r\n']
