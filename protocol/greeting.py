"""The greeting, which every session opens with (QMP specification, "Server Greeting")."""

from pydantic import Field

from protocol.encode import encode_with
from protocol.model import WireModel
from protocol.qapi.control import QMPCapability, VersionInfo


class GreetingInfo(WireModel):
    """The version that the server speaks for, and what a client may enable."""

    version: VersionInfo
    capabilities: list[QMPCapability]


class Greeting(WireModel):
    """The first line of a conversation."""

    info: GreetingInfo = Field(alias="QMP")

    @classmethod
    def of(
        cls,
        version: VersionInfo,
        capabilities: tuple[QMPCapability, ...] = (QMPCapability.OOB,),
    ) -> "Greeting":
        """Build the greeting of a server of this version."""
        return cls(info=GreetingInfo(version=version, capabilities=list(capabilities)))

    @property
    def capabilities(self) -> list[QMPCapability]:
        """What may be enabled."""
        return self.info.capabilities

    def encode(self) -> bytes:
        """Return the greeting as a line."""
        return encode_with(self.__pydantic_serializer__.to_json, self) + b"\r\n"
