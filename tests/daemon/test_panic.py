"""A guest that panics, as clients see it: events and replies in their order, and exit statuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from daemon.options.table import parse
from machine.faults.stage import Stage
from tests.box import Box
from tests.daemon.test_actions import STOP, SYSRQ, ended, key, names, status
from tests.process import TIMEOUT, connected, daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[[str], Box]

DEVICE = "-M virt,x-pvpanic=on"


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Box] = []

    def box(options: str = "") -> Box:
        made.append(one := Box(parse(f"{DEVICE} {options}".split())))
        one.received()
        return one

    yield box
    for one in made:
        one.close()


def panicked(action: str) -> Any:
    return "GUEST_PANICKED", {"action": action}


@pytest.mark.parametrize(
    ("options", "told", "state"),
    [
        ("", [panicked("poweroff"), ended("guest-panic")], "shutdown"),
        ("-action panic=exit-failure", [panicked("poweroff"), ended("guest-panic")], "shutdown"),
        ("-action panic=pause", [panicked("pause"), STOP], "guest-panicked"),
        ("-action panic=none", [panicked("run")], "running"),
        ("-no-shutdown", [panicked("pause"), STOP], "guest-panicked"),
        ("-no-shutdown -action panic=none", [panicked("run")], "running"),
        (
            "-no-shutdown -action panic=exit-failure",
            [panicked("poweroff"), ended("guest-panic"), STOP],
            "shutdown",
        ),
        ("-no-reboot", [panicked("poweroff"), ended("guest-panic")], "shutdown"),
    ],
)
def test_a_panic_is_told_and_leads_where_the_options_say(
    make: Make, options: str, told: list[Any], state: str
) -> None:
    box = make(options)
    assert key(box, "c") == told
    assert status(box) == state
    assert box.ended == (ended("guest-panic") in told and STOP not in told)


def test_what_was_chosen_last_holds(make: Make) -> None:
    box = make("-action panic=none")
    box.returned("set-action", panic="pause")
    assert key(box, "c") == [panicked("pause"), STOP]


def test_a_machine_that_has_panicked_is_asked_as_any_other(make: Make) -> None:
    box = make("-action panic=pause")
    key(box, "c")
    online = [cpu["guest"]["online"] for cpu in box.returned("x-query-vcpus")]
    assert online == [True, *[False] * 7]
    assert names(box.send(b'{"execute": "stop"}')) == [{"return": {}}]
    assert status(box) == "guest-panicked"
    box.returned("device_add", driver="cortex-a72-arm-cpu", id="c2", core_id=2)
    told = names(box.send(b'{"execute": "quit"}'))
    assert told == [ended("host-qmp-quit", guest=False), {"return": {}}]


def test_cont_lets_it_run_on_to_no_avail(make: Make) -> None:
    box = make("-action panic=pause")
    key(box, "c")
    assert names(box.send(b'{"execute": "cont"}')) == [("RESUME", {}), {"return": {}}]
    assert status(box) == "running"
    box.returned("device_add", driver="cortex-a72-arm-cpu", id="c2", core_id=2)
    assert box.settle() == []


def test_after_a_reset_the_guest_takes_and_gives_cpus_again(make: Make) -> None:
    box = make("-action panic=pause")
    key(box, "c")
    told = names(box.send(b'{"execute": "system_reset"}'))
    assert told[-1] == {"return": {}}
    assert status(box) == "prelaunch"
    box.returned("cont")
    box.settle()
    box.returned("device_add", driver="cortex-a72-arm-cpu", id="c2", core_id=2)
    assert [name for name, _ in names(box.settle())] == ["ACPI_DEVICE_OST"]
    box.returned("device_del", id="c2")
    assert "DEVICE_DELETED" in [name for name, _ in names(box.settle())]


def test_an_uncorrected_error_of_a_cpu_is_a_panic_too(make: Make) -> None:
    box = make("-action panic=pause")
    box.machine.faults.inject(Stage("now", "uncorrected-error", name="e", target=1))
    error, *rest = names(box.settle())
    assert error[0] == "X_VCPU_ERROR"
    assert rest == [panicked("pause"), STOP]


def test_a_removal_that_was_asked_for_is_not_answered_and_a_reset_completes_it(
    make: Make,
) -> None:
    box = make("-action panic=none")
    box.returned("device_add", driver="cortex-a72-arm-cpu", id="c2", core_id=2)
    box.settle()
    key(box, "c")
    box.returned("device_del", id="c2")
    assert box.settle() == []
    told = names(box.send(b'{"execute": "system_reset"}'))
    assert [name for name, _ in told[:2]] == ["DEVICE_DELETED", "RESET"]


def test_two_machines_of_a_process_do_as_each_was_told(make: Make) -> None:
    one, other = make("-action panic=pause"), make("-action panic=none")
    assert key(one, "c") == [panicked("pause"), STOP]
    assert key(other, "c") == [panicked("run")]


# The process


@pytest.mark.parametrize(
    ("options", "letter", "expected"),
    [
        ("", "c", 0),
        ("-action panic=exit-failure", "c", 1),
        ("-action panic=exit-failure", "o", 0),
        ("-no-reboot", "b", 0),
    ],
)
def test_the_process_ends_with_the_status_that_was_chosen(
    tmp_path: Path, options: str, letter: str, expected: int
) -> None:
    write = {"execute": "x-guest-write", "arguments": {"path": SYSRQ, "data": letter}}
    requests = b"".join(
        json.dumps(each).encode() for each in ({"execute": "qmp_capabilities"}, write)
    )
    with daemon(tmp_path, *DEVICE.split(), *options.split()) as process:
        client = connected(tmp_path / "qmp.sock", process)
        client.sendall(requests)
        assert process.wait(TIMEOUT) == expected
        with client, client.makefile() as lines:
            told = [json.loads(line) for line in lines]
        assert told[-1]["event"] == "SHUTDOWN"


def test_one_that_is_kept_goes_on_until_quit(tmp_path: Path) -> None:
    with daemon(tmp_path, *DEVICE.split(), "-no-shutdown") as process:
        client = connected(tmp_path / "qmp.sock", process)
        with client, client.makefile() as lines:
            client.sendall(b'{"execute": "qmp_capabilities"}')
            write = {"execute": "x-guest-write", "arguments": {"path": SYSRQ, "data": "c"}}
            client.sendall(json.dumps(write).encode())
            while "STOP" not in lines.readline():
                pass
            assert process.poll() is None
            client.sendall(b'{"execute": "quit"}')
            assert process.wait(TIMEOUT) == 0
