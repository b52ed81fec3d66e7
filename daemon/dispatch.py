"""Execute requests: call the handler, and turn what comes of it into the reply's bytes."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from machine.errors import DeviceNotFoundError, MachineError
from protocol import errors
from protocol.kept import KeptReplies

if TYPE_CHECKING:
    from daemon.context import Context
    from daemon.monitor import Monitor
    from protocol.session import Request, Session

log = logging.getLogger(__name__)


class Dispatcher:
    """Executes requests in one context."""

    def __init__(self, context: Context, kept: KeptReplies | None = None) -> None:
        self._context = context
        self._kept = kept or KeptReplies()

    def on(self, monitor: Monitor) -> Dispatcher:
        """Return one for the requests of a monitor, which its handlers find in their context."""
        return Dispatcher(replace(self._context, monitor=monitor), self._kept)

    def __call__(self, session: Session, request: Request) -> bytes:
        """Execute one request; whatever happens, there is a reply."""
        machine = self._context.stage.current
        if machine.faults.on:
            from daemon.mishaps import befall  # noqa: PLC0415 - few machines have any

            return befall(self._context, request, partial(self._traced, session, request))
        if not machine.trace.on:
            return self._answer(session, request)
        return self._traced(session, request)

    def _traced(self, session: Session, request: Request) -> bytes:
        """Execute one request, and tell of it."""
        trace = self._context.stage.current.trace
        if trace.on:
            trace("qmp", "handle_qmp_command", execute=request.command.name, args=_told(request))
        reply = self._answer(session, request)
        if trace.on:
            trace("qmp", "monitor_qmp_respond", json=reply.decode().strip())
        return reply

    def _answer(self, session: Session, request: Request) -> bytes:
        try:
            return self._reply(session, request)
        except errors.QmpError as error:
            return session.encode_error(request, error)
        except DeviceNotFoundError as error:
            return session.encode_error(request, errors.DeviceNotFoundError(str(error)))
        except MachineError as error:
            return session.encode_error(request, errors.QmpError(str(error)))
        except Exception as error:
            log.exception("%s failed", request.command.name)
            return session.encode_error(request, errors.QmpError(f"Internal error: {error!r}"))

    def _reply(self, session: Session, request: Request) -> bytes:
        """Execute a request, unless its last reply is kept and still true."""
        command, context = request.command, self._context
        context.stage.require(command)
        if command.kept is None:
            return session.encode_return(request, request.execute(context))
        token = command.kept(context)
        line = self._kept.find(command.name, token, request.id)
        if line is None:
            body = command.encode(request.execute(context))
            line = self._kept.keep(command.name, token, body, request.id)
        return session.formatted(line)


def _told(request: Request) -> str:
    """The arguments as a trace shows them."""
    try:
        return json.dumps(request.arguments, default=str)
    except RecursionError:
        return "(nested too deep to show)"
