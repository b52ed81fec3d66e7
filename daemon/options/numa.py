"""What -numa says: one thing about NUMA nodes, as JSON or as keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.numa import numa_option
from daemon.options.visitor import read_union
from protocol.qapi.numa import NumaOptions

if TYPE_CHECKING:
    from machine.numa_draft import NumaOption


def parse_numa(text: str) -> NumaOption:
    """Read -numa's argument.

    Raises:
        UsageError: in QAPI's words.
    """
    return numa_option(read_union(NumaOptions, text))
