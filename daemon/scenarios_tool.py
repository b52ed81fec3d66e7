"""`armvirtd scenarios [NAME]`: which scenarios there are, or what one of them says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.options.usage import Exit, UsageError
from daemon.scenario import read_scenario, ready_made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def run(argv: Sequence[str]) -> int:
    """Tell what is asked for.

    Raises:
        Exit: the text.
        UsageError: there is no such scenario.
    """
    ready = ready_made()
    if not argv:
        raise Exit(listed(ready))
    if len(argv) > 1 or argv[0] not in ready:
        raise UsageError(f"scenarios {' '.join(argv)}: NAME is one of: {', '.join(ready)}")
    raise Exit(ready[argv[0]].read_text(encoding="utf-8"))


def listed(ready: Mapping[str, Path]) -> str:
    """A line for each: name and description."""
    width = max(map(len, ready))
    return "".join(f"{name:{width}}  {read_scenario(name).description}\n" for name in ready)
