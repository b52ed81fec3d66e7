"""QAPI char: what there is to be spoken to by."""

from typing import TYPE_CHECKING

from protocol.command import command
from protocol.qapi.char import ChardevBackendInfo, ChardevInfo

if TYPE_CHECKING:
    from daemon.context import Context


@command("query-chardev", allow_preconfig=True)
def query_chardev(context: "Context") -> list[ChardevInfo]:
    """List the character devices."""
    return [
        ChardevInfo(
            label=chardev.label,
            filename=chardev.filename,
            frontend_open=chardev.frontend_open,
        )
        for chardev in context.chardevs.values()
    ]


@command("query-chardev-backends", static=True)
def query_chardev_backends(_context: "Context") -> list[ChardevBackendInfo]:
    """List the kinds of character devices."""
    from daemon.options.chardev import MAKE  # noqa: PLC0415 - few ask, and it is about options

    return [ChardevBackendInfo(name=name) for name in MAKE]
