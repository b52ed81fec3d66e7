"""What serves a client of a monitor: a session of its own, in the monitor's mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daemon.connection import Connection
from daemon.dispatch import Dispatcher
from daemon.version import VERSION
from protocol.greeting import Greeting
from protocol.session import Session

if TYPE_CHECKING:
    from daemon.context import Context
    from daemon.monitor import Monitor
    from daemon.runner import Pump


Carry = Callable[["Monitor", Any, Callable[..., Any], "Pump"], Connection[Any]]
"""Makes the connection of a monitor's client, for a session and what executes its requests."""


def connection(
    monitor: Monitor, session: Any, dispatch: Callable[..., Any], pump: Pump
) -> Connection[Any]:
    """The connection of a client whom nobody looks over the shoulder."""
    return Connection(session, dispatch, pump=pump, inbox=monitor.inbox)


class Sessions:
    """Makes them, for all monitors of a machine.

    Args:
        context: what commands work on.
        pump: moves the machine's time.
        carry: makes their connections.
    """

    def __init__(self, context: Context, pump: Pump, carry: Carry = connection) -> None:
        self._context = context
        self._pump = pump
        self._carry = carry
        self._dispatch = Dispatcher(context)
        self._greeting = Greeting.of(VERSION)

    def open(self, monitor: Monitor) -> Connection[Any]:
        """Make what serves the client that comes now."""
        if monitor.config.mode == "readline":
            return self._terminal(monitor)
        session = Session(
            self._context.commands,
            self._greeting,
            pretty=monitor.config.pretty,
            require=self._context.stage.require,
        )
        dispatch = self._dispatch.on(monitor)
        return self._carry(monitor, session, dispatch, self._pump)

    def _terminal(self, monitor: Monitor) -> Connection[Any]:
        from daemon.hmp.history import History  # noqa: PLC0415 - few are for people
        from daemon.hmp.terminal import Terminal, execute  # noqa: PLC0415 - as above

        monitor.history = monitor.history or History()
        terminal = Terminal(replace(self._context, monitor=monitor), monitor.history)
        return self._carry(monitor, terminal, execute, self._pump)
