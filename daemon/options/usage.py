"""The two ways in which reading a command line ends without a configuration."""

from __future__ import annotations


class UsageError(Exception):
    """What is asked for is unknown or not modelled; the text is one line, without a prefix."""


class Exit(Exception):  # noqa: N818 - nothing went wrong
    """There is only a text to print: `-help`, `-version`, `-cpu help`."""
