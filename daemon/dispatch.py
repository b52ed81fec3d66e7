"""Execute requests: call the handler, and turn what comes of it into the reply's bytes."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from machine.errors import DeviceNotFoundError, MachineError
from protocol import errors

if TYPE_CHECKING:
    from daemon.context import Context
    from protocol.session import Request, Session

log = logging.getLogger(__name__)


class Dispatcher:
    """Executes requests in one context."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __call__(self, session: Session, request: Request) -> bytes:
        """Execute one request; whatever happens, there is a reply."""
        trace = self._context.machine.trace
        if not trace.on:
            return self._answer(session, request)
        trace("qmp", "handle_qmp_command", execute=request.command.name, args=_told(request))
        reply = self._answer(session, request)
        trace("qmp", "monitor_qmp_respond", json=reply.decode().strip())
        return reply

    def _answer(self, session: Session, request: Request) -> bytes:
        if request.command.static:
            kept = session.kept_return(request)
            if kept is not None:
                return kept
        try:
            return session.encode_return(request, request.execute(self._context))
        except errors.QmpError as error:
            return session.encode_error(request, error)
        except DeviceNotFoundError as error:
            return session.encode_error(request, errors.DeviceNotFoundError(str(error)))
        except MachineError as error:
            return session.encode_error(request, errors.QmpError(str(error)))
        except Exception as error:
            log.exception("%s failed", request.command.name)
            return session.encode_error(request, errors.QmpError(f"Internal error: {error!r}"))


def _told(request: Request) -> str:
    """The arguments as a trace shows them."""
    try:
        return json.dumps(request.arguments, default=str)
    except RecursionError:
        return "(nested too deep to show)"
