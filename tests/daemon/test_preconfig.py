"""`--preconfig`: monitors that answer before there is a machine, and have it created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.commands import COMMANDS
from daemon.config import DaemonConfig, MonitorConfig, SocketChardev, UnixAddress
from daemon.events import EventBridge
from daemon.hmp.completion import completions
from daemon.hmp.monitor import HumanMonitor
from daemon.options.table import parse
from machine.config import MachineConfig
from tests.box import FLAT, Box
from tests.daemon.live import client_at, serving
from tests.machine.acpi.reference import reference_table
from tests.process import connected, daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon.conftest import Run

CPU = "cortex-a72-arm-cpu"
MIB = 1 << 20
OWN_WORDS = 36
"""Bytes of a table's header, with the names of who made it."""
LATER = "The command '{}' is permitted only after machine initialization has completed"


def config(folder: Path, *waits: bool, paused: bool = False) -> DaemonConfig:
    """Monitors on the sockets `0`, `1`... in a folder, and a machine that is to be created."""
    return DaemonConfig(
        machine=MachineConfig(topology=FLAT, paused=paused),
        chardevs=tuple(
            SocketChardev(id=f"c{n}", address=UnixAddress(path=str(folder / str(n))), wait=wait)
            for n, wait in enumerate(waits)
        ),
        monitors=tuple(MonitorConfig(chardev=f"c{n}") for n, _ in enumerate(waits)),
        preconfig=True,
    )


@pytest.fixture
def box() -> Iterator[Box]:
    """A machine that is to be created, with 2 of 6 CPUs in 2 sockets and 256 MiB."""
    words = "--preconfig -m 256M -smp 2,maxcpus=6,sockets=2,cores=3,threads=1"
    made = Box(parse(words.split()), boot=False)
    yield made
    made.close()


def two_nodes(box: Box) -> None:
    for name in ("m0", "m1"):
        box.returned("object-add", qom_type="memory-backend-ram", id=name, size=128 * MIB)
        box.returned("set-numa-node", type="node", memdev=name)


def test_a_machine_runs_and_its_guest_is_up_once_it_has_been_created(
    run: Run, tmp_path: Path
) -> None:
    async def story() -> None:
        async with serving(config(tmp_path, False)) as app:
            client = await client_at(tmp_path / "0")
            status = {"status": "prelaunch", "running": False}
            assert await client.asks("query-status") == status
            client.says("x-exit-preconfig")
            assert (await client.hears())["event"] == "RESUME"
            assert await client.hears() == {"return": {}}
            assert await client.asks("query-status") == {"status": "running", "running": True}
            assert app.machine.power.kernel is not None
            assert await client.asks("device_add", driver=CPU, core_id=2) == {}
            assert (await client.hears())["data"]["info"]["source"] == 1
            assert await client.asks("qom-list", path="/chardevs/c0")
            client.sock.close()

    run(story())


