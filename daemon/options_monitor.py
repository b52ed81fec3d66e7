"""What -qmp and --mqtt say: where a monitor listens, and which broker is published at.

`-qmp` has QEMU's oldest notation for a character device, `unix:PATH,...` and `tcp:HOST:PORT,...`,
with its defaults: without `server` it connects out, and a server waits unless told otherwise.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from daemon.config import MQTT_PORT, MQTT_ROOT, MqttConfig, SocketChardev, TcpAddress, UnixAddress
from daemon.keyval import parse_opts
from daemon.options_machine import switch
from daemon.usage import UsageError

SOCKET_KEYS = frozenset({"server", "wait", "nodelay"})
"""`nodelay` is how TCP sockets are here in any case."""

_HOST_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:,]*)):(?P<port>[^,:]*)")


def parse_compat(text: str, label: str) -> SocketChardev | None:
    """Read `-qmp`'s argument, a device of this label; None for `none`.

    Raises:
        UsageError: no such address, or one that is not modelled.
    """
    if text == "none":
        return None
    kind, _, rest = text.partition(":")
    where, _, settings = _cut(rest)
    if kind == "unix":
        address: UnixAddress | TcpAddress = _unix(where)
    elif kind == "tcp":
        address = _tcp(where)
    else:
        raise UsageError("neither unix:PATH, tcp:HOST:PORT nor none")
    return _chardev(label, address, parse_opts(settings))


def _cut(rest: str) -> tuple[str, str, str]:
    """Cut at the first comma that is not written twice."""
    found = re.match(r"((?:[^,]|,,)*)(,?)(.*)", rest, re.DOTALL)
    assert found is not None  # noqa: S101 - the pattern matches everything
    return found[1].replace(",,", ","), found[2], found[3]


def _unix(where: str) -> UnixAddress:
    if not where:
        raise UsageError("a path is missing behind unix:")
    return UnixAddress(path=where)


def _tcp(where: str) -> TcpAddress:
    found = _HOST_PORT.fullmatch(where)
    if not found:
        raise UsageError(f"'{where}' is not HOST:PORT")
    port = found["port"]
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise UsageError(f"'{port}' is not a port number")
    return TcpAddress(host=found["v6"] or found["host"] or "", port=int(port))


def _chardev(
    label: str,
    address: UnixAddress | TcpAddress,
    settings: dict[str, str],
) -> SocketChardev:
    for key in settings:
        if key not in SOCKET_KEYS:
            raise UsageError(f"Invalid parameter '{key}'")
    given = {key: switch(key, text) for key, text in settings.items()}
    server = given.get("server", False)
    if not server and "wait" in given:
        raise UsageError("'wait' option is incompatible with socket in client connect mode")
    wait = server and given.get("wait", True)
    return SocketChardev(id=label, address=address, server=server, wait=wait)


def parse_mqtt(text: str) -> MqttConfig:
    """Read `mqtt://[USER[:PASS]@]HOST[:PORT][/ROOT]`; what is special in a URL is %-escaped.

    Raises:
        UsageError: not such a URL.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:  # its text may hold a part of the password
        raise UsageError("the broker's host or port is wrong") from None
    return _mqtt(url, port=MQTT_PORT if port is None else port)


def _mqtt(url: SplitResult, *, port: int | None) -> MqttConfig:
    if url.scheme != "mqtt":
        raise UsageError("not mqtt://[USER[:PASS]@]HOST[:PORT][/ROOT] (TLS is not modelled)")
    if not url.hostname:
        raise UsageError("the broker's host is missing")
    if not port:
        raise UsageError("0 is not a broker's port")
    root = unquote(url.path).strip("/")
    if url.query or url.fragment or any(sign in root for sign in "+#\0"):
        raise UsageError("the topic behind HOST:PORT/ may not contain any of + # ?")
    return MqttConfig(
        host=url.hostname,
        port=port,
        username=None if url.username is None else unquote(url.username),
        password=None if url.password is None else SecretStr(unquote(url.password)),
        root=root or MQTT_ROOT,
    )
