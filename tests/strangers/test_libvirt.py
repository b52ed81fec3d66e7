"""libvirt's conversations, as far as there are commands for them.

Ids are `libvirt-N`, one command is under way at a time, lines end in CR LF; properties of a place
are handed on as they came; an unplug is over with DEVICE_DELETED.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.process import connected, daemon
from tests.strangers.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMP = ("-smp", "2,maxcpus=4,sockets=4,cores=1,threads=1")
PROBED = (
    *("virtio-blk-pci", "virtio-net-pci", "virtio-scsi-pci", "vfio-pci", "scsi-hd", "usb-redir"),
    *("virtio-gpu-pci", "virtio-balloon-pci", "nvdimm", "pcie-root-port", "usb-host", "kvm-pit"),
)
"""Some of the devices that it wants to know about, where they are in the list of types."""


class Libvirt(Monitor):
    """The monitor of libvirt's QEMU driver."""

    number = 0

    def ask(self, command: str, /, **arguments: Any) -> dict[str, Any]:
        """Execute a command; its reply, which has the command's id."""
        Libvirt.number += 1
        message: dict[str, Any] = {"execute": command}
        if arguments:
            given = {name.replace("_", "-"): value for name, value in arguments.items()}
            message["arguments"] = given
        message["id"] = f"libvirt-{self.number}"
        answer = self.say(json.dumps(message, separators=(",", ":")).encode() + b"\r\n")
        assert answer.pop("id") == message["id"]
        return answer


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Libvirt]:
    """A machine that waits for `cont`, as each does that libvirt starts."""
    with (
        daemon(tmp_path, *SMP, "-S") as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        yield Libvirt(client).negotiate()


def test_the_probe_learns_what_this_is(machine: Libvirt) -> None:
    assert machine.get("query-version")["qemu"]["major"] >= 6
    assert machine.get("query-target") == {"arch": "aarch64"}
    assert "device_add" in {entry["name"] for entry in machine.get("query-qmp-schema")}
    commands = {entry["name"] for entry in machine.get("query-commands")}
    assert {"query-hotpluggable-cpus", "query-cpu-definitions"} <= commands
    assert machine.get("query-kvm") == {"enabled": False, "present": False}
    types = {entry["name"] for entry in machine.get("qom-list-types")}
    assert "max-arm-cpu" in types
    for name in PROBED:
        assert name not in types
        assert machine.refused("device-list-properties", typename=name)[0] == "DeviceNotFound"
    assert machine.get("qom-list-properties", typename="max-arm-cpu")
    (virt,) = machine.get("query-machines")
    assert virt["hotpluggable-cpus"]
    assert virt["default-ram-id"] == "mach-virt.ram"
    assert machine.get("qom-list-properties", typename=f"{virt['name']}-machine")
    models = {entry["name"]: entry["typename"] for entry in machine.get("query-cpu-definitions")}
    assert models["cortex-a57"] == "cortex-a57-arm-cpu"
    options = {entry["option"] for entry in machine.get("query-command-line-options")}
    assert {"machine", "smp-opts"} <= options
    assert machine.get("query-gic-capabilities") == [
        {"version": 3, "emulated": True, "kernel": False}
    ]


def test_a_domain_is_started(machine: Libvirt) -> None:
    assert {entry["label"] for entry in machine.get("query-chardev")}
    assert len(machine.get("query-hotpluggable-cpus")) == 4
    threads = [cpu["thread-id"] for cpu in machine.get("query-cpus-fast")]
    assert all(thread > 0 for thread in threads)
    assert machine.get("qom-list", path="/machine/peripheral") == [
        {"name": "type", "type": "string"}
    ]
    assert machine.get("query-status")["status"] == "prelaunch"
    machine.get("cont")
    machine.wait_for("RESUME")


def test_vcpus_that_the_xml_wants_plugged_come_before_the_start(machine: Libvirt) -> None:
    plug(machine, "vcpu2")
    machine.get("cont")
    assert count(machine) == 3


def test_setvcpus_goes_up_and_down(machine: Libvirt) -> None:
    machine.get("cont")
    for id_ in ("vcpu2", "vcpu3"):
        plug(machine, id_)
    assert count(machine) == 4
    for id_ in ("vcpu3", "vcpu2"):
        machine.get("device_del", id=id_)
        deleted = machine.wait_for("DEVICE_DELETED", device=id_)
        assert deleted["data"]["path"] == f"/machine/peripheral/{id_}"
    assert count(machine) == 2


def test_a_reset_leaves_what_was_plugged(machine: Libvirt) -> None:
    machine.get("cont")
    plug(machine, "vcpu2")
    machine.get("system_reset")
    machine.wait_for("RESET")
    listed = {entry["name"] for entry in machine.get("qom-list", path="/machine/peripheral")}
    assert listed == {"type", "vcpu2"}


def plug(machine: Libvirt, id_: str) -> None:
    """Give the lowest free place a CPU; its properties go back as they came."""
    places = reversed(machine.get("query-hotpluggable-cpus"))
    place = next(place for place in places if "qom-path" not in place)
    machine.get("device_add", driver=place["type"], id=id_, **place["props"])


def count(machine: Libvirt) -> int:
    """How many CPUs both lists tell of."""
    places = machine.get("query-hotpluggable-cpus")
    present = {place["qom-path"] for place in places if "qom-path" in place}
    cpus = machine.get("query-cpus-fast")
    assert present == {cpu["qom-path"] for cpu in cpus}
    return len(cpus)


RAM = '{"qom-type":"memory-backend-ram","id":"mach-virt.ram","size":268435456}'
NODE = '{{"qom-type":"memory-backend-ram","id":"ram-node{}","size":134217728}}'


def test_the_ram_that_it_always_creates_is_the_machines(tmp_path: Path) -> None:
    machine = "virt,usb=off,gic-version=3,dump-guest-core=off,memory-backend=mach-virt.ram"
    options = ("-machine", machine, "-m", "size=262144k", "-object", RAM, *SMP, "-S")
    with (
        daemon(tmp_path, *options) as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        monitor = Libvirt(client).negotiate()
        (memdev,) = monitor.get("query-memdev")
        assert (memdev["id"], memdev["size"]) == ("mach-virt.ram", 256 << 20)
        path = monitor.get("qom-get", path="/machine", property="memory-backend")
        assert path == "/objects/mach-virt.ram"
        assert monitor.get("qom-get", path=path, property="size") == 256 << 20


def test_its_numa_nodes_are_the_places_node_ids(tmp_path: Path) -> None:
    options = (
        *("-m", "256", "-smp", "2,maxcpus=4,sockets=1,dies=1,cores=4,threads=1", "-S"),
        *("-object", NODE.format(0), "-numa", "node,nodeid=0,cpus=0-1,memdev=ram-node0"),
        *("-object", NODE.format(1), "-numa", "node,nodeid=1,cpus=2-3,memdev=ram-node1"),
        *("-numa", "dist,src=0,dst=1,val=21"),
    )
    with (
        daemon(tmp_path, *options) as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        monitor = Libvirt(client).negotiate()
        last, *_ = monitor.get("query-hotpluggable-cpus")
        assert last["props"]["node-id"] == 1
        monitor.get("device_add", driver=last["type"], id="vcpu3", **last["props"])
        plugged = monitor.get("query-cpus-fast")[-1]
        assert plugged["props"] == last["props"]
