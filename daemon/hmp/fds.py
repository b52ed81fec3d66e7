"""File descriptors that come with a command, on a socket that can carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.hmp.command import hmp

if TYPE_CHECKING:
    from daemon.hmp.monitor import HumanMonitor


@hmp(
    "getfd",
    args="fdname:s",
    params="getfd name",
    help="receive a file descriptor via SCM rights and assign it a name",
    preconfig=True,
)
def getfd(monitor: HumanMonitor, fdname: str) -> None:
    """Keep a file descriptor under a name, in this monitor."""
    monitor.qmp("getfd", fdname=fdname)


@hmp(
    "closefd",
    args="fdname:s",
    params="closefd name",
    help="close a file descriptor previously passed via SCM rights",
    preconfig=True,
)
def closefd(monitor: HumanMonitor, fdname: str) -> None:
    """Close a file descriptor that `getfd` has named."""
    monitor.qmp("closefd", fdname=fdname)
