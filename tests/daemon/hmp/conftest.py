"""Asking for `box` is asking for the machine of most recordings, with a guest that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.hmp.monitor import HumanMonitor
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def box() -> Iterator[Box]:
    box = Box()
    yield box
    box.close()


@pytest.fixture
def monitor(box: Box) -> HumanMonitor:
    return HumanMonitor(box.context)
