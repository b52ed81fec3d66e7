"""What -chardev says, and the older notation of -qmp, -monitor and the like for the same.

`unix:PATH,...` and `tcp:HOST:PORT,...` are `-chardev socket,path=PATH,...` and
`-chardev socket,host=HOST,port=PORT,...`: both become the same parameters, read by one function.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Literal

from daemon.config import (
    FdAddress,
    FileChardev,
    NullChardev,
    PtyChardev,
    SocketChardev,
    StdioChardev,
    TcpAddress,
    UnixAddress,
)
from daemon.options.parameters import Given, Group, Parameter
from daemon.options.usage import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from daemon.config import Address, Chardev

CHARDEV = Group(
    "chardev",
    (
        Parameter("backend", shape="socket|stdio|null|file|pty"),
        Parameter("path"),
        Parameter("host"),
        Parameter("port"),
        Parameter("fd"),
        Parameter("server", "boolean", default="off"),
        Parameter("wait", "boolean"),
        Parameter("reconnect", "number", default="0"),
        Parameter("nodelay", "boolean"),
        Parameter("delay", "boolean"),
        Parameter("ipv4", "boolean"),
        Parameter("ipv6", "boolean"),
        Parameter("to", "number"),
        Parameter("tls-creds"),
        Parameter("tls-authz"),
        Parameter("signal", "boolean", default="on"),
        Parameter("append", "boolean", default="off"),
        Parameter("input-path"),
        Parameter("mux", "boolean", default="off"),
        Parameter("telnet", "boolean", default="off"),
        Parameter("tn3270", "boolean", default="off"),
        Parameter("websocket", "boolean", default="off"),
        Parameter("abstract", "boolean", default="off"),
        Parameter("tight", "boolean", default="on"),
        Parameter("logfile"),
        Parameter("logappend", "boolean"),
    ),
    implied="backend",
)

SETTINGS = CHARDEV._replace(implied=None)
"""The same behind an address, where a first word is a switch."""

USAGE = (
    "socket,id=ID,path=PATH|host=HOST,port=PORT|fd=N[,server=on|off][,wait=on|off][,reconnect=N]"
    "[,nodelay=on|off][,ipv4=on|off][,ipv6=on|off][,tls-creds=ID][,tls-authz=ID], "
    "or stdio,id=ID[,signal=on|off], or null,id=ID, or file,id=ID,path=PATH[,append=on|off], "
    "or pty,id=ID"
)

UNMODELLED = ("mux", "telnet", "tn3270", "websocket", "abstract", "to", "logfile", "input-path")
"""Parameters that are known, and refused unless they are off."""

OTHER_BACKENDS = frozenset(
    [
        "console",
        "dbus",
        "memory",
        "msmouse",
        "mux",
        "parallel",
        "pipe",
        "qemu-vdagent",
        "ringbuf",
        "serial",
        "spiceport",
        "spicevmc",
        "testdev",
        "udp",
        "vc",
        "wctablet",
    ]
)
"""QEMU's backends of which there is nothing here."""

OTHER_NOTATIONS = frozenset(
    [
        "chardev",
        "con",
        "mon",
        "pipe",
        "telnet",
        "tn3270",
        "websocket",
        "udp",
        "vc",
        "msmouse",
        "testdev",
    ]
)
"""What QEMU's older notation may begin with besides, of which there is nothing here."""

_SETTINGS = re.compile(r"((?:[^,]|,,)*),?(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:,]*)):(?P<port>[^,:]*)")


def parse_chardev(text: str) -> Chardev:
    """Read -chardev's argument.

    Raises:
        UsageError: what it asks for can't be, or is not modelled.
        Exit: it asks what there is.
    """
    if text in {"help", "?"}:
        raise Exit("Available chardev backend types: \n" + "".join(f"  {name}\n" for name in MAKE))
    given = CHARDEV.read(text)
    if given.id is None:
        raise UsageError("chardev: no id specified")
    backend = given.text("backend")
    if backend is None:
        raise UsageError(f'chardev: "{given.id}" missing backend')
    if backend not in MAKE:
        reason = (
            "is not modelled" if backend in OTHER_BACKENDS else "is not a valid char driver name"
        )
        raise UsageError(f"'{backend}' {reason}")
    return _made(backend, given.id, given)