def test_a_machine_that_is_to_wait_waits_once_it_has_been_created(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(config(tmp_path, False, paused=True)):
            client = await client_at(tmp_path / "0")
            assert await client.asks("x-exit-preconfig") == {}
            status = {"status": "prelaunch", "running": False}
            assert await client.asks("query-status") == status
            client.says("cont")
            assert (await client.hears())["event"] == "RESUME"
            client.sock.close()

    run(story())


def test_a_machine_that_has_been_created_still_waits_for_a_client(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(config(tmp_path, False, True)):
            client = await client_at(tmp_path / "0")
            assert await client.asks("x-exit-preconfig") == {}
            status = {"status": "prelaunch", "running": False}
            assert await client.asks("query-status") == status
            awaited = await client_at(tmp_path / "1")
            assert (await client.hears())["event"] == "RESUME"
            awaited.sock.close()
            client.sock.close()

    run(story())


def test_a_client_may_end_what_has_not_begun(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(config(tmp_path, False)):
            client = await client_at(tmp_path / "0")
            client.says("quit")
            reason = {"guest": False, "reason": "host-qmp-quit"}
            assert (await client.hears())["data"] == reason
            assert await client.hears() == {"return": {}}
            client.sock.close()

    run(story())


def test_a_signal_ends_what_has_not_begun(run: Run, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(config(tmp_path, False)) as app:
            client = await client_at(tmp_path / "0")
        assert (await client.hears())["data"] == {"guest": False, "reason": "host-signal"}
        assert app.stage.planned is not None
        client.sock.close()

    run(story())


def test_what_comes_in_one_piece_is_executed_in_its_order(box: Box) -> None:
    sent = b'{"execute": "query-cpus-fast"} {"execute": "x-exit-preconfig"}'
    before, resume, done, after = box.send(sent + b'{"execute": "query-cpus-fast"}')
    assert before["error"] == {"class": "GenericError", "desc": LATER.format("query-cpus-fast")}
    assert resume["event"] == "RESUME"
    assert done == {"return": {}}
    assert len(after["return"]) == 2


ALLOWED = [name for name, command in COMMANDS.items() if command.allow_preconfig]


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {*ALLOWED, "qmp_capabilities"}))
def test_a_command_that_needs_a_machine_says_so_whatever_its_arguments(box: Box, name: str) -> None:
    for arguments in ({}, {"nonsense": 1}):
        answer = box.ask(name, **arguments)
        assert answer["error"] == {"class": "GenericError", "desc": LATER.format(name)}


WITHOUT_ARGUMENTS = [
    name for name in ALLOWED if name.startswith("query-") and name != "query-qmp-schema"
]


@pytest.mark.parametrize("name", WITHOUT_ARGUMENTS)
def test_a_query_that_is_allowed_answers(box: Box, name: str) -> None:
    assert box.returned(name) is not None


def test_wrong_arguments_of_a_command_that_is_allowed_are_told(box: Box) -> None:
    assert box.ask("quit", x=1)["error"]["desc"] == "Parameter 'x' is unexpected"


def test_possible_cpus_have_nodes_as_soon_as_they_were_said(box: Box) -> None:
    before = box.returned("query-hotpluggable-cpus")
    assert not any("node-id" in entry["props"] for entry in before)
    two_nodes(box)
    assert box.returned("set-numa-node", type="cpu", node_id=1, socket_id=0) == {}
    listed = box.returned("query-hotpluggable-cpus")
    assert [entry["props"].get("node-id") for entry in listed] == [None, None, None, 1, 1, 1]


def test_nodes_are_the_machines_once_it_has_been_created(box: Box) -> None:
    two_nodes(box)
    box.returned("set-numa-node", type="dist", src=0, dst=1, val=20)
    box.returned("x-exit-preconfig")
    listed = box.returned("query-hotpluggable-cpus")
    assert [entry["props"]["node-id"] for entry in listed] == [1, 1, 1, 0, 0, 0]
    assert [cpu["props"]["node-id"] for cpu in box.returned("query-cpus-fast")] == [0, 0]
    assert [cpu["props"]["node-id"] for cpu in box.returned("x-query-vcpus")] == [0] * 3 + [1] * 3
    numa = box.machine.config.numa
    assert numa is not None
    assert numa.distances == ((10, 20), (20, 10))


def test_a_node_is_told_by_its_node_id_to_device_add(box: Box) -> None:
    two_nodes(box)
    box.returned("x-exit-preconfig")
    before = box.returned("x-query-vcpus")
    wrong = box.ask("device_add", driver=CPU, id="far", socket_id=1, node_id=0)
    assert wrong["error"] == {"class": "GenericError", "desc": "invalid node-id, must be 1"}
    assert box.returned("x-query-vcpus") == before
    props = box.returned("query-hotpluggable-cpus")[0]["props"]
    box.returned("device_add", driver=CPU, id="far", **props)
    node = box.returned("qom-get", path="/machine/peripheral/far", property="node-id")
    assert node == 1


def test_nodes_that_do_not_fit_are_refused_and_can_be_completed(box: Box) -> None:
    box.returned("object-add", qom_type="memory-backend-ram", id="m0", size=128 * MIB)
    box.returned("set-numa-node", type="node", memdev="m0")
    assert box.ask("x-exit-preconfig")["error"]["desc"] == (
        "total memory for NUMA nodes (0x8000000) should equal RAM size (0x10000000)"
    )
    box.returned("object-add", qom_type="memory-backend-ram", id="m1", size=128 * MIB)
    box.returned("set-numa-node", type="node", memdev="m1")
    box.returned("x-exit-preconfig")


def test_a_memory_backend_that_a_node_has_can_not_be_deleted(box: Box) -> None:
    two_nodes(box)
    box.returned("object-add", qom_type="memory-backend-ram", id="spare", size=4096)
    for created in (False, True):
        refused = box.ask("object-del", id="m0")["error"]["desc"]
        assert refused == "object 'm0' is in use, can not be deleted"
        if not created:
            box.returned("x-exit-preconfig")
    assert box.returned("object-del", id="spare") == {}


def test_what_the_command_line_said_is_not_forgotten() -> None:
    words = (
        "--preconfig -m 256M -smp 2,maxcpus=4,sockets=2 -numa node,memdev=m0,cpus=2-3 "
        "-object memory-backend-ram,id=m0,size=256M"
    )
    box = Box(parse(words.split()), boot=False)
    listed = box.returned("query-hotpluggable-cpus")
    assert [entry["props"].get("node-id") for entry in listed] == [0, 0, None, None]
    box.returned("set-numa-node", type="node")
    box.returned("set-numa-node", type="cpu", node_id=1, socket_id=0)
    box.returned("x-exit-preconfig")
    assert [slot.node_id for slot in box.machine.slots] == [1, 1, 0, 0]
    box.close()


def test_both_doors_close_behind_the_machine(box: Box) -> None:
    box.returned("x-exit-preconfig")
    assert box.ask("x-exit-preconfig")["error"]["desc"] == (
        "The command is permitted only before machine initialization"
    )
    assert box.ask("set-numa-node", type="node")["error"]["desc"] == (
        "The command is permitted only before the machine has been created"
    )


def test_the_human_monitor_has_what_needs_no_machine(box: Box) -> None:
    monitor = HumanMonitor(box.context)
    assert monitor.execute("info status") == "VM status: paused (prelaunch)\r\n"
    assert monitor.execute("info hotpluggable-cpus").count("CPUInstance Properties") == 6
    for line in ("info cpus", "info numa", "device_del x", "x 0", "cont"):
        name = line if line.startswith("info") else line.split()[0]
        assert monitor.execute(line) == (
            f"Command '{name}' not available until machine initialization has completed.\r\n"
        )
    listed = monitor.execute("help")
    assert "exit_preconfig" in listed
    assert "device_add" not in listed
    assert monitor.execute("exit_preconfig") == ""
    assert monitor.execute("exit_preconfig") == (
        "Error: The command is permitted only before machine initialization\r\n"
    )
    assert monitor.execute("info cpus").startswith("* CPU #0")
    assert "device_add" in monitor.execute("help")


def test_a_process_waits_to_create_its_machine(tmp_path: Path) -> None:
    words = ("-S", "--preconfig", "-smp", "2,maxcpus=4", "-numa", "node,memdev=m0", "-m", "256M")
    memory = ("-object", "memory-backend-ram,id=m0,size=256M")
    with (
        daemon(tmp_path, *words, *memory) as process,
        connected(tmp_path / "qmp.sock", process) as client,
    ):
        stream = client.makefile("rwb")
        stream.readline()
        for name in ("qmp_capabilities", "x-exit-preconfig", "quit"):
            stream.write(f'{{"execute": "{name}"}}'.encode())
            stream.flush()
            answer = stream.readline()
        assert b"SHUTDOWN" in answer
        assert process.wait(20) == 0
        assert process.communicate() == ("", "")


REFERENCE = "-m 1G -smp cpus=2,maxcpus=6,sockets=2,clusters=1,cores=3,threads=1"
NODES = (
    "-object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M "
    "-numa node,memdev=m0 -numa node,memdev=m1"
)


def test_the_guests_tables_have_the_nodes_whenever_they_were_said() -> None:
    at_once = Box(parse(f"{REFERENCE} {NODES}".split()))
    later = Box(parse(f"{REFERENCE} --preconfig".split()), boot=False)
    for name in ("m0", "m1"):
        later.returned("object-add", qom_type="memory-backend-ram", id=name, size=512 * MIB)
        later.returned("set-numa-node", type="node", memdev=name)
    for node in (0, 1):
        later.returned("set-numa-node", type="cpu", node_id=node, socket_id=node)
    later.returned("x-exit-preconfig")
    expected = reference_table("numa", "SRAT")
    for box in (at_once, later):
        assert box.machine.acpi_tables()["SRAT"][OWN_WORDS:] == expected[OWN_WORDS:]
        assert "SLIT" not in box.machine.acpi_tables()
        box.close()


class Published:
    """Stands for MQTT."""

    def __init__(self) -> None:
        self.vcpus: list[int] = []

    def publish_event(self, name: str, payload: bytes) -> None:
        del name, payload

    def publish_vcpu(self, index: int, payload: bytes) -> None:
        assert payload
        self.vcpus.append(index)


def test_states_of_vcpus_are_published_once_there_are_any(box: Box) -> None:
    published = Published()
    bridge = EventBridge(box.context, lambda _line: None, publisher=published)
    bridge.publish_all()
    assert published.vcpus == []
    box.returned("x-exit-preconfig")
    bridge.publish_all()
    assert published.vcpus == list(range(6))


def test_tab_offers_no_devices_before_there_are_any(box: Box) -> None:
    commands = HumanMonitor(box.context).commands
    assert completions(box.context, commands, "device_del ") == ("", [])
    assert completions(box.context, commands, "device_add c") == ("c", [])
    assert completions(box.context, commands, "exit") == ("exit", ["exit_preconfig"])


def test_two_plans_in_one_process_know_nothing_of_each_other() -> None:
    one, other = (Box(parse(["--preconfig"]), boot=False) for _ in range(2))
    one.returned("x-exit-preconfig")
    assert other.returned("query-status")["status"] == "prelaunch"
    assert other.ask("query-cpus-fast")["error"]["desc"] == LATER.format("query-cpus-fast")
    one.close()
    other.close()
