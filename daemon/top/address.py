"""Where a monitor is, as one types it: a path, `unix:PATH` or `tcp:HOST:PORT`."""

from __future__ import annotations

import re

from daemon.config import TcpAddress, UnixAddress

_TCP = re.compile(r"tcp:(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:]*)):(?P<port>\d{1,5})")
_LOCAL = "localhost"
HIGHEST_PORT = 65535


def parse(text: str) -> UnixAddress | TcpAddress:
    """Read one.

    Raises:
        ValueError: it is none; says what is expected.
    """
    if text.startswith("tcp:"):
        return _tcp(text)
    path = text.removeprefix("unix:")
    if not path:
        raise ValueError("a path is missing")
    return UnixAddress(path=path)


def _tcp(text: str) -> TcpAddress:
    found = _TCP.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= HIGHEST_PORT:
        raise ValueError(f"'{text}' is not tcp:HOST:PORT")
    return TcpAddress(host=found["v6"] or found["host"] or _LOCAL, port=int(found["port"]))
