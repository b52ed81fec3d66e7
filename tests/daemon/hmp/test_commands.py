"""What commands do to the machine, and that QMP's clients hear of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from daemon.hmp.command import CommandTable, HmpCommand, hmp
from daemon.hmp.control import COMMANDS_OF_INFO
from daemon.hmp.monitor import HumanMonitor
from daemon.hmp.table import COMMANDS
from daemon.options.table import parse
from machine.cpu_models import CPU_MODELS
from machine.runstate import RunState
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.trace import TracePoint

CPU = "cortex-a72-arm-cpu"


def names(messages: list[dict[str, Any]]) -> list[str]:
    return [message["event"] for message in messages]


def test_a_cpu_comes_and_goes_with_qmps_events(box: Box, monitor: HumanMonitor) -> None:
    assert monitor.execute(f"device_add {CPU},id=c2,core-id=2") == ""
    (event,) = box.settle()
    assert event["data"]["info"] == {
        "device": "c2", "slot": "2", "slot-type": "CPU", "source": 1, "status": 0,
    }  # fmt: skip
    assert "  CPU #2: thread_id=4711\r\n" in monitor.execute("info cpus")
    assert monitor.execute("device_del c2") == ""
    assert names(box.settle()) == ["ACPI_DEVICE_OST", "DEVICE_DELETED", "ACPI_DEVICE_OST"]
    assert 2 not in box.machine.plugger.plugged


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (f"{CPU},core-id=99", "Invalid core-id 99 specified, correct range 0:5"),
        (f"{CPU}", "cpu(id0=0:0:0:0) with arch-id 0 exist"),
        ("cortex-a57-arm-cpu,core-id=2", f"Invalid CPU type, expected cpu type: '{CPU}'"),
        (f"{CPU},core-id=x", "Parameter 'core-id' expects integer"),
        (f"{CPU},core-id=2,foo=1", f"Property '{CPU}.foo' not found"),
        (f"{CPU},core-id=2,name=1", f"Property '{CPU}.name' not found"),
        (f"{CPU},core-id=2,self=1", f"Property '{CPU}.self' not found"),
    ],
)
def test_device_add_refuses_in_qmps_words_and_changes_nothing(
    box: Box, monitor: HumanMonitor, arguments: str, text: str
) -> None:
    before = box.returned("x-query-vcpus")
    assert monitor.execute(f"device_add {arguments}") == f"Error: {text}\r\n"
    assert box.returned("x-query-vcpus") == before


def test_device_add_help_lists_the_types_that_it_takes(monitor: HumanMonitor) -> None:
    listed = monitor.execute("device_add help").split("\r\n")
    assert listed == [
        "", "CPU devices:", *(f'name "{model.typename}"' for model in CPU_MODELS.values()), "",
    ]  # fmt: skip
    assert monitor.execute("device_add ?").split("\r\n") == listed


@pytest.mark.parametrize("line", [f"device_add {CPU},help", f"device_add {CPU},?"])
def test_device_add_describes_a_types_properties(monitor: HumanMonitor, line: str) -> None:
    title, *listed, end = monitor.execute(line).split("\r\n")
    assert (title, end) == (f"{CPU} options:", "")
    assert listed == sorted(listed)
    assert "  core-id=<int32>        -  (default: 0)" in listed
    assert "  mp-affinity=<uint64>   -  (default: 18446742978476113920)" in listed
    assert "  psci-conduit=<uint32>" in listed
    assert "  unnamed-gpio-in[0]=<child<irq>>" in listed


@pytest.mark.parametrize(
    ("arguments", "logged"),
    [("x,id=1a", "Parameter 'id' expects an identifier"), ('"x', "unterminated string")],
)
def test_what_qemu_only_tells_its_operator_is_logged(
    monitor: HumanMonitor, caplog: pytest.LogCaptureFixture, arguments: str, logged: str
) -> None:
    told = 'Try "help device_add" for more information\r\n'
    assert monitor.execute(f"device_add {arguments}") == told
    assert caplog.messages == [f"device_add: {logged}"]


def test_where_to_find_help_is_said_as_the_command_was_spelled(monitor: HumanMonitor) -> None:
    printed = monitor.execute("  info  uuid  x")
    assert printed.endswith('Try "help   info  uuid" for more information\r\n')


def test_a_character_is_a_c_int(monitor: HumanMonitor) -> None:
    assert monitor.execute("p /c -1") == "'\\xffffffff'\r\n"


def test_lines_are_traced(box: Box, monitor: HumanMonitor) -> None:
    points: list[TracePoint] = []
    box.machine.trace.listen(points.append)
    monitor.execute("info name")
    assert [(point.name, point.fields) for point in points] == [
        ("handle_hmp_command", {"cmdline": "'info name'"}),
    ]


def test_stop_and_cont_are_told_of(box: Box, monitor: HumanMonitor) -> None:
    assert monitor.execute("stop") == monitor.execute("s") == ""
    assert box.machine.run_state is RunState.PAUSED
    assert monitor.execute("cont") == monitor.execute("c") == ""
    assert names(box.received()) == ["STOP", "RESUME"]


def test_reset_and_power_button_are_told_of(box: Box, monitor: HumanMonitor) -> None:
    assert monitor.execute("system_reset") == ""
    (reset,) = box.received()
    assert reset["data"] == {"guest": False, "reason": "host-qmp-system-reset"}
    box.settle()
    assert monitor.execute("system_powerdown") == ""
    assert names(box.settle())[0] == "POWERDOWN"


def test_a_guest_that_cannot_sleep_cannot_be_woken_up(monitor: HumanMonitor) -> None:
    refusal = "Error: wake-up from suspend is not supported by this guest\r\n"
    assert monitor.execute("system_wakeup") == refusal


def test_quit_ends_the_machine(box: Box, monitor: HumanMonitor) -> None:
    assert monitor.execute("quit") == ""
    assert box.ended
    assert names(box.received()) == ["SHUTDOWN"]


def test_a_property_is_read_as_json(box: Box, monitor: HumanMonitor) -> None:
    path = "/machine/unattached/device[0]"
    for name in ("type", "realized"):
        told = box.returned("qom-get", path=path, property=name)
        shown = monitor.execute(f"qom-get {path} {name}")
        assert shown == (f'"{told}"\r\n' if isinstance(told, str) else f"{str(told).lower()}\r\n")
    assert '\r\n    "maxcpus": 6,\r\n' in monitor.execute("qom-get /machine smp")


def test_properties_are_listed_as_over_qmp(box: Box, monitor: HumanMonitor) -> None:
    told = box.returned("qom-list", path="/machine")
    assert monitor.execute("qom-list /machine") == "".join(
        f"{entry['name']} ({entry['type']})\r\n" for entry in told
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("qom-set /machine type x", "Property 'virt-9.2-machine.type' is not writable"),
        ("qom-set -j /machine type 3", "Property 'virt-9.2-machine.type' is not writable"),
        ("qom-set /machine nosuch 1", "Property 'virt-9.2-machine.nosuch' not found"),
        ("qom-set -j /machine type {", "JSON parse error, premature EOI"),
        ("qom-set -j /machine type 1 2", "Expecting at most one JSON value"),
        ("qom-set -j /machine type +", "JSON parse error, stray '+'"),
    ],
)
def test_qom_set_refuses_in_qmps_words(monitor: HumanMonitor, line: str, text: str) -> None:
    assert monitor.execute(line) == f"Error: {text}\r\n"


def test_objects_are_created_written_and_deleted(box: Box, monitor: HumanMonitor) -> None:
    assert monitor.execute("object_add authz-simple,id=az,identity=alice") == ""
    assert box.returned("qom-get", path="/objects/az", property="identity") == "alice"
    assert monitor.execute("qom-set /objects/az identity bob") == ""
    assert monitor.execute("qom-get /objects/az identity") == '"bob"\r\n'
    assert monitor.execute('qom-set -j /objects/az identity "carol"') == ""
    assert monitor.execute("qom-get /objects/az identity") == '"carol"\r\n'
    assert monitor.execute("object_add authz-simple,id=az,identity=x") == (
        "Error: attempt to add duplicate property 'az' to object (type 'container')\r\n"
    )
    assert monitor.execute("object_del az") == ""
    assert monitor.execute("object_del az") == "Error: object 'az' not found\r\n"


def test_object_types_are_listed(monitor: HumanMonitor) -> None:
    title, *listed = monitor.execute("object_add help").splitlines()
    assert title == "List of user creatable objects:"
    assert "  authz-simple" in listed


def test_a_descriptor_that_came_along_gets_a_name(box: Box, monitor: HumanMonitor) -> None:
    reading, writing = os.pipe()
    box.context.monitor.inbox.put((reading,))
    assert monitor.execute("getfd pipe") == ""
    assert monitor.execute("closefd pipe") == ""
    with pytest.raises(BrokenPipeError):
        os.write(writing, b"x")
    os.close(writing)


@pytest.mark.parametrize("line", ["help", "info"])
def test_every_line_of_help_has_the_words_that_shells_take_from_it(
    monitor: HumanMonitor, line: str
) -> None:
    told = monitor.execute(line)
    assert told.endswith("\r\n")
    commands = [text.split() for text in told.splitlines() if text[0] not in "\t["]
    assert len(commands) == len(list(COMMANDS if line == "help" else COMMANDS_OF_INFO))
    assert all(len(text) > 1 for text in commands)


def test_every_commands_help_is_what_the_list_says(monitor: HumanMonitor) -> None:
    listed = monitor.execute("help")
    for command in COMMANDS:
        if command.subcommands is None:
            assert monitor.execute(f"help {command.names[-1]}") in listed


def test_cpu_index_chooses_the_current_cpu(box: Box) -> None:
    told = box.returned("human-monitor-command", command_line="info cpus", cpu_index=1)
    assert told == "  CPU #0: thread_id=4711\r\n* CPU #1: thread_id=4711\r\n"
    assert box.returned("human-monitor-command", command_line="info cpus").startswith("* CPU #0")


def test_a_wrong_cpu_index_is_an_error(box: Box) -> None:
    for index in (-1, 2, 99):
        answer = box.ask("human-monitor-command", command_line="info cpus", cpu_index=index)
        assert answer["error"]["desc"] == "Parameter 'cpu-index' expects a CPU number"


def test_trees_are_printed(box: Box, monitor: HumanMonitor) -> None:
    assert monitor.execute("info qtree").startswith("bus: main-system-bus\r\n  type System\r\n")
    assert monitor.execute("info mtree -f").startswith("FlatView #0\r\n")
    assert monitor.execute("info mtree").startswith("address-space: ")
    tree = monitor.execute("info qom-tree")
    assert tree.startswith("/machine (virt-9.2-machine)\r\n")
    assert tree == monitor.execute("info qom-tree /machine")
    assert monitor.execute("info qom-tree /x") == "Path '/x' could not be resolved.\r\n"
    assert box.machine.cpu_typename in tree


# The grammar, where no command of ours uses all of it.


@hmp("try", args="name:F,switch:-s,force:-f,on:b,count:i?", help="for this test")
def try_(_monitor: HumanMonitor, **given: Any) -> Iterator[str]:
    yield repr(given)


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("try a on", "{'name': 'a', 'switch': False, 'force': False, 'on': True}"),
        (
            "try a -f off 7",
            "{'name': 'a', 'switch': False, 'force': True, 'on': False, 'count': 7}",
        ),
        ("try a -s -f on", "{'name': 'a', 'switch': True, 'force': True, 'on': True}"),
        ("try", 'try: filename expected\nTry "help try" for more information'),
        ("try a maybe", "Expected 'on' or 'off'\nTry \"help try\" for more information"),
        ("try a -x on", 'try: unsupported option -x\nTry "help try" for more information'),
    ],
)
def test_the_grammar_of_arguments(monitor: HumanMonitor, line: str, printed: str) -> None:
    record = getattr(try_, "__hmp_command__")  # noqa: B009 - where the decorator leaves it
    assert isinstance(record, HmpCommand)
    monitor.commands = CommandTable([record])
    assert monitor.execute(line) == printed.replace("\n", "\r\n") + "\r\n"


def test_nodes_and_memory_backends_are_shown_in_qemus_form() -> None:
    words = (
        "-m 512M -smp 2,maxcpus=4,sockets=2 -numa node,memdev=m0 -numa node "
        "-object memory-backend-ram,id=m0,size=512M,policy=bind,host-nodes=0-2,host-nodes=8"
    )
    box = Box(parse(words.split()))
    monitor = HumanMonitor(box.context)
    assert monitor.execute(f"device_add {CPU},socket-id=1,node-id=1") == ""
    assert monitor.execute("info numa").splitlines() == [
        "2 nodes",
        "node 0 cpus: 0 1",
        "node 0 size: 512 MB",
        "node 0 plugged: 0 MB",
        "node 1 cpus: 2",
        "node 1 size: 0 MB",
        "node 1 plugged: 0 MB",
    ]
    assert monitor.execute("info memdev").splitlines() == [
        "memory backend: m0",
        "  size:  536870912",
        "  merge: true",
        "  dump: true",
        "  prealloc: false",
        "  share: false",
        "  reserve: true",
        "  policy: bind",
        "  host nodes: 0-2,8",
        "",
    ]
    assert '    node-id: "1"' in monitor.execute("info hotpluggable-cpus").splitlines()
    box.close()


def test_memory_backends_come_and_go(monitor: HumanMonitor) -> None:
    assert monitor.execute("object_add memory-backend-ram,id=a,size=1M") == ""
    assert monitor.execute("info memdev").startswith("memory backend: a\r\n  size:  1048576\r\n")
    assert monitor.execute("object_del a") == ""
    assert monitor.execute("object_del mach-virt.ram") == (
        "Error: object 'mach-virt.ram' is in use, can not be deleted\r\n"
    )
