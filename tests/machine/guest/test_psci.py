"""How the guest finds out what firmware it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from machine.guest import psci

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.guest.platform import Platform

KVM: Mapping[tuple[int, ...], int] = {
    (psci.VERSION,): 0x1_0001,
    (psci.MIGRATE_INFO_TYPE,): 2,
    (psci.FEATURES, psci.SMCCC_VERSION): 0,
    (psci.SMCCC_VERSION,): 0x1_0001,
}


class Called:
    """Firmware that answers from a list, and NOT_SUPPORTED to all else."""

    def __init__(self, answers: Mapping[tuple[int, ...], int]) -> None:
        self._answers = answers

    def smccc(self, *call: int) -> int:
        return self._answers.get(call, psci.NOT_SUPPORTED)


def probed(answers: Mapping[tuple[int, ...], int]) -> tuple[bool, list[str]]:
    lines: list[str] = []
    can_suspend = psci.probe(cast("Platform", cast("Any", Called(answers))), lines.append)
    return can_suspend, lines


def test_the_log_says_what_linux_says() -> None:
    assert probed(KVM) == (
        False,
        [
            "psci: PSCIv1.1 detected in firmware.",
            "psci: Using standard PSCI v0.2 function IDs",
            "psci: Trusted OS migration not required",
            "psci: SMC Calling Convention v1.1",
        ],
    )


def test_a_system_can_suspend_where_firmware_has_the_call() -> None:
    assert probed({**KVM, (psci.FEATURES, psci.SYSTEM_SUSPEND): 0})[0]


def test_old_firmware_is_asked_for_no_more_than_it_has() -> None:
    can_suspend, lines = probed({(psci.VERSION,): 2})
    assert not can_suspend
    assert lines[0] == "psci: PSCIv0.2 detected in firmware."
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("answer", "errno"),
    [(0, 0), (-1, -95), (-2, -22), (-3, -1), (-4, -22), (-9, -22)],
)
def test_a_result_is_an_errno_of_linux(answer: int, errno: int) -> None:
    assert psci.errno(answer) == errno
