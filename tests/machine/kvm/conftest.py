"""Asking for a VM is asking for a fixture: `host` has memory, and nothing else yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machine.kvm.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.ram.close()
