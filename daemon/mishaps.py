"""What stages make of a command: its reply comes late, or its connection is dropped.

Only QMP is meddled with, and only commands that QEMU has, too: who directs by `x-` commands is no
part of the play. Out-of-band commands may overtake a reply that is late, others wait behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from daemon.faults import is_ours
from daemon.late import Late
from machine.faults.table import ACCEPT, COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.context import Context
    from daemon.unfinished import Unfinished
    from protocol.session import Request


@dataclass(frozen=True, slots=True)
class Mishap:
    """What happens to a command.

    Attributes:
        executed: whether it is executed; if so, at once.
        at_once: whether it is answered at once.
        drops: whether the connection is dropped after the delay; if not, it is answered then.
    """

    executed: bool = True
    at_once: bool = False
    drops: bool = True


MISHAPS: Mapping[str, Mishap] = {
    ACCEPT: Mishap(drops=False),
    "drop-unexecuted": Mishap(executed=False),
    "drop-before-reply": Mishap(),
    "drop-after-reply": Mishap(at_once=True),
}
"""By the outcome of the event."""


def befall(
    context: Context, request: Request, execute: Callable[[], bytes | Unfinished]
) -> bytes | Unfinished:
    """Answer a request as the stages have it.

    Args:
        context: whose monitor has the connection.
        request: what is asked.
        execute: does it, and returns the reply.

    Returns:
        What is to be sent now.
    """
    client, machine, name = context.monitor.connection, context.machine, request.command.name
    if client is None or is_ours(name):
        return execute()
    outcome, delay = machine.faults.decide(COMMAND, command=name)
    mishap = MISHAPS[outcome]
    reply = cast("bytes", execute()) if mishap.executed else b""  # only ours take their time
    now = reply if mishap.at_once else b""
    late = Late(b"" if mishap.drops else reply, drops=mishap.drops, blocks=not request.oob)
    if delay and machine.running:
        client.wait(late)
        machine.clock.call_after(delay, partial(client.release, late))
        return now
    if late.drops:
        client.finish()
    return now + late.reply
