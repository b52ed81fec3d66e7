"""The end of a VMM that has failed an assertion."""

from __future__ import annotations

import logging
import os
import resource
import signal
from typing import Never

log = logging.getLogger(__name__)


def abort() -> Never:
    """End the process by SIGABRT, at once: sockets' files and pidfile stay, and no core is left.

    What is written line by line (a trace, standard error) is complete, what clients have not been
    sent yet is lost.
    """
    log.error("aborted, as a stage asks for")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGABRT, signal.SIG_DFL)
    os.abort()
