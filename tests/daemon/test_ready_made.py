"""The ready-made scenarios: what exactly comes of a plug and an unplug in each, and recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from daemon.scenario import ready_made
from tests.daemon.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOW = frozenset({"slow-guest"})
"""Those that are about how slow the guest is; in all others it takes no time."""
WIRE = frozenset({"flaky-connection", "slow-replies"})
"""Those about connections, of which a client without one has nothing (see `test_mishaps`)."""
DEAF = frozenset({"deaf-guest", "old-kernel", "internal-error", "panics", "failing-cpu"})
"""Those that only a reset recovers from: another kernel has to boot, or the machine to run."""
ENDED = frozenset({"poweroff-during-unplug", "vmm-aborts"})
"""Those that nothing recovers from."""


def reported(ms: int = 0, status: int = 0) -> list[str]:
    """The guest reports what it has made of a CPU that has come."""
    return [f"{ms} ACPI_DEVICE_OST (0x1, {status:#x})"]


def gone(ms: int = 0, source: int = 3) -> list[str]:
    """The guest gives a CPU back."""
    return [
        f"{ms} ACPI_DEVICE_OST (0x3, 0x84)",
        f"{ms} DEVICE_DELETED",
        f"{ms} ACPI_DEVICE_OST ({source:#x}, 0x0)",
    ]


def refused(status: int, ms: int = 0) -> list[str]:
    """The guest does not give it back."""
    return [
        f"{ms} ACPI_DEVICE_OST (0x3, 0x84)",
        f"{ms} ACPI_DEVICE_OST (0x3, {status:#x})",
        f"{ms} DEVICE_UNPLUG_GUEST_ERROR",
    ]


NOT_FOUND = ["refused: Device 'c2' not found"]
NO_MEMORY = ["refused: kvm_init_vcpu: kvm_create_vcpu failed (2): Cannot allocate memory"]
ERRORS = [
    *("10000 X_VCPU_ERROR corrected", "15000 X_VCPU_ERROR corrected"),
    *("17500 X_VCPU_ERROR corrected", "18750 X_VCPU_ERROR corrected"),
    "30000 X_VCPU_ERROR uncorrected",
]


class Told(NamedTuple):
    """What comes of a plug and of an unplug a minute later, and how the CPU stands after each."""

    plug: list[str]
    then: str
    unplug: list[str]
    last: str


USUAL = Told(reported(), "online", gone(), "absent")
UNKNOWN = "unknown to the guest"

STORIES = {
    "booting-guest": Told([], "online, insert-pending", reported() + gone(), "absent"),
    "busy-once": Told(reported(), "online", refused(0x82), "online"),
    "cpu-never-arrives": Told(reported(), "on its way", gone(), "absent"),
    "cpu-on-fails": Told(reported(), "offline", gone(), "absent"),
    "deaf-guest": Told(
        [], f"{UNKNOWN}, insert-pending", [], f"{UNKNOWN}, insert-pending, remove-pending"
    ),
    "ejects-by-itself": Told(reported() + gone(5000, source=0x103), "absent", NOT_FOUND, "absent"),
    "failing-cpu": Told(reported() + ERRORS, "online", [], "online, remove-pending"),
    "firmware-denies": Told(reported(), "offline", gone(), "absent"),
    "flaky": Told(reported(), "offline", refused(0x82), "offline"),
    "flaky-connection": USUAL,
    "hung-guest": Told(reported(), "online", [], "online, remove-pending"),
    "internal-error": Told([*reported(), "5000 STOP"], "failed", [], "failed, remove-pending"),
    "isolated-cpus": Told(reported(), "online", refused(0x82), "online"),
    "late-refusal": Told(reported(), "online", refused(0x82, 8000), "online"),
    "late-success": Told(reported(), "online", gone(8000), "absent"),
    "no-memory": Told(NO_MEMORY, "absent", NOT_FOUND, "absent"),
    "no-report": Told([], "online", gone(), "absent"),
    "no-udev": Told(reported(), "offline", gone(), "absent"),
    "offlines-by-itself": Told(reported(), "offline", gone(), "absent"),
    "old-kernel": Told([], UNKNOWN, [], UNKNOWN),
    "panics": Told(reported(), "online", [], "stopped by the guest"),
    "plug-fails": Told(reported(status=1), UNKNOWN, gone(), "absent"),
    "poweroff-during-unplug": Told(
        reported(), "online", ["1000 SHUTDOWN guest-shutdown"], "online"
    ),
    "reboot-during-unplug": Told(
        reported(), "online", ["1000 DEVICE_DELETED", "1000 RESET guest-reset"], "absent"
    ),
    "refuses-unplug": Told(reported(), "online", refused(0x81), "online"),
    "silent-guest": Told([], UNKNOWN, [], UNKNOWN),
    "slow-cpu-off": Told(
        reported(),
        "online",
        [
            "0 ACPI_DEVICE_OST (0x3, 0x84)",
            "100 DEVICE_DELETED",
            "100 ACPI_DEVICE_OST (0x3, 0x0)",
        ],
        "absent",
    ),
    "slow-guest": Told(
        reported(1600),
        "online",
        [
            "250 ACPI_DEVICE_OST (0x3, 0x84)",
            "6750 DEVICE_DELETED",
            "7000 ACPI_DEVICE_OST (0x3, 0x0)",
        ],
        "absent",
    ),
    "slow-replies": USUAL,
    "slow-udev": USUAL,
    "vmm-aborts": USUAL,
}


def begun(name: str, *more: str) -> Story:
    """The story of a scenario."""
    speed = () if name in SLOW else ("--guest-speed", "instant")
    return Story("--scenario", name, *speed, *more)


@pytest.fixture
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    """The story of the scenario that a test is about."""
    made = begun(request.param)
    yield made
    made.close()


of = pytest.mark.parametrize


def test_every_scenario_has_its_story() -> None:
    assert list(STORIES) == list(ready_made())


@of("name", STORIES)
def test_a_plug_and_an_unplug_go_as_they_are_told(name: str) -> None:
    story = begun(name)
    told = Told(story.plugs(), story.stands(), story.unplugs(), story.stands())
    story.close()
    assert told == STORIES[name]
    assert (story.box.ended or story.box.aborted) == (name in ENDED)


@of("name", sorted({*STORIES} - ENDED))
def test_the_same_cpu_comes_and_goes_once_the_scenario_is_over(name: str) -> None:
    story = begun(name)
    story.plugs()
    story.unplugs()
    story.recovers(by_reset=name in DEAF)
    if story.stands() != "absent":
        story.unplugs()
    assert story.stands() == "absent"
    told = Told(story.plugs(), story.stands(), story.unplugs(), story.stands())
    story.close()
    assert told == USUAL


@of("story", ["busy-once"], indirect=True)
def test_one_that_is_busy_once_gives_it_when_asked_again(story: Story) -> None:
    story.plugs()
    story.unplugs()
    assert story.unplugs() == gone()


@of("story", ["cpu-on-fails"], indirect=True)
def test_a_cpu_on_that_failed_once_works_when_it_is_tried_again(story: Story) -> None:
    story.plugs()
    path = "/sys/devices/system/cpu/cpu2/online"
    assert story.asks("x-guest-write", path=path, data="1") == []
    assert story.stands() == "online"


@of("story", ["no-memory"], indirect=True)
def test_a_plug_without_memory_works_when_it_is_tried_again(story: Story) -> None:
    story.plugs()
    assert story.plugs() == reported()


@of("story", ["hung-guest"], indirect=True)
def test_a_guest_that_hangs_serves_the_request_after_that(story: Story) -> None:
    story.plugs()
    assert story.unplugs(59_999) == []
    assert story.passes(1000) == gone(60_000)


@of("story", ["slow-udev"], indirect=True)
def test_a_slow_udev_is_no_part_of_the_report(story: Story) -> None:
    assert story.plugs(19_000) == reported()
    assert story.stands() == "offline"
    story.passes(2000)
    assert story.stands() == "online"


@of("story", ["booting-guest"], indirect=True)
def test_a_guest_that_boots_answers_once_it_is_up(story: Story) -> None:
    assert story.plugs(1000) == []
    assert story.unplugs(20_000) == []
    story.passes(20_000)
    assert story.stands() == "absent"


@of("story", ["isolated-cpus"], indirect=True)
def test_a_cpu_that_is_not_isolated_goes(story: Story) -> None:
    other: dict[str, Any] = {"driver": "cortex-a72-arm-cpu", "id": "c3", "core-id": 3}
    story.asks("device_add", **other)
    assert story.asks("device_del", id="c3") == gone()


def test_a_panic_is_told_where_there_is_pvpanic() -> None:
    story = begun("panics", "-M", "virt,x-pvpanic=on", "-action", "panic=pause")
    story.plugs()
    assert story.unplugs() == ["1000 GUEST_PANICKED pause", "1000 STOP"]
    story.close()


@of("story", ["failing-cpu"], indirect=True)
def test_who_takes_a_failing_cpu_out_in_time_saves_the_guest(story: Story) -> None:
    assert story.plugs(18_000) == [*reported(), *ERRORS[:3]]
    assert story.unplugs() == gone()
    assert story.stands() == "absent"


@of("seed", range(20))
def test_after_whatever_luck_the_cpu_comes_and_goes(seed: int) -> None:
    story = begun("flaky", "--seed", str(seed))
    for _ in range(6):
        story.plugs(10_000)
        story.unplugs(10_000)
    story.recovers()
    if story.stands() != "absent":
        story.unplugs()
    assert (story.plugs(), story.stands()) == (reported(), "online")
    assert (story.unplugs(), story.stands()) == (gone(), "absent")
    story.close()


def test_the_same_seed_is_the_same_luck_and_another_another() -> None:
    def luck(seed: str) -> list[str]:
        story = begun("flaky", "--seed", seed)
        told = [line for _ in range(8) for line in (*story.plugs(), *story.unplugs())]
        story.close()
        return told

    assert luck("1") == luck("1")
    assert len({tuple(luck(seed)) for seed in "12345"}) == 5
