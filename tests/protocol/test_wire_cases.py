"""QEMU's recorded conversations, replayed against a session with stand-in commands."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from protocol.session import Session
from tests.protocol.conftest import converse

_FILE = Path(__file__).parents[1] / "data" / "wire" / "wire-cases.jsonl"
CASES = [json.loads(line) for line in _FILE.read_text().strip().split("\n")]

NOT_OURS: Mapping[str, str] = {
    "dispatch:45": "what a type is, is the machine's to say",
    "dispatch:64": "whether a CPU number exists is the machine's to say",
    "dispatch:65": "whether a CPU number exists is the machine's to say",
    "dispatch:79": "add-fd: no file descriptors are passed to a sans-I/O session",
}
"""Cases about commands rather than the protocol, and why."""

SANER: Mapping[str, Mapping[str, Any]] = {
    "Parameter 'null' does not accept value 'bogus'": {
        "error": {
            "class": "GenericError",
            "desc": "Parameter 'enable' does not accept value 'bogus'",
        }
    },
    '{"id": inf, "error": {"class": "CommandNotFound", '
    '"desc": "The command nosuch has not been found"}}': {
        "error": {"class": "GenericError", "desc": "JSON parse error, number out of range"}
    },
}
"""Where QEMU's answer is a defect: its text, and what is answered here instead."""

FOREIGN_STEPS = ("yank", "query-yank")
"""Commands of recorded steps that the stand-ins do not have (they list QEMU's own chardevs)."""


def _sent(step: dict[str, Any]) -> bytes:
    if "send_b64" in step:
        return base64.b64decode(step["send_b64"])
    return str(step["send"]).encode()


def _expected(reply: dict[str, Any]) -> Any:
    key = reply.get("raw") or reply.get("error", {}).get("desc")
    if key in SANER:
        return SANER[key]
    return reply.get("raw", reply)


def _same(line: bytes, expected: Any) -> bool:
    if isinstance(expected, str):
        return line.decode() == expected + "\r\n"
    return bool(json.loads(line) == expected)


def _foreign(step: dict[str, Any]) -> bool:
    return any(f'"exec-oob":"{name}"' in step.get("send", "") for name in FOREIGN_STEPS)


@pytest.mark.parametrize("piece", [1, 7, 1 << 20], ids=["bytewise", "sevens", "whole"])
@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c["name"]) for c in CASES if c["name"] not in NOT_OURS]
)
def test_a_recorded_conversation_is_answered_as_qemu_did(
    session: Session, case: dict[str, Any], piece: int
) -> None:
    if case["mode"] == "negotiated":
        converse(session, b'{"execute": "qmp_capabilities"}')
    oob_off = case["name"] != "session:negotiate_oob"
    for step in case["steps"]:
        if _foreign(step) and not oob_off:
            continue
        data = _sent(step)
        lines = [
            line
            for start in range(0, len(data), piece)
            for line in converse(session, data[start : start + piece])
        ]
        expected = [_expected(reply) for reply in step["expect"]]
        assert len(lines) == len(expected), (lines, expected)
        for line, reply in zip(lines, expected, strict=True):
            assert _same(line, reply), (line, reply)


def test_the_table_of_foreign_cases_names_only_recorded_ones() -> None:
    assert NOT_OURS.keys() <= {case["name"] for case in CASES}
