"""`make demo`, as it is run: the story is complete, in order, and every layer has its lines."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from daemon.demo_story import Point, Story


def demo(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daemon.demo", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def told() -> str:
    done = demo()
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def in_order(text: str, *parts: str) -> bool:
    """Whether the parts occur one after the other."""
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def chapter(text: str, heading: str) -> str:
    return text.partition(f"-- {heading} ")[2].partition("\n-- ")[0]


def test_a_plug_is_told_layer_by_layer(told: str) -> None:
    assert in_order(
        chapter(told, "Plug: from 2 to 3 CPUs"),
        '--> device_add {"driver": "cortex-a72-arm-cpu", "id": "core2", "core-id": 2}',
        "kvm_unpark_vcpu vcpu_id=2",
        "gicv3_set_gicc_accessible index=2 accessible=True",
        "cpu_plug index=2",
        "ged_event event=0x8",
        "kvm_irq_line irq=41 level=1",
        '<-- {"return": {}}',
        "gicv3_icc_iar1_read cpu=0 val=0x29",
        r"\_SB.GED._EVT(41)",
        r"Notify(\_SB.CPUS.C002, 1)",
        r"\_SB.CPUS.C002._OST(1, 0)",
        '<== ACPI_DEVICE_OST {"device": "core2", "slot": "2"',
        "CPU_ON cpu=0 target=2 result=0",
        "CPU2: Booted secondary processor",
        "cpu_masks cpu=2 enabled=True online=True",
    )


def test_an_unplug_is_told_layer_by_layer(told: str) -> None:
    assert in_order(
        chapter(told, "Unplug: from 3 to 2 CPUs"),
        '--> device_del {"id": "core2"}',
        "kvm_irq_line irq=41 level=1",
        r"Notify(\_SB.CPUS.C002, 3)",
        r"\_SB.CPUS.C002._OST(3, 132)",
        "CPU_OFF cpu=2",
        "psci: CPU2 killed",
        r"\_SB.CPUS.C002._EJ0(1)",
        "gicv3_set_gicc_accessible index=2 accessible=False",
        "kvm_park_vcpu vcpu_id=2",
        '<== DEVICE_DELETED {"device": "core2", "path": "/machine/peripheral/core2"}',
        r"\_SB.CPUS.C002._OST(3, 0)",
        '<== ACPI_DEVICE_OST {"slot": "2", "slot-type": "CPU", "source": 3, "status": 0}',
    )


def test_no_vcpu_is_created_once_the_vgic_is_there(told: str) -> None:
    before, _, after = told.partition("vgic_init vcpus=8")
    assert before.count("kvm_create_vcpu") == 8
    assert "kvm_create_vcpu" not in after


def test_the_tables_show_eight_cpus_online_and_then_two(told: str) -> None:
    assert told.count("present enabled online") == 10
    assert told.count(" parked ") == 6


def test_the_verbose_story_has_the_register_accesses() -> None:
    done = demo("--verbose")
    assert done.returncode == 0, done.stderr
    assert "mmio_write cpu=0 address=0x90c0000" in done.stdout
    assert "register accesses" not in done.stdout


def test_what_does_not_come_in_time_is_an_error() -> None:
    done = demo("--timeout", "0.001")
    assert done.returncode == 1
    assert done.stderr == "demo: the boot of the guest did not come within 0.001 s\n"


def test_a_time_that_never_ends_is_refused() -> None:
    done = demo("--timeout", "nan")
    assert done.returncode == 2
    assert done.stderr.endswith("'nan' is not a number of seconds above 0\n")


def test_an_interrupted_demo_ends_without_a_word() -> None:
    command = [sys.executable, "-m", "daemon.demo"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == ""
    assert process.returncode == 130


def test_a_line_of_another_form_is_no_trace_point() -> None:
    assert Point.parse("armvirtd: warning: something") is None
    assert Point.parse("    0.000000 ms  nobody x") is None


def test_negative_and_textual_fields_are_read() -> None:
    point = Point.parse("    0.003000 ms  psci   CPU_ON cpu=0x0 target=0x2 result=-0x3")
    assert point == Point(0.003, "psci", "CPU_ON", {"cpu": 0, "target": 2, "result": -3})


def test_accesses_are_counted_until_the_guest_says_something() -> None:
    rows: list[str] = []
    story = Story(rows.append)
    for line in (
        "    1.000000 ms  guest  mmio_read cpu=0x0 address=0x90c0008 size=0x4 value=0x2",
        "    1.000000 ms  guest  mmio_write cpu=0x0 address=0x90c0004 size=0x1 value=0x2",
        "    2.000000 ms  guest  [    0.000002] hello",
    ):
        point = Point.parse(line)
        assert point is not None
        story.tell(point)
    assert rows == [
        "    1.000000  guest  ... register accesses: 2 to CPU hot-plug",
        "    2.000000  guest  [    0.000002] hello",
    ]
