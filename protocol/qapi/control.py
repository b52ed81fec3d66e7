"""QAPI ``control``: negotiation, versions and the list of commands."""

from protocol.model import Int64, QapiEnum, WireModel


class QMPCapability(QapiEnum):
    """What a client may enable when it negotiates."""

    OOB = "oob"


class VersionTriple(WireModel):
    """A version number in three parts."""

    major: Int64
    minor: Int64
    micro: Int64

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}"


class VersionInfo(WireModel):
    """The version that the server speaks for, and its packager's words."""

    qemu: VersionTriple
    package: str


class CommandInfo(WireModel):
    """One command of ``query-commands``."""

    name: str
