"""Execute requests: call the handler, and turn what comes of it into the reply's bytes."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING

from daemon.unfinished import Unfinished
from machine.errors import DeviceNotFoundError, MachineError
from protocol import errors
from protocol.kept import KeptReplies

if TYPE_CHECKING:
    from daemon.context import Context
    from daemon.monitor import Monitor
    from machine.trace import Trace
    from protocol.command import Steps
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

    def __call__(self, session: Session, request: Request) -> bytes | Unfinished:
        """Execute one request; whatever happens, there is a reply, perhaps later."""
        machine = self._context.stage.current
        if machine.faults.on:
            from daemon.mishaps import befall  # noqa: PLC0415 - few machines have any

            return befall(self._context, request, partial(self._traced, session, request))
        if not machine.trace.on:
            return self._answer(session, request)
        return self._traced(session, request)

    def _traced(self, session: Session, request: Request) -> bytes | Unfinished:
        """Execute one request, and tell of it."""
        trace = self._context.stage.current.trace
        if not trace.on:
            return self._answer(session, request)
        trace("qmp", "handle_qmp_command", execute=request.command.name, args=_told(request))
        return _traced(trace, self._answer(session, request))

    def _answer(self, session: Session, request: Request) -> bytes | Unfinished:
        try:
            return self._reply(session, request)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            return _refusal(session, request, error)

    def _reply(self, session: Session, request: Request) -> bytes | Unfinished:
        """Execute a request, unless its last reply is kept and still true."""
        command, context = request.command, self._context
        context.stage.require(command)
        if command.kept is None:
            value = request.execute(context)
            if type(value) is GeneratorType:
                return Unfinished(_complete(session, request, value))
            return session.encode_return(request, value)
        token = command.kept(context)
        line = self._kept.find(command.name, token, request.id)
        if line is None:
            body = command.encode(request.execute(context))
            line = self._kept.keep(command.name, token, body, request.id)
        return session.formatted(line)


def _complete(session: Session, request: Request, work: Steps[object]) -> Steps[bytes]:
    """Do what a request asks for, in steps."""
    try:
        return session.encode_return(request, (yield from work))
    except Exception as error:  # noqa: BLE001 - as above
        return _refusal(session, request, error)


def _refusal(session: Session, request: Request, error: Exception) -> bytes:
    """The reply for what a handler raised: the client's fault, or else ours."""
    if isinstance(error, errors.QmpError):
        return session.encode_error(request, error)
    if isinstance(error, DeviceNotFoundError):
        return session.encode_error(request, errors.DeviceNotFoundError(str(error)))
    if isinstance(error, MachineError):
        return session.encode_error(request, errors.QmpError(str(error)))
    log.error("%s failed", request.command.name, exc_info=error)
    return session.encode_error(request, errors.QmpError(f"Internal error: {error!r}"))


def _traced(trace: Trace, reply: bytes | Unfinished) -> bytes | Unfinished:
    """The same, with the reply in the trace, when there is one."""
    if isinstance(reply, Unfinished):
        return Unfinished(_traced_later(trace, reply))
    trace("qmp", "monitor_qmp_respond", json=reply.decode().strip())
    return reply


def _traced_later(trace: Trace, work: Unfinished) -> Steps[bytes]:
    while isinstance(reply := work.proceed(), Unfinished):
        yield
    trace("qmp", "monitor_qmp_respond", json=reply.decode().strip())
    return reply


def _told(request: Request) -> str:
    """The arguments as a trace shows them."""
    try:
        return json.dumps(request.arguments, default=str)
    except RecursionError:
        return "(nested too deep to show)"
