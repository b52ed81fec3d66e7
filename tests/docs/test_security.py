"""docs/security.md: its command line is read, and says what the page says."""

from __future__ import annotations

import shlex

from daemon.config import SocketChardev
from daemon.objects.make import read_options
from daemon.objects.store import Objects
from daemon.options.table import parse
from tests.docs.pages import blocks, read

PAGE = read("docs/security.md")


def test_the_daemons_command_line_lets_in_alice_alone() -> None:
    (line,) = (block.text for block in blocks(PAGE, "sh") if block.text.startswith("armvirtd"))
    config = parse(shlex.split(line.replace("\\\n", " "))[1:])
    device = config.chardevs[0]
    assert isinstance(device, SocketChardev)
    assert (device.tls_creds, device.tls_authz) == ("tls", "ops")
    credentials, list_ = map(read_options, config.objects)
    assert credentials.id_ == "tls"
    objects = Objects()
    objects.create(list_)
    assert objects.allows("ops", "CN=alice")
    assert not objects.allows("ops", "CN=bob")
