"""What this process holds open, to see that nothing is left behind."""

import os
from pathlib import Path


def open_fds() -> set[int]:
    """The numbers of all open file descriptors."""
    found = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    return {fd for fd in found if os.path.lexists(f"/proc/self/fd/{fd}")}  # not the listing's own
