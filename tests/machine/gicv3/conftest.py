"""Asking for a GIC is asking for a fixture: `gic` is fresh from reset, `up` is brought up."""

from __future__ import annotations

import pytest

from tests.machine.gicv3.bench import Bench, running


@pytest.fixture
def gic() -> Bench:
    return Bench()


@pytest.fixture
def up() -> Bench:
    return running()
