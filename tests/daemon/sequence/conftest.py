"""Asking for `recorded` is asking for a machine that is up, and that everything is told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.daemon.trace.recorded import Recorded

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    found = Recorded()
    yield found
    found.box.close()
