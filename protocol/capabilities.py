"""``qmp_capabilities``, the command that ends negotiation.

It is declared like any other so that ``query-commands`` and the schema list it; the session itself
executes it, as the context, and no daemon ever sees it.
"""

from typing import Protocol

from protocol.command import command
from protocol.qapi.control import QMPCapability


class Negotiation(Protocol):
    """The part of a session that the command acts on."""

    def complete(self, enabled: frozenset[QMPCapability]) -> None:
        """Enter command mode with these capabilities."""


@command("qmp_capabilities", allow_preconfig=True)
def qmp_capabilities(session: Negotiation, enable: list[QMPCapability] | None = None) -> None:
    """Enable capabilities and leave negotiation mode."""
    session.complete(frozenset(enable or ()))
