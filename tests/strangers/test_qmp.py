"""What QEMU's suite for the protocol asks of a server: greeting, errors, ids, order, recovery."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.process import connected, daemon
from tests.strangers.conformity import Conformity
from tests.strangers.monitor import Monitor

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

PARSE = "JSON parse error, "
MALFORMED = (
    (b"{]", [f"{PARSE}expecting value"]),
    (b'{"foo"}', [f"{PARSE}missing : in object pair"]),
    (b"{1: 2}", [f"{PARSE}key is not a string in object"]),
    (b"{'a': 1 2}", [f"{PARSE}expected separator in dict"]),
    (b"{'a': 1, 'a': 2}", [f"{PARSE}duplicate key"]),
    (b"{'a': nul}", [f"{PARSE}invalid keyword 'nul'"]),
    (b"{\xff", [f"{PARSE}stray '\ufffd'"]),
    (b"{'bad \xff'}", [f"{PARSE}stray ''bad \ufffd'", f"{PARSE}expecting value"]),
    (b"{\x01", [f"{PARSE}stray '\x01'"]),
    (b'{"a\x01"}', [f"{PARSE}stray '\"a\x01'", f"{PARSE}expecting value"]),
    (b"{'execute': %p}", [f"{PARSE}stray '%'", f"{PARSE}expecting value"]),
    (b"[" * 1025, ["JSON nesting depth limit exceeded"]),
    (b"null", ["QMP input must be a JSON object"]),
    (b"[]", ["QMP input must be a JSON object"]),
    (b"'x'", ["QMP input must be a JSON object"]),
    (b"{}", ["QMP input lacks member 'execute'"]),
    (b"{'arguments': {}}", ["QMP input lacks member 'execute'"]),
    (b"{'execute': true}", ["QMP input member 'execute' must be a string"]),
    (b"{'execute': {'a': 1}}", ["QMP input member 'execute' must be a string"]),
    (b"{'execute': 'query-name', 'extra': 1}", ["QMP input member 'extra' is unexpected"]),
    (
        b"{'execute': 'query-name', 'arguments': 'x'}",
        ["QMP input member 'arguments' must be an object"],
    ),
    (b"{'exec-oob': 'query-name'}", ["QMP input member 'exec-oob' is unexpected"]),
)
"""Each way of being wrong, and what is said to it, as QEMU 7.2 says it."""

RESYNC = f"{PARSE}stray '\ufffd'"
"""What is said to 0xFF, behind which all is well again."""

IDS: tuple[Any, ...] = ("cookie#1", 2, None, {"nested": [1, "two"]}, [], -(2**63), 2**64 - 1)


class Place(NamedTuple):
    """Where a daemon listens, which none of these tests ends."""

    folder: Path
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("qmp")
    with daemon(folder) as process:
        yield Place(folder, process)
        assert process.poll() is None, process.communicate()


@pytest.fixture
def fresh(place: Place) -> Iterator[Monitor]:
    """A client that has been greeted, and no more."""
    with connected(place.folder / "qmp.sock", place.process) as client:
        yield Monitor(client)


@pytest.fixture
def monitor(fresh: Monitor) -> Monitor:
    return fresh.negotiate()


def survives_malformed(monitor: Monitor) -> None:
    """Each wrong message gets its errors, without an id; behind 0xFF all is well again."""
    for data, descriptions in MALFORMED:
        answers = [monitor.say(data + b"\xff\n"), *(monitor.reply() for _ in descriptions)]
        assert answers == [
            {"error": {"class": "GenericError", "desc": desc}} for desc in (*descriptions, RESYNC)
        ], data


def test_the_greeting_has_a_version_and_capabilities(fresh: Monitor) -> None:
    (greeting,) = fresh.greeting.values()
    assert fresh.greeting.keys() == {"QMP"}
    assert greeting.keys() == {"version", "capabilities"}
    assert greeting["capabilities"] == ["oob"]
    schema = Conformity(fresh.negotiate().get("query-qmp-schema"))
    schema.check_return("query-version", greeting["version"])
    assert fresh.get("query-version") == greeting["version"]


def test_before_negotiation_there_is_but_one_command(fresh: Monitor) -> None:
    expecting = "Expecting capabilities negotiation with 'qmp_capabilities'"
    for name in ("query-version", "nonexistent", "quit"):
        assert fresh.refused(name) == ("CommandNotFound", expecting)
    survives_malformed(fresh)
    fresh.negotiate()
    assert fresh.refused("qmp_capabilities") == (
        "CommandNotFound",
        "Capabilities negotiation is already complete, command ignored",
    )
    assert fresh.refused("nonexistent")[0] == "CommandNotFound"
    survives_malformed(fresh)
    assert "qemu" in fresh.get("query-version")


def test_an_unknown_capability_leaves_negotiation_open(fresh: Monitor) -> None:
    assert fresh.refused("qmp_capabilities", enable=["xxx"])[0] == "GenericError"
    assert fresh.refused("query-name")[0] == "CommandNotFound"
    fresh.negotiate()


@pytest.mark.parametrize("echo", IDS, ids=str)
def test_the_id_comes_back_with_success_and_with_failure(monitor: Monitor, echo: Any) -> None:
    for command in ("query-name", "human-monitor-command", "nonexistent"):
        answer = monitor.say(json.dumps({"execute": command, "id": echo}).encode())
        assert answer["id"] == echo
        assert type(answer["id"]) is type(echo)
        assert ("return" in answer) == (command == "query-name")


def test_an_urgent_command_overtakes_those_that_wait(fresh: Monitor) -> None:
    fresh.get("qmp_capabilities", enable=["oob"])
    waiting = [b'{"execute": "query-machines", "id": %d}' % number for number in range(6)]
    first = fresh.say(b"\n".join([*waiting, b'{"exec-oob": "x-query-vcpus", "id": "urgent"}']))
    assert first["id"] == "urgent"
    assert [fresh.reply()["id"] for _ in waiting] == [0, 1, 2, 3, 4, 5]


def test_urgent_commands_keep_their_order(fresh: Monitor) -> None:
    fresh.get("qmp_capabilities", enable=["oob"])
    said = [b'{"exec-oob": "x-query-vcpus", "id": %d}' % number for number in range(20)]
    assert [fresh.say(b"".join(said))["id"], *(fresh.reply()["id"] for _ in said[1:])] == [
        *range(20)
    ]


def test_what_cannot_be_urgent_is_told_with_its_id(fresh: Monitor) -> None:
    fresh.get("qmp_capabilities", enable=["oob"])
    for name, class_ in (("query-name", "GenericError"), ("nonexistent", "CommandNotFound")):
        answer = fresh.say(json.dumps({"exec-oob": name, "id": name}).encode())
        assert (answer["id"], answer["error"]["class"]) == (name, class_)
    answer = fresh.say(b'{"exec-oob": "x-query-vcpus", "execute": "query-name"}')
    assert answer["error"]["desc"] == "QMP input member 'execute' clashes with 'exec-oob'"


def test_a_value_of_any_type_may_not_be_left_out(monitor: Monitor) -> None:
    refusal = monitor.refused("qom-set", path="/machine", property="rtc-time")
    assert refusal == ("GenericError", "Parameter 'value' is missing")


def test_the_next_client_negotiates_anew(place: Place) -> None:
    for _ in range(2):
        with connected(place.folder / "qmp.sock", place.process) as client:
            monitor = Monitor(client)
            assert monitor.refused("query-name")[0] == "CommandNotFound"
            monitor.get("qmp_capabilities", enable=["oob"])