def parse_compat(text: str, label: str) -> Chardev:
    """Read the older notation; the device gets this label.

    Raises:
        UsageError: what it asks for can't be, or is not modelled.
    """
    if text in {"stdio", "null", "pty"}:
        return _made(text, label, Given())
    if text.startswith("/dev/"):
        raise UsageError("'serial' is not modelled")
    kind, colon, rest = text.partition(":")
    if colon and kind == "file":
        return _made(kind, label, Given({"path": rest}))
    if colon and kind in {"unix", "tcp"}:
        found = _SETTINGS.fullmatch(rest)
        assert found is not None  # noqa: S101 - the pattern matches everything
        where = _unix(found[1]) if kind == "unix" else _tcp(found[1])
        given = SETTINGS.read(found[2])
        return _made("socket", label, Given({**given.values, **where}))
    if kind in OTHER_NOTATIONS:
        raise UsageError(f"'{kind}' is not modelled")
    raise UsageError(f"'{text}' is not a valid char driver")


def _unix(path: str) -> dict[str, str]:
    if not path:
        raise UsageError("a path is missing behind unix:")
    return {"path": path.replace(",,", ",")}


def _tcp(where: str) -> dict[str, str]:
    found = _HOST_PORT.fullmatch(where)
    if not found:
        raise UsageError(f"parse error: tcp:{where}")
    return {"host": found["v6"] or found["host"] or "", "port": found["port"]}


def _made(backend: str, label: str, given: Given) -> Chardev:
    for key in UNMODELLED:
        if given.values.get(key):
            raise UsageError(f"'{key}' is not modelled")
    return MAKE[backend](label, given)


def _socket(label: str, given: Given) -> Chardev:
    address = _address(given)
    server = given.switch("server")
    if "reconnect" in given.values and isinstance(address, FdAddress):
        raise UsageError("'reconnect' option is incompatible with 'fd' address type")
    if server and "reconnect" in given.values:
        raise UsageError("'reconnect' option is incompatible with socket in server listen mode")
    if not server and "wait" in given.values:
        raise UsageError("'wait' option is incompatible with socket in client connect mode")
    creds, authz = given.text("tls-creds"), given.text("tls-authz")
    if creds is not None and isinstance(address, UnixAddress):
        raise UsageError("'tls_creds' option is incompatible with 'unix' address type")
    if authz is not None and creds is None:
        raise UsageError("'tls_authz' option requires 'tls_creds' option")
    return SocketChardev(
        id=label,
        address=address,
        server=server,
        wait=server and given.switch("wait", default=True),
        reconnect=given.number("reconnect"),
        nodelay=given.switch("nodelay"),
        tls_creds=creds,
        tls_authz=authz,
    )


def _stdio(label: str, given: Given) -> Chardev:
    return StdioChardev(id=label, signal=given.switch("signal", default=True))


def _null(label: str, _given: Given) -> Chardev:
    return NullChardev(id=label)


def _file(label: str, given: Given) -> Chardev:
    path = given.text("path")
    if path is None:
        raise UsageError("chardev: file: no filename given")
    return FileChardev(id=label, path=path, append=given.switch("append"))


def _pty(label: str, _given: Given) -> Chardev:
    return PtyChardev(id=label)


MAKE: Mapping[str, Callable[[str, Given], Chardev]] = {
    "socket": _socket,
    "stdio": _stdio,
    "null": _null,
    "file": _file,
    "pty": _pty,
}
"""What makes each kind of device from what is given for it."""


def _address(given: Given) -> Address:
    """Where a socket is, of which there are three ways to say."""
    ways = [key for key in ("path", "fd", "host") if key in given.values]
    if len(ways) != 1:
        raise UsageError("None or one of 'path', 'fd' or 'host' option required.")
    where = given.text(ways[0]) or ""
    if ways == ["host"]:
        return _tcp_address(where, given)
    if ways == ["fd"]:
        return _fd_address(where)
    if not where:
        raise UsageError("the path is empty")
    return UnixAddress(path=where)


def _fd_address(text: str) -> FdAddress:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"Unable to parse FD number {text}".rstrip())
    return FdAddress(fd=int(text))


def _tcp_address(host: str, given: Given) -> TcpAddress:
    text = given.text("port")
    if text is None:
        raise UsageError("chardev: socket: no port given")
    ipv4, ipv6 = given.values.get("ipv4"), given.values.get("ipv6")
    if ipv4 is False and ipv6 is False:
        raise UsageError("Cannot disable IPv4 and IPv6 at same time")
    family: Literal["any", "ipv4", "ipv6"] = "any"
    if ipv4 is not ipv6:
        family = "ipv6" if ipv6 or ipv4 is False else "ipv4"
    return TcpAddress(host=host, port=_port(host, text), family=family)


def _port(host: str, text: str) -> int:
    """A port by number, or by the service's name."""
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        raise UsageError(
            f"address resolution failed for {host}:{text}: Servname not supported for ai_socktype"
        ) from None
