"""`armvirtd`, and `python -m daemon`: see `daemon.main`."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run; gives the exit status."""
    gc.disable()  # a start makes much and drops little; `daemon.main` enables it again
    try:
        from daemon.main import run  # noqa: PLC0415 - so that this holds for the imports, too

        return run(sys.argv[1:] if argv is None else argv)
    finally:
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
