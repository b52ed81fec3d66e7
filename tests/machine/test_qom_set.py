"""Writes to properties: each is refused in QEMU's words, and nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from machine.errors import MachineError
from tests.machine.board import CPU

if TYPE_CHECKING:
    from tests.machine.board import Board

BOOT, NAMED = "/machine/unattached/device[0]", "named"
LATE = "after it was realized"
BOOT_LATE = f"on anonymous device (type '{CPU}') {LATE}"
NAMED_LATE = f"on device 'named' (type '{CPU}') {LATE}"


@pytest.mark.parametrize(
    ("path", "name", "value", "text"),
    [
        (BOOT, "type", "x", f"Property '{CPU}.type' is not writable"),
        (BOOT, "nosuch", "x", f"Property '{CPU}.nosuch' not found"),
        (BOOT, "hotplugged", True, f"Property '{CPU}.hotplugged' is not writable"),
        (BOOT, "legacy-memory", "x", f"Property '{CPU}.legacy-memory' is not writable"),
        (BOOT, "unnamed-gpio-in[0]", "x", f"Property '{CPU}.unnamed-gpio-in[0]' is not writable"),
        (BOOT, "realized", None, "Invalid parameter type for 'realized', expected: boolean"),
        (BOOT, "realized", False, f"Property '{CPU}.realized' is not writable"),
        (
            BOOT,
            "core-id",
            5,
            f"Attempt to set property 'core-id' {BOOT_LATE}",
        ),
        (
            BOOT,
            "core-id",
            [],
            f"Attempt to set property 'core-id' {BOOT_LATE}",
        ),
        (NAMED, "core-id", 5, f"Attempt to set property 'core-id' {NAMED_LATE}"),
        (NAMED, "pmu", [], "Invalid parameter type for 'pmu', expected: boolean"),
        (NAMED, "pmu", False, f"Attempt to set property 'pmu' {NAMED_LATE}"),
        (NAMED, "psci-conduit", "1", "Parameter 'psci-conduit' expects uint64"),
        (NAMED, "psci-conduit", 1.5, "Parameter 'psci-conduit' expects uint64"),
        (NAMED, "psci-conduit", -1, "Parameter 'psci-conduit' expects uint32_t"),
        (NAMED, "rvbar", 10**20, "Parameter 'rvbar' expects uint64"),
        (BOOT, "memory", [], "Invalid parameter type for 'memory', expected: string"),
        (BOOT, "memory", "x", "Device 'x' not found"),
        (
            BOOT,
            "memory",
            "/machine",
            "Invalid parameter type for 'memory', expected: memory-region",
        ),
        (
            BOOT,
            "unnamed-gpio-out[0]",
            "unnamed-gpio-in[0]",
            "Path 'unnamed-gpio-in[0]' does not uniquely identify an object",
        ),
        (
            BOOT,
            "memory",
            "/machine/unattached/system[0]",
            f"Attempt to set link property 'memory' on device '(null)' (type '{CPU}') {LATE}",
        ),
        (
            "device[2]",
            "sysbus-irq[0]",
            "/machine/unattached/device[2]",
            "Invalid parameter type for 'sysbus-irq[0]', expected: irq",
        ),
        (
            "device[2]",
            "num-irq",
            1,
            f"Attempt to set property 'num-irq' on anonymous device (type 'arm-gicv3') {LATE}",
        ),
        ("/machine", "unattached", "x", "Property 'virt-9.2-machine.unattached' is not writable"),
        ("/nosuch", "x", 1, "Device '/nosuch' not found"),
        ("", "x", 1, "Device '' not found"),
    ],
)
def test_a_write_that_comes_too_late_is_refused_in_qemus_words(
    board: Board, path: str, name: str, value: object, text: str
) -> None:
    board.plug(3, NAMED)
    before = board.state()
    with pytest.raises(MachineError) as refused:
        board.machine.qom.set(path, name, value)
    assert str(refused.value) == text
    assert board.state() == before


def test_realizing_what_is_realized_changes_nothing(board: Board) -> None:
    before = board.state()
    board.machine.qom.set(BOOT, "realized", True)
    assert board.state() == before
