"""QAPI ``misc``: the machine's name, its clock, and file descriptors that clients hand over."""

from protocol.event import SECOND, Event
from protocol.model import Int64, WireModel


class NameInfo(WireModel):
    """The name given with ``-name``, if any was."""

    name: str | None = None


class AddfdInfo(WireModel):
    """Where a file descriptor went: into which set, and its number in the server."""

    fdset_id: Int64
    fd: Int64


class FdsetFdInfo(WireModel):
    """A member of a set, with what its owner wants to be reminded of."""

    fd: Int64
    opaque: str | None = None


class FdsetInfo(WireModel):
    """A set of file descriptors."""

    fdset_id: Int64
    fds: list[FdsetFdInfo]


class RtcChange(Event, name="RTC_CHANGE", rate=SECOND, key="qom_path"):
    """The guest has set its real time clock: by how many seconds it differs from ``-rtc``."""

    offset: Int64
    qom_path: str
