"""What the daemon is started with: complete, checked, frozen. The command line makes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, SecretStr

from machine.config import MachineConfig

QMP_SOCKET = "./qmp.sock"
"""Where the monitor listens if the command line names none."""

MQTT_PORT = 1883
"""Where a broker listens, registered with IANA for MQTT without TLS."""

MQTT_ROOT = "armvirtd"
"""Below which topic everything is published."""


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class UnixAddress(_Config):
    """A unix socket's file."""

    type: Literal["unix"] = "unix"
    path: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"unix:{self.path}"


class TcpAddress(_Config):
    """A TCP port; an empty host is all of them, for a server."""

    type: Literal["tcp"] = "tcp"
    host: str
    port: int = Field(ge=0, le=65535)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


Address = Annotated[UnixAddress | TcpAddress, Field(discriminator="type")]


class MonitorConfig(_Config):
    """One QMP monitor.

    Attributes:
        address: where it listens, or with `server` off, what it connects to.
        server: listen, rather than connect out.
        wait: the machine is not started before a client has connected (servers only).
        pretty: replies and events are indented over several lines.
    """

    address: Address
    server: bool = True
    wait: bool = False
    pretty: bool = False


class MqttConfig(_Config):
    """The broker that events and vCPU states are published at, and below which topic."""

    host: str = Field(min_length=1)
    port: int = Field(default=MQTT_PORT, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    root: str = MQTT_ROOT


class DaemonConfig(_Config):
    """Everything that the command line says.

    Attributes:
        machine: the machine to build.
        monitors: its QMP monitors; none for `-qmp none`.
        pidfile: where the process id is written once everything listens.
        mqtt: the broker to publish at.
        trace: file to write trace points to, `-` for standard error.
    """

    machine: InstanceOf[MachineConfig] = Field(default_factory=MachineConfig)
    monitors: tuple[MonitorConfig, ...] = (MonitorConfig(address=UnixAddress(path=QMP_SOCKET)),)
    pidfile: str | None = None
    mqtt: MqttConfig | None = None
    trace: str | None = None
