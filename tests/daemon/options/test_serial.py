"""-serial, and what stands for it."""

from __future__ import annotations

import pytest

from daemon.config import (
    Chardev,
    FileChardev,
    NullChardev,
    PtyChardev,
    SocketChardev,
    StdioChardev,
    UnixAddress,
)
from daemon.options.table import UsageError, parse


def refusal(*argv: str) -> str:
    with pytest.raises(UsageError) as refused:
        parse(argv)
    return str(refused.value)


@pytest.mark.parametrize(
    ("argv", "device"),
    [
        ("", NullChardev(id="serial0")),
        ("-serial null", NullChardev(id="serial0")),
        ("-serial stdio", StdioChardev(id="serial0")),
        ("-serial pty", PtyChardev(id="serial0")),
        ("-nographic", StdioChardev(id="serial0")),
        ("-nographic -serial null", NullChardev(id="serial0")),
        ("-nodefaults -serial stdio", StdioChardev(id="serial0")),
        ("-serial file:/a,b", FileChardev(id="serial0", path="/a,b")),
        ("-serial null -serial none", NullChardev(id="serial0")),
        (
            "-serial unix:/a,server=on,wait=off",
            SocketChardev(id="serial0", address=UnixAddress(path="/a")),
        ),
        ("-serial chardev:c -chardev null,id=c", NullChardev(id="c")),
    ],
)
def test_the_serial_port_is_on_a_device(argv: str, device: Chardev) -> None:
    config = parse(argv.split())
    assert config.serial == device.id
    assert device in config.chardevs


@pytest.mark.parametrize(
    "argv", ["-serial none", "-nodefaults", "-nodefaults -nographic", "-nographic -nodefaults"]
)
def test_the_serial_port_is_on_nothing(argv: str) -> None:
    config = parse(argv.split())
    assert config.serial is None
    assert len(config.chardevs) == 1


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (
            "-serial chardev:c",
            "-serial chardev:c: could not connect serial device to character backend 'chardev:c'",
        ),
        (
            "-chardev null,id=c -mon c -serial chardev:c",
            "-serial chardev:c: Device 'c' is in use",
        ),
        ("-serial x", "-serial x: 'x' is not a valid char driver"),
        ("-serial mon:stdio", "-serial mon:stdio: 'mon' is not modelled"),
        ("-serial vc", "-serial vc: 'vc' is not modelled"),
        ("-serial /dev/ttyS0", "-serial /dev/ttyS0: 'serial' is not modelled"),
        (
            "-serial none -serial null",
            "-serial null: a second serial port is not modelled: the machine has one UART",
        ),
        ("-chardev null,id=serial0", "Duplicate ID 'serial0' for chardev"),
        ("-qmp stdio -nographic", "cannot use stdio by multiple character devices"),
        (
            "-qmp stdio -serial stdio",
            "-serial stdio: cannot use stdio by multiple character devices",
        ),
    ],
)
def test_what_cannot_be_is_refused(argv: str, complaint: str) -> None:
    assert refusal(*argv.split()) == complaint
