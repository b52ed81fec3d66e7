"""Arguments of the tools, as argparse reads them."""

from __future__ import annotations

import argparse
import math

INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it: 128, and SIGINT's number."""


def seconds(text: str) -> float:
    """A time to wait.

    Raises:
        argparse.ArgumentTypeError: it is none, or there is no end to it.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return number
