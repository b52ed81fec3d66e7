"""A machine, asked over QMP by QEMU's own client library; any that speaks QMP will do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from qemu.qmp import ExecuteError, QMPClient, QMPError

from daemon.chardev.connect import connect
from daemon.chardev.errors import ChardevError
from daemon.top import replies
from daemon.top.model import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.config import TcpAddress, UnixAddress

PATIENCE = 5.0
"""Seconds within which a monitor greets, unless it has another client."""
NOT_THERE = "CommandNotFound"
VCPUS = "x-query-vcpus"


class TopError(Exception):
    """It can't be shown; the text is one line, and says of which machine."""


class Gone(Exception):  # noqa: N818 - which may be as it should be
    """The connection has ended."""


class Client:
    """A connection to one machine's monitor.

    Args:
        address: where it is.
        on_event: is given each event as it comes; must not raise.
    """

    def __init__(
        self, address: UnixAddress | TcpAddress, on_event: Callable[[Mapping[str, Any]], object]
    ) -> None:
        self._address = address
        self._on_event = on_event
        self._has_vcpus = True
        self._qmp = QMPClient("top")
        self._qmp.events.event_filter = self._hear

    def _hear(self, event: Mapping[str, Any]) -> bool:
        """Pass an event on; the library need not keep it."""
        self._on_event(event)
        return False

    async def connect(self) -> None:
        """Connect and negotiate.

        Raises:
            TopError: nobody is there, or it is no monitor, or it has a client already.
        """
        try:
            sock = await connect(self._address)
            async with asyncio.timeout(PATIENCE):
                await self._qmp.connect(sock)
        except ChardevError as error:
            raise TopError(str(error)) from None
        except TimeoutError:
            raise self._error(
                "no greeting: no QMP monitor, or one that has a client (it takes one at a time)"
            ) from None
        except QMPError as error:
            raise self._error(_first_line(error)) from None

    def _error(self, text: str) -> TopError:
        return TopError(f"{self._address}: {text}")

    async def snapshot(self) -> Snapshot:
        """Ask for all that is shown.

        Raises:
            Gone: the connection ended.
            TopError: a reply is not understood.
        """
        status = await self._ask("query-status")
        name = await self._ask("query-name")
        vcpus = await self._vcpus()
        given = {} if vcpus is not None else await self._strangers()
        try:
            greeting = self._qmp.greeting
            return Snapshot(
                name=(name or {}).get("name", ""),
                version=replies.version_of(greeting._asdict()) if greeting else "",
                status=(status or {}).get("status", ""),
                cpus=replies.of_hotpluggable(**given) if given else replies.of_vcpus(vcpus),
                unknown=replies.unknown(given["slots"], given["ospm"]) if given else (),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._error(f"a reply is not understood: {error!r}") from None

    async def _vcpus(self) -> Any:
        """What our own machines tell; None from others, which are not asked again."""
        return await self._ask(VCPUS) if self._has_vcpus else None

    async def _strangers(self) -> dict[str, Any]:
        """What every machine tells."""
        return {
            "slots": await self._ask("query-hotpluggable-cpus"),
            "fast": await self._ask("query-cpus-fast") or [],
            "ospm": await self._ask("query-acpi-ospm-status"),
        }

    async def _ask(self, command: str) -> Any:
        """The answer; None where it is refused."""
        try:
            return await self._qmp.execute(command)
        except ExecuteError as error:
            if command == VCPUS and error.error_class == NOT_THERE:
                self._has_vcpus = False
            return None
        except QMPError:
            raise Gone from None

    async def gone(self) -> None:
        """Wait until the connection has ended."""
        while self._qmp.runstate.name == "RUNNING":
            await self._qmp.runstate_changed()

    async def close(self) -> str:
        """Leave; what was wrong with the connection, if anything was."""
        try:
            await self._qmp.disconnect()
        except EOFError:
            return ""
        except (OSError, QMPError, ValueError) as error:  # ValueError: bytes that are no text
            return _first_line(error)
        return ""


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
