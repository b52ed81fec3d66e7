"""What happens when the guest reboots or powers off, as it was chosen: events, replies, states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from daemon.options.table import parse
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Make = Callable[[str], Box]

SYSRQ = "/proc/sysrq-trigger"


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Box] = []

    def box(options: str = "") -> Box:
        made.append(one := Box(parse(options.split())))
        one.received()
        return one

    yield box
    for one in made:
        one.close()


def names(messages: list[dict[str, Any]]) -> list[Any]:
    """What came: an event's name with its data, or what else a message is."""
    return [
        (message["event"], message.get("data", {})) if "event" in message else message
        for message in messages
    ]


def key(box: Box, letter: str) -> list[Any]:
    """Somebody presses a system request's key in the guest; what is told then."""
    box.returned("x-guest-write", path=SYSRQ, data=letter)
    return names(box.settle())


def status(box: Box) -> str:
    return str(box.returned("query-status")["status"])


def ended(reason: str, *, guest: bool = True) -> Any:
    return "SHUTDOWN", {"guest": guest, "reason": reason}


STOP: Any = ("STOP", {})
NEEDS_RESET = "Resetting the Virtual Machine is required"


def test_with_no_reboot_a_reset_by_the_guest_ends_the_machine(make: Make) -> None:
    box = make("-no-reboot")
    assert key(box, "b") == [ended("guest-reset")]
    assert box.ended


def test_with_no_reboot_a_clients_reset_ends_the_machine_too(make: Make) -> None:
    box = make("-no-reboot")
    told = names(box.send(b'{"execute": "system_reset"}'))
    assert told == [ended("host-qmp-system-reset", guest=False), {"return": {}}]
    assert box.ended


def test_with_no_shutdown_a_machine_that_powers_off_is_kept(make: Make) -> None:
    box = make("-no-shutdown")
    assert key(box, "o") == [ended("guest-shutdown"), STOP]
    assert status(box) == "shutdown"
    assert not box.ended


def test_a_machine_that_is_kept_wants_a_reset_and_then_boots_again(make: Make) -> None:
    box = make("-no-shutdown")
    key(box, "o")
    assert box.ask("cont")["error"]["desc"] == NEEDS_RESET
    assert names(box.send(b'{"execute": "stop"}')) == [{"return": {}}]
    assert status(box) == "shutdown"
    box.returned("system_reset")
    assert status(box) == "prelaunch"
    box.returned("cont")
    box.settle()
    cpus = box.returned("x-query-vcpus")
    assert [cpu["guest"]["online"] for cpu in cpus[:3]] == [True, True, False]
    assert key(box, "o") == [ended("guest-shutdown"), STOP]


def test_a_kept_machine_takes_and_gives_cpus_which_its_guest_finds_after_a_reset(
    make: Make,
) -> None:
    box = make("-no-shutdown")
    key(box, "o")
    box.returned("device_add", driver="cortex-a72-arm-cpu", id="c2", core_id=2)
    assert box.ask("x-guest-write", path=SYSRQ, data="b")["error"]["desc"] == "the guest is not up"
    box.returned("system_reset")
    box.returned("cont")
    box.settle()
    assert box.returned("x-query-vcpus")[2]["guest"]["online"]


def test_where_neither_is_wanted_a_reset_stops_the_machine_that_runs(make: Make) -> None:
    box = make("-no-reboot -no-shutdown")
    assert key(box, "b") == [ended("guest-reset"), STOP]
    told = names(box.send(b'{"execute": "system_reset"}'))
    assert told == [ended("host-qmp-system-reset", guest=False), {"return": {}}]
    assert status(box) == "shutdown"
    assert not box.ended


def test_one_that_does_not_run_is_only_told_of(make: Make) -> None:
    box = make("-S -no-reboot -no-shutdown")
    told = names(box.send(b'{"execute": "system_reset"}'))
    assert told == [ended("host-qmp-system-reset", guest=False), {"return": {}}]
    assert status(box) == "prelaunch"


@pytest.mark.parametrize("before", ["", "o"], ids=["running", "kept"])
def test_quit_ends_a_machine_that_is_to_be_kept(make: Make, before: str) -> None:
    box = make("-no-shutdown")
    if before:
        key(box, before)
    told = names(box.send(b'{"execute": "quit"}'))
    assert told == [ended("host-qmp-quit", guest=False), {"return": {}}]
    assert box.ended


def test_a_sleeping_guest_is_stopped_by_a_shutdown_that_pauses(make: Make) -> None:
    box = make("-M virt,x-system-suspend=on -no-reboot -no-shutdown")
    box.returned("x-guest-suspend")
    box.settle()
    box.returned("system_reset")
    assert status(box) == "shutdown"


def test_set_action_changes_what_it_names_and_nothing_else(make: Make) -> None:
    box = make("-no-reboot")
    box.returned("set-action", shutdown="pause")
    assert key(box, "b") == [ended("guest-reset"), STOP]
    box.returned("set-action", reboot="reset", watchdog="none", panic="none")
    box.returned("system_reset")
    assert status(box) == "prelaunch"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"panic": "debug"}, "Parameter 'panic' does not accept value 'debug'"),
        (
            {"reboot": "shutdown", "shutdown": "x"},
            "Parameter 'shutdown' does not accept value 'x'",
        ),
        ({"reboot": None}, "Invalid parameter type for 'reboot', expected: string"),
        ({"x": 1}, "Parameter 'x' is unexpected"),
    ],
)
def test_a_set_action_that_is_refused_changes_nothing(
    make: Make, arguments: dict[str, Any], complaint: str
) -> None:
    box = make("")
    before = box.machine.actions
    assert box.ask("set-action", **arguments)["error"]["desc"] == complaint
    assert box.machine.actions == before


def test_what_is_chosen_before_the_machine_is_created_holds_for_it() -> None:
    box = Box(parse(["-preconfig"]), boot=False)
    box.returned("set-action", reboot="shutdown")
    box.returned("x-exit-preconfig")
    box.returned("cont")
    box.settle()
    assert key(box, "b") == [ended("guest-reset")]
    box.close()
