"""Faults of the layers below the guest, as a client sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.box import Box
from tests.machine.faults.stages import inject

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU = "cortex-a72-arm-cpu"


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box()
    yield box
    box.close()


def plug(box: Box) -> dict[str, Any]:
    return box.ask("device_add", driver=CPU, id="c2", core_id=2)


def vcpu(box: Box) -> dict[str, Any]:
    shown: dict[str, Any] = box.returned("x-query-vcpus")[2]
    return shown


def names(messages: list[dict[str, Any]]) -> list[str]:
    return [message["event"] for message in messages]


def test_a_plug_without_memory_for_a_vcpu_is_a_generic_error(box: Box) -> None:
    before = box.returned("x-query-vcpus")
    hotpluggable = box.returned("query-hotpluggable-cpus")
    inject(box.machine, "unpark", "enomem", name="poor")
    text = "kvm_init_vcpu: kvm_create_vcpu failed (2): Cannot allocate memory"
    assert plug(box)["error"] == {"class": "GenericError", "desc": text}
    assert box.settle() == []
    assert box.returned("x-query-vcpus") == before
    assert box.returned("query-hotpluggable-cpus") == hotpluggable
    box.machine.faults.clear("poor")
    assert plug(box) == {"return": {}}


def test_a_cpu_that_is_pending_is_shown_so(box: Box) -> None:
    inject(box.machine, "cpu-on", "pending")
    plug(box)
    box.settle()
    shown = vcpu(box)
    assert shown["psci"] == "on-pending"
    assert shown["kvm"]["state"] == "stopped"
    assert shown["guest"] | {"enabled": True, "online": False} == shown["guest"]
    box.machine.faults.clear()
    box.settle()
    assert (vcpu(box)["psci"], vcpu(box)["kvm"]["state"]) == ("on", "running")


def test_a_cpu_that_is_slow_to_go_off_is_still_on_by_psci(box: Box) -> None:
    plug(box)
    box.settle()
    inject(box.machine, "cpu-off", "accept", delay=50_000_000)
    box.ask("x-guest-write", path="/sys/devices/system/cpu/cpu2/online", data="0")
    box.runner.advance(10_000_000)
    assert (vcpu(box)["psci"], vcpu(box)["kvm"]["state"]) == ("on", "stopped")
    box.settle()
    assert vcpu(box)["psci"] == "off"


def test_errors_of_a_cpu_are_told_and_counted(box: Box) -> None:
    plug(box)
    box.settle()
    assert "errors" not in vcpu(box)["vmm"]
    inject(box.machine, "now", "corrected-error", target=2)
    inject(box.machine, "now", "corrected-error", target=2)
    told = [message for message in box.settle() if message["event"] == "X_VCPU_ERROR"]
    path = "/machine/peripheral/c2"
    data = {"index": 2, "device": "c2", "path": path, "severity": "corrected"}
    assert [message["data"] for message in told] == [data, data]
    assert vcpu(box)["vmm"]["errors"] == {"corrected": 2, "uncorrected": 0}


def test_a_client_isolates_a_cpu_that_has_errors_and_puts_another_one_in(box: Box) -> None:
    plug(box)
    box.settle()
    inject(box.machine, "online", "corrected-error", name="bad", cpu=2, delay=1_000_000)
    box.ask("x-guest-write", path="/sys/devices/system/cpu/cpu2/online", data="0")
    box.ask("x-guest-write", path="/sys/devices/system/cpu/cpu2/online", data="1")
    (told,) = box.settle()
    assert told["event"] == "X_VCPU_ERROR"
    assert box.ask("device_del", id=told["data"]["device"]) == {"return": {}}
    assert "DEVICE_DELETED" in names(box.settle())
    assert box.ask("device_add", driver=CPU, id="c3", core_id=3) == {"return": {}}
    box.settle()
    shown = box.returned("x-query-vcpus")
    assert [cpu["guest"]["online"] for cpu in shown] == [True, True, False, True, False, False]


def test_an_error_of_a_cpu_without_an_id_names_its_path(box: Box) -> None:
    inject(box.machine, "now", "corrected-error", target=1)
    (told,) = box.settle()
    path = "/machine/unattached/device[1]"
    assert told["data"] == {"index": 1, "path": path, "severity": "corrected"}


def test_an_internal_error_stops_the_machine_until_it_is_reset(box: Box) -> None:
    plug(box)
    box.settle()
    inject(box.machine, "now", "internal-error", target=2)
    assert names(box.settle()) == ["STOP"]
    assert box.returned("query-status") == {"running": False, "status": "internal-error"}
    assert vcpu(box)["kvm"]["state"] == "internal-error"
    text = "Resetting the Virtual Machine is required"
    assert box.ask("cont")["error"] == {"class": "GenericError", "desc": text}
    assert box.ask("stop") == {"return": {}}
    assert box.returned("query-status")["status"] == "internal-error"
    assert names(box.send(b'{"execute": "system_reset"}')[:1]) == ["RESET"]
    assert box.returned("query-status") == {"running": False, "status": "prelaunch"}
    assert vcpu(box)["kvm"]["state"] == "stopped"
    assert names(box.send(b'{"execute": "cont"}')[:1]) == ["RESUME"]
    box.settle()
    assert vcpu(box)["kvm"]["state"] == "running"


def test_an_internal_error_can_be_quit(box: Box) -> None:
    inject(box.machine, "now", "internal-error", target=0)
    box.settle()
    assert names(box.send(b'{"execute": "quit"}')[:1]) == ["SHUTDOWN"]
    assert box.ended


def test_the_human_monitor_calls_an_internal_error_a_pause(box: Box) -> None:
    inject(box.machine, "now", "internal-error", target=0)
    box.settle()
    said = box.returned("human-monitor-command", command_line="info status")
    assert said == "VM status: paused (internal-error)\r\n"


def test_while_the_guest_hangs_a_client_is_served(box: Box) -> None:
    inject(box.machine, "now", "hang", name="hang")
    box.settle()
    assert plug(box) == {"return": {}}
    assert box.settle() == []
    assert box.returned("query-status")["running"]
    box.machine.faults.clear("hang")
    assert names(box.settle()) == ["ACPI_DEVICE_OST"]
