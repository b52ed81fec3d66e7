"""What the daemon is started with: complete, checked, frozen. The command line makes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping  # noqa: TC003 - pydantic reads it
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import CoreSchema, core_schema

from machine.config import MachineConfig
from machine.memory_backend import TYPE as MEMORY_BACKEND

QMP_SOCKET = "./qmp.sock"
"""Where the monitor listens if the command line names none."""

MQTT_PORT = 1883
"""Where a broker listens, registered with IANA for MQTT without TLS."""

MQTT_ROOT = "armvirtd"
"""Below which topic everything is published."""


class _Config(BaseModel):
    # Most of them are not asked for at a start, and so are not compiled.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class _Complete:
    """Marks a type that has checked itself: pydantic is not to compile what it consists of."""

    @staticmethod
    def __get_pydantic_core_schema__(source: type, _handler: object) -> CoreSchema:
        return core_schema.is_instance_schema(source)


class UnixAddress(_Config):
    """A unix socket's file."""

    type: Literal["unix"] = "unix"
    path: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"unix:{self.path}"


class TcpAddress(_Config):
    """A TCP port; an empty host is all of them, for a server.

    Attributes:
        host: a name or an address.
        port: 0 for any that is free, for a server.
        family: which of the host's addresses.
    """

    type: Literal["tcp"] = "tcp"
    host: str
    port: int = Field(ge=0, le=65535)
    family: Literal["any", "ipv4", "ipv6"] = "any"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp:{host}:{self.port}"


class FdAddress(_Config):
    """A socket that we were started with: by its number, or by the name that it was given."""

    type: Literal["fd"] = "fd"
    fd: Annotated[int, Field(ge=0)] | str

    def __str__(self) -> str:
        return f"fd:{self.fd}"


Address = Annotated[UnixAddress | TcpAddress | FdAddress, Field(discriminator="type")]


class SocketChardev(_Config):
    """A character device that is a socket.

    Attributes:
        id: its label.
        address: where it listens, or with `server` off, what it connects to.
        server: listen, rather than connect out.
        wait: the machine is not started before a client has connected (servers only).
        reconnect: seconds after which a lost or failed connection is tried again, 0 for never
            (clients only).
        nodelay: small pieces are sent at once (TCP only).
        tls_creds: the object that says how TLS is spoken, None for plain text.
        tls_authz: the object that says who may connect, by the name in their certificate.
    """

    backend: Literal["socket"] = "socket"
    id: str
    address: Address
    server: bool = True
    wait: bool = False
    reconnect: int = Field(default=0, ge=0)
    nodelay: bool = False
    tls_creds: str | None = None
    tls_authz: str | None = None


class StdioChardev(_Config):
    """Standard input and output.

    Attributes:
        id: its label.
        signal: at a terminal, control-C interrupts the program, rather than being input.
    """

    backend: Literal["stdio"] = "stdio"
    id: str
    signal: bool = True


class NullChardev(_Config):
    """Nobody is there, and whatever is said is lost."""

    backend: Literal["null"] = "null"
    id: str


class FileChardev(_Config):
    """A file that is written to.

    Attributes:
        id: its label.
        path: where it is.
        append: what is there stays, rather than being replaced.
    """

    backend: Literal["file"] = "file"
    id: str
    path: str
    append: bool = False


class PtyChardev(_Config):
    """A pseudo-terminal."""

    backend: Literal["pty"] = "pty"
    id: str


Chardev = Annotated[
    SocketChardev | StdioChardev | NullChardev | FileChardev | PtyChardev,
    Field(discriminator="backend"),
]

SERIAL = "serial0"
"""The label of the serial port's device where `-serial` names none."""


class MonitorConfig(_Config):
    """A monitor, the front end of a character device.

    Attributes:
        chardev: the label of its device.
        mode: `control` speaks QMP, `readline` is for people.
        pretty: replies and events are indented over several lines (`control` only).
        id: its own name, if it was given one.
    """

    chardev: str
    mode: Literal["control", "readline"] = "control"
    pretty: bool = False
    id: str | None = None


def compat_label(index: int) -> str:
    """The label of the device of a monitor that names none (`-qmp unix:...`), counted from 0."""
    return f"compat_monitor{index}"


class MqttConfig(_Config):
    """The broker that events and vCPU states are published at, and below which topic."""

    host: str = Field(min_length=1)
    port: int = Field(default=MQTT_PORT, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    root: str = MQTT_ROOT


RtcBase = Literal["utc", "localtime"] | int
"""What the real time clock begins with: the time of the start, or seconds since 1970."""


class ClockConfig(_Config):
    """What moves the machine's time.

    Attributes:
        mode: the wall's time, the wall's at another rate, or a client's commands.
        rate: how many times as fast as the wall (`rate` only).
    """

    mode: Literal["wall", "rate", "stepped"] = "wall"
    rate: float = Field(default=1.0, gt=0)

    @property
    def stepped(self) -> bool:
        """Whether time passes by commands only."""
        return self.mode == "stepped"


class RecordConfig(_Config):
    """A recording that is to be made.

    Attributes:
        path: the file.
        argv: the command line, without secrets.
    """

    path: str
    argv: tuple[str, ...]


def _default_chardevs() -> tuple[Chardev, ...]:
    return (SocketChardev(id=compat_label(0), address=UnixAddress(path=QMP_SOCKET)),)


def _default_monitors() -> tuple[MonitorConfig, ...]:
    return (MonitorConfig(chardev=compat_label(0)),)


def backend_sizes(objects: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The bytes of each memory backend among objects that are to be created, by id."""
    return {each["id"]: each["size"] for each in objects if each["qom-type"] == MEMORY_BACKEND}


class DaemonConfig(_Config):
    """Everything that the command line says.

    Attributes:
        machine: the machine to build.
        chardevs: its character devices.
        monitors: its monitors, each on one of `chardevs`; none for `-qmp none`.
        serial: which of `chardevs` the serial port is on, if it is on any.
        rtc: what the real time clock begins with.
        clock: what moves the machine's time.
        record: where everything that is said is to be written, if it is.
        objects: what `-object` asked for, as it was given: `qom-type`, `id` and properties.
        preconfig: the machine is not created before `x-exit-preconfig`.
        numa: what was said of NUMA nodes, if there is more to come; or else `machine` has them.
        pidfile: where the process id is written once everything listens.
        mqtt: the broker to publish at.
        trace: file to write trace points to, `-` for standard error.
        dump_acpi: folder to write ACPI's tables to, instead of starting anything.
        dump_dtb: file to write the device tree to, in place of a start.
    """

    machine: Annotated[MachineConfig, _Complete] = Field(default_factory=MachineConfig)
    chardevs: tuple[Chardev, ...] = Field(default_factory=_default_chardevs)
    monitors: tuple[MonitorConfig, ...] = Field(default_factory=_default_monitors)
    serial: str | None = None
    rtc: RtcBase = "utc"
    clock: ClockConfig = Field(default_factory=ClockConfig)
    record: RecordConfig | None = None
    objects: tuple[Mapping[str, Any], ...] = ()
    preconfig: bool = False
    numa: tuple[Any, ...] = ()
    pidfile: str | None = None
    mqtt: MqttConfig | None = None
    trace: str | None = None
    dump_acpi: str | None = None
    dump_dtb: str | None = None
