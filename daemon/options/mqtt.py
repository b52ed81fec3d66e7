"""What --mqtt says: which broker events and states are published at."""

from __future__ import annotations

from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from daemon.config import MQTT_PORT, MQTT_ROOT, MqttConfig
from daemon.options.usage import UsageError


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
