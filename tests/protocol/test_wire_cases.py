"""QEMU's recorded conversations, replayed against a session with stand-in commands.

`tests/replay/test_wire_cases.py` holds them with a whole daemon.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from protocol.session import Session
from tests.protocol.conftest import converse
from tests.protocol.recorded import CASES, compare, expected, sent

NOT_OURS: Mapping[str, str] = {
    "dispatch:45": "what a type is, is the machine's to say",
    "dispatch:64": "whether a CPU number exists is the machine's to say",
    "dispatch:65": "whether a CPU number exists is the machine's to say",
    "dispatch:79": "add-fd: no file descriptors are passed to a sans-I/O session",
}
"""Cases about commands rather than the protocol, and why."""

FOREIGN_STEPS = ("yank", "query-yank")
"""Commands of recorded steps that the stand-ins do not have (they list QEMU's own chardevs)."""


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
        data = sent(step)
        lines = [
            line
            for start in range(0, len(data), piece)
            for line in converse(session, data[start : start + piece])
        ]
        compare(lines, expected(step))


def test_the_table_of_foreign_cases_names_only_recorded_ones() -> None:
    assert NOT_OURS.keys() <= {case["name"] for case in CASES}
