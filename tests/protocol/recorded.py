"""The cases recorded from QEMU (`tests/data/wire`), and what is expected where QEMU errs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = Path(__file__).parents[1] / "data" / "wire" / "wire-cases.jsonl"
CASES: list[dict[str, Any]] = [
    json.loads(line) for line in _FILE.read_text("utf-8").strip().split("\n")
]

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


def sent(step: dict[str, Any]) -> bytes:
    """The bytes that a step sends."""
    if "send_b64" in step:
        return base64.b64decode(step["send_b64"])
    return str(step["send"]).encode()


def expected(step: dict[str, Any]) -> list[Any]:
    """The replies to a step: decoded, or as text where that is what is compared."""
    return [_expected(reply) for reply in step["expect"]]


def _expected(reply: dict[str, Any]) -> Any:
    key = reply.get("raw") or reply.get("error", {}).get("desc")
    if key in SANER:
        return SANER[key]
    return reply.get("raw", reply)


def compare(lines: list[bytes], replies: list[Any]) -> None:
    """Hold lines against what is expected."""
    assert len(lines) == len(replies), (lines, replies)
    for line, reply in zip(lines, replies, strict=True):
        if isinstance(reply, str):
            assert line.decode() == reply + "\r\n"
        else:
            assert json.loads(line) == reply
