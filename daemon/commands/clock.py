"""Our own: what the machine's time does, and steps of it."""

from typing import TYPE_CHECKING, Any

from daemon.stepping import PATIENCE, Awaited, Goal, Stepping
from protocol.command import Steps, command
from protocol.errors import QmpError
from protocol.model import Int64
from protocol.qapi.clock import ClockInfo, ClockMode, ClockStop

if TYPE_CHECKING:
    from daemon.context import Context


@command("x-query-clock", allow_oob=True, allow_preconfig=True)
def x_query_clock(context: "Context") -> ClockInfo:
    """Tell where the machine's time stands, and what moves it."""
    clock, config = context.current.clock, context.clock
    return ClockInfo(
        mode=ClockMode(config.mode),
        rate=config.rate if config.mode == "rate" else None,
        running=context.current.running,
        stepping=context.stepping is not None and context.stepping.active,
        now_ns=clock.now,
        next_ns=clock.next_deadline,
    )


@command("x-clock-step")
def x_clock_step(context: "Context", time_ns: Int64) -> Steps[ClockStop]:
    """Let so much of the machine's time pass; what happens meanwhile is told before the reply."""
    stepping = _stepping(context)
    _check_time("time-ns", time_ns)
    return stepping.step(Goal(time_ns))


@command("x-clock-run-until")
def x_clock_run_until(
    context: "Context",
    *,
    event: str | None = None,
    match: Any = None,
    idle: bool = False,
    timeout_ns: Int64 = PATIENCE,
) -> Steps[ClockStop]:
    """Let the machine's time pass until an event, or until nothing is due any more."""
    stepping = _stepping(context)
    awaited = _awaited(context, event, match)
    _check_time("timeout-ns", timeout_ns)
    if awaited is None and not idle:
        raise QmpError("One of 'event' and 'idle' is needed: what is to be waited for?")
    return stepping.step(Goal(timeout_ns, awaited, idle))


def _stepping(context: "Context") -> Stepping:
    if context.stepping is None:
        raise QmpError("The clock is not stepped: that needs --clock stepped")
    return context.stepping


def _awaited(context: "Context", event: str | None, match: Any) -> Awaited | None:
    if match is not None and not isinstance(match, dict):
        raise QmpError("Invalid parameter type for 'match', expected: object")
    if event is None:
        if match is not None:
            raise QmpError("Parameter 'match' needs 'event'")
        return None
    if event not in context.events:
        raise QmpError(f"Parameter 'event' does not accept value '{event}'")
    return Awaited(event, match or {})


def _check_time(key: str, ns: int) -> None:
    if ns < 0:
        raise QmpError(f"Parameter '{key}' expects a number that is not negative")
