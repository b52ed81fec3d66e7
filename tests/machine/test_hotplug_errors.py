"""Every recorded refusal of device_add and device_del, and that a refusal changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from machine.errors import DeviceNotFoundError, MachineError
from machine.topology import Topology
from tests.machine.board import CPU

if TYPE_CHECKING:
    from tests.machine.board import Board, Make

FILE = Path(__file__).resolve().parents[1] / "data" / "wire" / "hotplug-errors.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]

NOT_OF_A_MACHINE = {
    "set-numa-node": "a command of the preconfig phase: the daemon's",
    "query-cpus": "a command that there is not: the daemon's",
    "qom-get": "about the QOM tree, not about hot-plug",
    "device-list-properties": "about types, not about a machine",
}
"""Commands other than device_add and device_del."""

NOT_HERE = {
    '{"execute": "device_del", "arguments": {}}': "the wire model demands an id",
    '{"execute": "device_del", "arguments": {"id": 5}}': "the wire model demands a string",
    '{"execute": "device_add", "arguments": {"driver": "pc-dimm", "id": "e1"}}': (
        "memory hot-plug is not modelled, so there is no such type"
    ),
}
"""Requests that never reach a machine, or that this one answers otherwise."""


def reaches_a_machine(case: dict[str, Any]) -> bool:
    send = case["send"]
    return send["execute"] not in NOT_OF_A_MACHINE and json.dumps(send) not in NOT_HERE


OURS = [case for case in CASES if reaches_a_machine(case)]
"""The others are replayed through the whole daemon (`tests/replay/test_refusals.py`)."""


def request(board: Board, send: dict[str, Any]) -> None:
    arguments = send["arguments"]
    if send["execute"] == "device_add":
        board.machine.device_add(arguments)
    else:
        board.machine.device_del(arguments["id"])


def refusal(board: Board, send: dict[str, Any]) -> MachineError:
    """Make a request that must be refused, change nothing, and tell nobody."""
    before = board.state()
    with pytest.raises(MachineError) as refused:
        request(board, send)
    assert board.state() == before
    assert board.told == []
    return refused.value


def name_of(case: dict[str, Any]) -> str:
    return json.dumps(case["send"].get("arguments", {}))[:80]


def test_the_tables_of_exceptions_name_recorded_cases_only() -> None:
    sent = [case["send"] for case in CASES]
    assert set(NOT_OF_A_MACHINE) <= {send["execute"] for send in sent}
    assert set(NOT_HERE) <= {json.dumps(send) for send in sent}


@pytest.mark.parametrize("setup", ["running", "prelaunch"])
@pytest.mark.parametrize("case", OURS, ids=name_of)
def test_a_recorded_refusal_is_given_in_the_same_words_and_changes_nothing(
    boards: Make,
    case: dict[str, Any],
    setup: str,
) -> None:
    running = setup == "running"
    board = boards(paused=not running, boot=running)
    error = case["expect"]["error"]
    refused = refusal(board, case["send"])
    assert str(refused) == error["desc"]
    not_found = error["class"] == "DeviceNotFound"
    assert isinstance(refused, DeviceNotFoundError) is not_found


def has_a_proper_id(case: dict[str, Any]) -> bool:
    send, desc = case["send"], case["expect"]["error"]["desc"]
    return (
        send["execute"] == "device_add"
        and isinstance(send["arguments"].get("id"), str)
        and "identifier" not in desc
    )


@pytest.mark.parametrize("case", [case for case in OURS if has_a_proper_id(case)], ids=name_of)
def test_a_refused_id_can_be_used_at_once(board: Board, case: dict[str, Any]) -> None:
    refusal(board, case["send"])
    board.plug(5, case["send"]["arguments"]["id"])
    assert board.online() == [0, 1, 5]


WANTED: list[tuple[str, dict[str, Any], str]] = [
    (
        "a negative id is printed with its sign, not as 4294967295",
        {"core-id": 2, "thread-id": -1},
        "Invalid thread-id -1 specified, correct range 0:0",
    ),
    (
        "the same of clusters",
        {"core-id": 2, "cluster-id": -2147483648},
        "Invalid cluster-id -2147483648 specified, correct range 0:0",
    ),
    (
        "the same of sockets",
        {"core-id": 2, "socket-id": -1},
        "Invalid socket-id -1 specified, correct range 0:0",
    ),
    (
        "an id that is null would silently be none",
        {"core-id": 2, "id": None},
        "Invalid parameter type for 'id', expected: string",
    ),
    (
        "the same of a list",
        {"core-id": 2, "id": []},
        "Invalid parameter type for 'id', expected: string",
    ),
    (
        "the same of an object",
        {"core-id": 2, "id": {}},
        "Invalid parameter type for 'id', expected: string",
    ),
    (
        "a core-id that is null would silently be 0",
        {"core-id": None},
        "Invalid parameter type for 'core-id', expected: integer",
    ),
    (
        "the same of a list",
        {"core-id": [2]},
        "Invalid parameter type for 'core-id', expected: integer",
    ),
    (
        "the same of an object",
        {"core-id": {}},
        "Invalid parameter type for 'core-id', expected: integer",
    ),
    (
        "a wrong node-id would end the process",
        {"core-id": 2, "node-id": 1},
        "invalid node-id, must be 0",
    ),
    (
        "a node-id that no node has, too",
        {"core-id": 2, "node-id": -2},
        "invalid node-id, must be 0",
    ),
]
"""Where the reference does harm or guesses, this machine refuses: why, what, and the words."""


@pytest.mark.parametrize(("_why", "arguments", "text"), WANTED, ids=[row[0] for row in WANTED])
def test_where_the_reference_guesses_or_dies_the_machine_refuses(
    board: Board,
    _why: str,
    arguments: dict[str, Any],
    text: str,
) -> None:
    send = {"execute": "device_add", "arguments": {"driver": CPU, **arguments}}
    assert str(refusal(board, send)) == text


ACCEPTED: list[tuple[dict[str, Any], int]] = [
    ({"core-id": "2"}, 2),
    ({"core-id": "0x2"}, 2),
    ({"core-id": "03"}, 3),
    ({"core-id": " 4"}, 4),
    ({"core-id": "+5"}, 5),
    ({"core-id": 2.0}, 2),
    ({"core-id": 2, "mp-affinity": 77}, 2),
    ({"core-id": 2, "node-id": 0}, 2),
    ({"core-id": 2, "pmu": "off"}, 2),
    ({"core-id": 2, "id": "a.b-c_d9"}, 2),
    ({"core-id": 2, "id": 5}, 2),
    ({"core-id": 2, "id": True}, 2),
]
"""What looks wrong, and is not: arguments and the slot that they mean."""


@pytest.mark.parametrize(("arguments", "index"), ACCEPTED, ids=str)
def test_what_the_reference_accepts_is_accepted(
    board: Board,
    arguments: dict[str, Any],
    index: int,
) -> None:
    board.machine.device_add({"driver": CPU, **arguments})
    board.settle()
    assert board.online() == [0, 1, index]


def test_a_duplicate_id_is_refused_even_where_the_slot_is_free(board: Board) -> None:
    board.plug(2, "core2")
    board.story()
    send = {"execute": "device_add", "arguments": {"driver": CPU, "id": "core2", "core-id": 3}}
    assert str(refusal(board, send)) == "Duplicate device ID 'core2'"


def test_a_duplicate_id_is_refused_while_its_removal_is_pending(board: Board) -> None:
    board.plug(2, "core2")
    board.machine.device_del("core2")
    board.told.clear()
    send = {"execute": "device_add", "arguments": {"driver": CPU, "id": "core2", "core-id": 3}}
    assert str(refusal(board, send)) == "Duplicate device ID 'core2'"


def test_an_occupied_slot_is_refused_while_its_removal_is_pending(board: Board) -> None:
    board.plug(2, "core2")
    board.machine.device_del("core2")
    board.told.clear()
    send = {"execute": "device_add", "arguments": {"driver": CPU, "id": "other", "core-id": 2}}
    assert str(refusal(board, send)) == "cpu(id2=0:0:2:0) with arch-id 2 exist"


def test_the_words_for_an_occupied_slot_name_place_and_mpidr(boards: Make) -> None:
    board = boards(Topology(20, 2, 2, 4, 2))
    arguments = {"driver": CPU, "socket-id": 1, "core-id": 0, "thread-id": 1}
    send = {"execute": "device_add", "arguments": arguments}
    assert str(refusal(board, send)) == "cpu(id17=1:0:0:1) with arch-id 257 exist"


@pytest.mark.parametrize("index", [0, 1])
def test_unplug_of_a_cpu_that_was_there_at_boot_is_refused(board: Board, index: int) -> None:
    path = f"/machine/unattached/device[{index}]"
    send = {"execute": "device_del", "arguments": {"id": path}}
    assert str(refusal(board, send)) == "Hot-unplug of cold-booted CPU not supported!"
