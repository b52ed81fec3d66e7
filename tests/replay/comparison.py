"""What may differ between a recorded conversation and ours, and why: all of it is here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

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


MENDED: dict[str, str] = {
    '"vcpus-count": 2': '"vcpus-count": 1',
    'vcpus_count: \\"2\\"': 'vcpus_count: \\"1\\"',
    "Invalid thread-id 4294967295": "Invalid thread-id -1",
    "Parameter 'null' does not accept": "Parameter 'enable' does not accept",
}
"""Pieces of recorded messages that are wrong in the reference, and as they are here: each thread is
a slot of its own, and holds one CPU; a number is signed; a parameter has a name."""


def mended(recorded: Any) -> Any:
    """A recorded message as it should be."""
    text = json.dumps(recorded)
    for wrong, right in MENDED.items():
        text = text.replace(wrong, right)
    return json.loads(text)


REFUSALS = frozenset({1, 0x80, 0x81, 0x82, 0x83})


def told_besides(recorded: Any) -> list[Any]:
    """The events that we send after a recorded one, and the reference does not.

    A client that waits for the outcome of its `device_del` is told of a refusal by QEMU's event
    for it; the reference tells of it by _OST alone.
    """
    info = recorded.get("data", {}).get("info", {})
    if info.get("source") != 3 or info["status"] not in REFUSALS:
        return []
    data = {"device": info["device"], "path": f"/machine/peripheral/{info['device']}"}
    return [{"event": "DEVICE_UNPLUG_GUEST_ERROR", "data": data}]


def same(recorded: Any, ours: Any) -> None:
    """Everything must agree."""
    assert masked(ours) == masked(mended(recorded))


def version(recorded: Any, ours: Any) -> None:
    """The package is ours; the version of QEMU is the same."""
    assert ours["return"]["qemu"] == recorded["return"]["qemu"]
    assert ours["return"]["package"].startswith("armvirtd")


def some(recorded: Any, ours: Any) -> None:
    """We list fewer (only what is modelled), and each of ours as recorded."""
    assert ours["return"]
    for entry in ours["return"]:
        assert entry in recorded["return"]


def ours_besides(recorded: Any, ours: Any) -> None:
    """As `some`, and what only we have begins with x-."""
    for entry in ours["return"]:
        assert entry in recorded["return"] or entry["name"].startswith("x-")


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


def unknown(_recorded: Any, ours: Any) -> None:
    """A command that is not modelled is unknown."""
    assert ours["error"]["class"] == "CommandNotFound"


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
    _request("qom-list", path="/machine"): ours_besides,
    _request("qom-list", path="/machine/unattached"): some,
    _request("qom-list", path="/machine/peripheral"): listing,
    _request("query-yank"): unknown,
    _hmp("info qtree"): devices,
    _hmp("info mtree -f"): memory,
    _hmp("info registers"): not_there,
}
"""How to compare the reply to a request; one that is not here must agree in everything."""


def comparison_for(request: Any, recorded: Any) -> Compare:
    """The comparison for the recorded reply to a request; an error is the same error."""
    if not isinstance(request, dict) or "error" in recorded:
        return same
    name = request.get("execute", request.get("exec-oob"))
    key = json.dumps([name, request.get("arguments", {})], sort_keys=True)
    return BY_REQUEST.get(key, same)


class Difference(NamedTuple):
    """A stretch of a recording that goes another way here, on purpose.

    Attributes:
        until: the note with which it is over.
        why: what the reference does there, and we do not.
        instead: what comes here, but for the answers to queries.
    """

    until: str
    why: str
    instead: tuple[Any, ...]


END = "nothing in this recording"
DONE: dict[str, Any] = {"return": {}}


def event(name: str, **data: Any) -> dict[str, Any]:
    """An event as it is compared."""
    return {"event": name, "data": data} if data else {"event": name}


def ost(slot: int, source: int, status: int, **device: str) -> dict[str, Any]:
    """An ACPI_DEVICE_OST."""
    info = {"slot": str(slot), "slot-type": "CPU", "source": source, "status": status, **device}
    return event("ACPI_DEVICE_OST", info=info)


def refusal(kind: str, desc: str) -> dict[str, Any]:
    """An error."""
    return {"error": {"class": kind, "desc": desc}}


EJECT_OF_CPU_1 = (ost(1, 3, 132), ost(1, 259, 1))

DIFFERENT: dict[tuple[str, str], Difference] = {
    ("05-stop-cont", "add+del while stopped, then cont"): Difference(
        END,
        "a removal behind an insertion is lost until some later interrupt",
        (
            event("STOP"),
            DONE,
            DONE,
            DONE,
            event("RESUME"),
            DONE,
            ost(2, 1, 0, device="core2"),
            ost(2, 3, 132, device="core2"),
            event("DEVICE_DELETED", device="core2", path="/machine/peripheral/core2"),
            ost(2, 3, 0),
            event("POWERDOWN"),
            DONE,
            event("SHUTDOWN", guest=True, reason="guest-shutdown"),
            DONE,
        ),
    ),
    ("05-boot-cpu-eject-then-readd", "guest ejects cold-booted cpu1"): Difference(
        "guest reboot",
        "a guest can eject a CPU that QMP refuses to unplug",
        (
            *EJECT_OF_CPU_1,
            refusal("GenericError", "cpu(id1=0:0:1:0) with arch-id 1 exist"),
            refusal("DeviceNotFound", "Device 'new1' not found"),
        ),
    ),
    (
        "05-boot-cpu-eject-then-readd",
        "guest up: GUEST-UP kernel=6.12.107+deb13-arm64 nproc=2",
    ): Difference("guest poweroff", "the ejected CPU is not there", ()),
    ("05-guest-refuse", "== guest ejects boot cpu1 via sysfs"): Difference(
        "== guest fails to online a not-enabled cpu",
        "a guest can eject a CPU that QMP refuses to unplug",
        EJECT_OF_CPU_1,
    ),
}
"""By recording, and the note with which it begins."""
