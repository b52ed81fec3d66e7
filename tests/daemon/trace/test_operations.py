"""Operations: where each begins, what belongs to it, what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.trace.operations import Kind, Operation, Operations, Part
from machine.trace import TracePoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.daemon.trace.recorded import Recorded

Followed = list[tuple[TracePoint, Part]]


def follow(points: Iterable[TracePoint]) -> dict[int, tuple[Operation, Followed]]:
    operations, found = Operations(), dict[int, tuple[Operation, Followed]]()
    for point in points:
        for operation, part in operations.take(point):
            found.setdefault(operation.number, (operation, []))[1].append((point, part))
    return found


def results(recorded: Recorded) -> list[tuple[Kind, int | None, str]]:
    return [
        (operation.kind, operation.cpu, operation.result)
        for operation, _ in follow(recorded.points).values()
    ]


def parts(recorded: Recorded, number: int = 1) -> tuple[list[str], list[Part]]:
    _, followed = follow(recorded.points)[number]
    return [point.name for point, _ in followed], [part for _, part in followed]


def test_a_boot_is_no_operation(recorded: Recorded) -> None:
    assert not follow(recorded.points)


def test_a_plug_goes_from_the_request_to_the_cpu_being_online(recorded: Recorded) -> None:
    recorded.plugs(2)
    assert results(recorded) == [(Kind.PLUG, 2, "online")]
    names, found = parts(recorded)
    assert (names[0], names[-1]) == ("handle_qmp_command", "cpu_masks")
    assert found[0] is Part.FIRST
    assert found[-1] is Part.LAST
    assert set(found[1:-1]) == {Part.STEP}


def test_an_unplug_goes_from_the_request_to_the_last_report(recorded: Recorded) -> None:
    recorded.plugs(2)
    recorded.unplugs(2)
    assert results(recorded)[1] == (Kind.UNPLUG, 2, "removed")
    names, found = parts(recorded, 2)
    assert names[-2:] == ["cpuhp_acpi_write_ost", "monitor_qapi_event_emit"]
    assert found[-2:] == [Part.LAST, Part.AFTER]


def test_a_guest_that_refuses_ends_an_unplug(recorded: Recorded) -> None:
    recorded.plugs(2)
    recorded.takes_offline(0, 1)
    recorded.unplugs(2)
    assert results(recorded)[1] == (Kind.UNPLUG, 2, "device busy: _OST (3, 130)")


def test_a_vmm_that_refuses_ends_it_at_once(recorded: Recorded) -> None:
    recorded.plugs(9)
    recorded.unplugs(9)
    assert results(recorded) == [
        (Kind.PLUG, None, "refused: Invalid core-id 9 specified, correct range 0:5"),
        (Kind.UNPLUG, None, "refused: Device 'core9' not found"),
    ]
    assert follow(recorded.points)[1][0].name == "core9"


def test_operations_at_the_same_time_have_their_own_points(recorded: Recorded) -> None:
    for core in (2, 3):
        recorded.box.ask("device_add", driver="cortex-a72-arm-cpu", id=f"core{core}", core_id=core)
    recorded.box.settle()
    found = follow(recorded.points)
    assert [operation.result for operation, _ in found.values()] == ["online", "online"]
    for operation, followed in found.values():
        named = {point.fields["cpu"] for point, _ in followed if point.name == "cpu_masks"}
        assert named == {operation.cpu}


def test_the_interrupt_of_the_ged_is_about_all_that_are_waited_for(recorded: Recorded) -> None:
    for core in (2, 3):
        recorded.box.ask("device_add", driver="cortex-a72-arm-cpu", id=f"core{core}", core_id=core)
    recorded.box.settle()
    for number in (1, 2):
        assert "ged_read_esel" in parts(recorded, number)[0]


def test_a_user_s_eject_is_an_operation_too(recorded: Recorded) -> None:
    recorded.plugs(2)
    path = "/sys/bus/acpi/devices/ACPI0007:02/eject"
    recorded.box.machine.power.guest_write(path, "1")
    recorded.box.settle()
    assert results(recorded)[1] == (Kind.EJECT, 2, "removed")


def test_what_nobody_answers_stays_open_until_the_next_request() -> None:
    points = [
        TracePoint(0, "vmm", "cpu_unplug_request", {"index": 2, "path": "/machine/peripheral/a"}),
        TracePoint(9, "vmm", "cpu_unplug_request", {"index": 2, "path": "/machine/peripheral/a"}),
    ]
    (first, _), (second, _) = follow(points).values()
    assert (first.ended, first.result, first.name) == (9, "no answer", "a")
    assert (second.ended, second.result) == (None, "no answer")


def test_a_line_of_the_human_monitor_is_a_request(recorded: Recorded) -> None:
    line = "device_add cortex-a72-arm-cpu,id=core4,core-id=4"
    recorded.does("human-monitor-command", command_line=line)
    recorded.does("human-monitor-command", command_line="device_del core4")
    found = [operation for operation, _ in follow(recorded.points).values()]
    assert [(each.title, each.result) for each in found] == [
        ("plug core4", "online"),
        ("unplug core4", "removed"),
    ]


def test_a_removal_that_a_reset_completes_is_removed(recorded: Recorded) -> None:
    recorded.plugs(2)
    recorded.box.ask("device_del", id="core2")
    recorded.does("system_reset")
    recorded.plugs(2)
    assert results(recorded)[1][2] == "removed, and nothing more"
