"""What may differ between a recorded message and ours, request by request, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Compare = Callable[[Any, Any], None]
"""Asserts that (recorded, ours) agree."""

_THREAD = re.compile(r"thread_id=\d+")


def masked(message: Any) -> Any:
    """A message without what no two runs share: thread ids and timestamps."""
    if isinstance(message, dict):
        return {
            key: masked(value)
            for key, value in message.items()
            if key != "timestamp"
            and not (key == "thread-id" and isinstance(value, int) and value > 99)
        }
    if isinstance(message, list):
        return [masked(item) for item in message]
    if isinstance(message, str):
        return _THREAD.sub("thread_id=N", message)
    return message


def same(recorded: Any, ours: Any) -> None:
    """Everything must agree."""
    assert masked(ours) == masked(recorded)


def version(recorded: Any, ours: Any) -> None:
    """The package is ours; the version of QEMU is the same."""
    assert ours["return"]["qemu"] == recorded["return"]["qemu"]
    assert ours["return"]["package"].startswith("armvirtd")


def some(recorded: Any, ours: Any) -> None:
    """We list fewer (only what is modelled), and each of ours as recorded."""
    assert ours["return"]
    for entry in ours["return"]:
        assert entry in recorded["return"]


def listing(recorded: Any, ours: Any) -> None:
    """The same properties; the order of an object's children is a hash table's."""

    def by_name(answer: Any) -> list[Any]:
        return sorted(answer["return"], key=lambda entry: str(entry["name"]))

    assert by_name(ours) == by_name(recorded)


def commands(recorded: Any, ours: Any) -> None:
    """QEMU has many more; what we have besides begins with x-."""
    theirs = {entry["name"] for entry in recorded["return"]}
    assert {
        entry["name"] for entry in ours["return"] if not entry["name"].startswith("x-")
    } <= theirs


def not_there(_recorded: Any, ours: Any) -> None:
    """A monitor command that is not modelled says so."""
    assert ours["return"].startswith("unknown command: 'info ")


LACKING = {
    "    has-lpi = false": "    has-lpi = true",
}
"""Lines of `info qtree` that differ: there is no ITS, and so there are no LPIs."""


def devices(recorded: Any, ours: Any) -> None:
    """QEMU has many more devices, and ours have fewer registers; what is told is the same."""

    def by_device(answer: Any) -> dict[str, list[str]]:
        _, *parts = answer["return"].split("  dev: ")
        return {lines[0]: lines[1:] for lines in (part.splitlines() for part in parts)}

    theirs, told = by_device(recorded), by_device(ours)
    assert list(told) == [device for device in theirs if device in told]
    for device, lines in told.items():
        expected = [LACKING.get(line, line) for line in lines]
        assert expected == [line for line in theirs[device] if line in expected]


def memory(recorded: Any, ours: Any) -> None:
    """QEMU has many more regions; ours are where its are, and every CPU sees them."""

    def of_memory(answer: Any) -> list[str]:
        """The view of the guest's memory, without its number: that is a hash table's."""
        text: str = answer["return"]
        views = (view.splitlines() for view in text.split("FlatView #"))
        (found,) = (view[1:] for view in views if ' AS "memory", root: system' in view)
        return found

    theirs, told = of_memory(recorded), of_memory(ours)
    assert told == [line for line in theirs if line in told]
    assert told[-1] == ""


def _request(name: str, **arguments: object) -> str:
    return json.dumps([name, arguments], sort_keys=True)


def _hmp(line: str) -> str:
    return _request("human-monitor-command", **{"command-line": line})


BY_REQUEST: dict[str, Compare] = {
    _request("query-version"): version,
    _request("query-commands"): commands,
    _request("query-machines"): some,
    _request("query-cpu-definitions"): some,
    _request("query-gic-capabilities"): some,
    _request("qom-list-types", implements="arm-cpu"): some,
    _request("qom-list", path="/machine"): some,
    _request("qom-list", path="/machine/unattached"): some,
    _request("qom-list", path="/machine/peripheral"): listing,
    _hmp("info qtree"): devices,
    _hmp("info mtree -f"): memory,
    _hmp("info registers"): not_there,
}
"""How to compare the reply to a request; one that is not here must agree in everything."""


def comparison_for(request: Any) -> Compare:
    """The comparison for a request's reply."""
    if not isinstance(request, dict):
        return same
    key = json.dumps([request.get("execute"), request.get("arguments", {})], sort_keys=True)
    return BY_REQUEST.get(key, same)
