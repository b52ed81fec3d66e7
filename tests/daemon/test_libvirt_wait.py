"""What libvirt makes of each outcome of an unplug: it waits for 5 s, and no longer.

libvirt: src/qemu/qemu_hotplug.c, qemuDomainWaitForDeviceRemoval. DEVICE_DELETED within that time is
success, DEVICE_UNPLUG_GUEST_ERROR a failure; if there is neither, the request has "timed out", and
whatever comes later is noted when it comes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.daemon.story import Story

WAIT = 5000
"""ms: QEMU's driver, default of every architecture but POWER's."""
LONG = 60_000
"""ms that whatever is late has come by."""

REMOVED, REFUSED, TIMED_OUT = "removed", "refused", "timed out"
VERDICTS = {"DEVICE_DELETED": REMOVED, "DEVICE_UNPLUG_GUEST_ERROR": REFUSED}


class Wait(NamedTuple):
    """What libvirt tells its caller, and of what kind the first answer was that came too late."""

    verdict: str
    later: str | None = None


def first(lines: list[str]) -> str | None:
    """The first answer among what has come."""
    words = {word for line in lines for word in line.split()}
    return next((VERDICTS[event] for event in VERDICTS if event in words), None)


def waited(story: Story) -> Wait:
    """Unplug the CPU as libvirt does."""
    verdict = first(story.unplugs(WAIT))
    if verdict is not None:
        return Wait(verdict)
    return Wait(TIMED_OUT, first(story.passes(LONG)))


OUTCOMES: dict[str, tuple[dict[str, Any], Wait]] = {
    "accept": ({"do": "accept"}, Wait(REMOVED)),
    "accept, within the time": ({"do": "accept", "delay": 4900}, Wait(REMOVED)),
    "accept, later": ({"do": "accept", "delay": 5100}, Wait(TIMED_OUT, REMOVED)),
    "ignore": ({"do": "ignore"}, Wait(TIMED_OUT)),
    "fail": ({"do": "fail"}, Wait(REFUSED)),
    "not-supported": ({"do": "not-supported"}, Wait(REFUSED)),
    "in-use": ({"do": "in-use"}, Wait(REFUSED)),
    "busy": ({"do": "busy"}, Wait(REFUSED)),
    "busy, later": ({"do": "busy", "delay": 5100}, Wait(TIMED_OUT, REFUSED)),
    "dependency": ({"do": "dependency"}, Wait(REFUSED)),
    "reboot": ({"do": "reboot", "when": "unplug-request"}, Wait(REMOVED)),
    "poweroff": ({"do": "poweroff", "when": "unplug-request"}, Wait(TIMED_OUT)),
    "hang": (
        {"do": "hang", "when": "unplug-request", "duration": 10_000},
        Wait(TIMED_OUT, REMOVED),
    ),
    "internal-error": (
        {"do": "internal-error", "when": "unplug-request", "target": 0},
        Wait(TIMED_OUT),
    ),
    "offline before": ({"do": "offline", "when": "plug"}, Wait(REMOVED)),
    "eject by its user meanwhile": (
        {"do": "eject", "when": "unplug-request", "delay": 1},
        Wait(REMOVED),
    ),
    "CPU_OFF late": ({"do": "accept", "when": "cpu-off", "delay": 6000}, Wait(REMOVED)),
    "CPU_OFF denied": ({"do": "denied", "when": "cpu-off"}, Wait(REMOVED)),
}
"""Each outcome as a stage, about an eject request if it says nothing else."""

GUESTS: dict[str, tuple[dict[str, Any], Wait]] = {
    "isolated": ({"isolated": [2]}, Wait(REFUSED)),
    "slow": ({"speed": 0.01}, Wait(TIMED_OUT, REMOVED)),
    "as slow as a real one": ({"speed": 1}, Wait(REMOVED)),
    "busy": ({"speed": 1, "load": 0.9}, Wait(REMOVED)),
    "no udev": ({"online": "never"}, Wait(REMOVED)),
}
"""Each guest, by what is set."""


@pytest.mark.parametrize("name", OUTCOMES)
def test_libvirt_concludes_so(name: str) -> None:
    given, expected = OUTCOMES[name]
    story = Story("--guest-speed", "instant")
    story.asks("x-inject-fault", **{"when": "eject-request", **given})
    story.plugs()
    assert waited(story) == expected
    story.close()


@pytest.mark.parametrize("name", GUESTS)
def test_libvirt_concludes_so_of_such_a_guest(name: str) -> None:
    given, expected = GUESTS[name]
    story = Story("--guest-speed", "instant")
    story.asks("x-guest-set-behaviour", **given)
    story.plugs()
    assert waited(story) == expected
    story.close()


@pytest.mark.parametrize("kernel", ["no-hotplug", "no-ged"])
def test_libvirt_gets_no_answer_of_such_a_kernel(kernel: str) -> None:
    story = Story("--guest-speed", "instant")
    story.asks("x-guest-set-behaviour", kernel=kernel)
    story.asks("system_reset")
    story.plugs()
    assert waited(story) == Wait(TIMED_OUT)
    story.close()


def test_who_was_told_that_it_timed_out_may_ask_again() -> None:
    story = Story("--guest-speed", "instant", "--scenario", "late-success")
    story.plugs()
    assert story.unplugs(WAIT) == []
    assert "refused" not in " ".join(story.unplugs(WAIT))
    assert story.stands() == "absent"
    story.close()
