"""QAPI misc: file descriptors that clients hand over, by name or in sets."""

import os
from typing import TYPE_CHECKING

from protocol.command import command
from protocol.model import Int64
from protocol.qapi.misc import AddfdInfo, FdsetFdInfo, FdsetInfo

if TYPE_CHECKING:
    from daemon.context import Context


@command("getfd")
def getfd(context: "Context", fdname: str) -> None:
    """Keep the file descriptor that came with the command under a name, in this monitor."""
    monitor = context.monitor
    monitor.fds.add(fdname, monitor.inbox.take())


@command("closefd")
def closefd(context: "Context", fdname: str) -> None:
    """Close a file descriptor that `getfd` has named."""
    os.close(context.monitor.fds.take(fdname))


@command("add-fd")
def add_fd(
    context: "Context",
    fdset_id: Int64 | None = None,
    opaque: str | None = None,
) -> AddfdInfo:
    """Put the file descriptor that came with the command into a set, by default a new one."""
    fd = context.monitor.inbox.take()
    return AddfdInfo(fdset_id=context.fdsets.add(fd, fdset_id, opaque), fd=fd)


@command("remove-fd")
def remove_fd(context: "Context", fdset_id: Int64, fd: Int64 | None = None) -> None:
    """Close one file descriptor of a set, or all of them."""
    context.fdsets.remove(fdset_id, fd)


@command("query-fdsets")
def query_fdsets(context: "Context") -> list[FdsetInfo]:
    """List the sets of file descriptors."""
    return [
        FdsetInfo(
            fdset_id=number,
            fds=[FdsetFdInfo(fd=member.fd, opaque=member.opaque) for member in members],
        )
        for number, members in context.fdsets.items()
    ]
