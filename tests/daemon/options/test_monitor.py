from __future__ import annotations

import pytest

from daemon.config import (
    Chardev,
    FdAddress,
    FileChardev,
    MonitorConfig,
    NullChardev,
    SocketChardev,
    StdioChardev,
    TcpAddress,
    UnixAddress,
)
from daemon.options.table import Exit, UsageError, parse


def refusal(*argv: str) -> str:
    with pytest.raises(UsageError) as refused:
        parse(argv)
    return str(refused.value).removeprefix(f"{argv[-2]} {argv[-1]}".rstrip() + ": ")


def unix(path: str, *, server: bool = True, wait: bool = False) -> SocketChardev:
    return SocketChardev(id="c", address=UnixAddress(path=path), server=server, wait=wait)


def tcp(
    host: str, port: int, *, server: bool = True, wait: bool = False, nodelay: bool = False
) -> SocketChardev:
    address = TcpAddress(host=host, port=port)
    return SocketChardev(id="c", address=address, server=server, wait=wait, nodelay=nodelay)


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("unix:/a,,b,server=on,wait=off", unix("/a,b")),
        ("unix:a,server,nowait", unix("a")),
        ("unix:a,server=on", unix("a", wait=True)),
        ("unix:a", unix("a", server=False)),
        (
            "tcp:localhost:4444,server=on,wait=off,nodelay=on",
            tcp("localhost", 4444, nodelay=True),
        ),
        ("tcp::0,server,nowait", tcp("", 0)),
        ("tcp:[::1]:4444,server=on,wait=off", tcp("::1", 4444)),
        ("tcp:localhost:domain,server=on,wait=off", tcp("localhost", 53)),
        ("stdio", StdioChardev(id="c")),
        ("null", NullChardev(id="c")),
        ("file:/a,b:c", FileChardev(id="c", path="/a,b:c")),
    ],
)
def test_the_older_notation_makes_a_device_and_a_monitor(text: str, device: Chardev) -> None:
    config = parse(["-qmp", text])
    label = "compat_monitor0"
    assert config.chardevs[0] == device.model_copy(update={"id": label})
    assert config.monitors == (MonitorConfig(chardev=label, id=label),)


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("socket,id=c,path=/a,server=on,wait=off", unix("/a")),
        ("socket,id=c,path=/a,server=on", unix("/a", wait=True)),
        ("socket,id=c,path=/a,telnet=off,mux=off,abstract=off", unix("/a", server=False)),
        ("socket,id=c,fd=3", SocketChardev(id="c", address=FdAddress(fd=3), server=False)),
        (
            "socket,id=c,path=/a,reconnect=5",
            SocketChardev(id="c", address=UnixAddress(path="/a"), server=False, reconnect=5),
        ),
        (
            "socket,id=c,host=h,port=1,server=on,wait=off,tls-creds=t,tls-authz=z",
            tcp("h", 1).model_copy(update={"tls_creds": "t", "tls_authz": "z"}),
        ),
        ("stdio,id=c,signal=off", StdioChardev(id="c", signal=False)),
        ("file,id=c,path=/a", FileChardev(id="c", path="/a")),
        ("file,id=c,path=/a,append=on", FileChardev(id="c", path="/a", append=True)),
        ("backend=null,id=c", NullChardev(id="c")),
    ],
)
def test_a_device_by_its_parameters(text: str, device: Chardev) -> None:
    assert parse(["-chardev", text]).chardevs[0] == device


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("", "any"),
        (",ipv4=on", "ipv4"),
        (",ipv6=on", "ipv6"),
        (",ipv4=off", "ipv6"),
        (",ipv6=off", "ipv4"),
        (",ipv4=on,ipv6=on", "any"),
        (",ipv4=off,ipv6=on", "ipv6"),
    ],
)
def test_families_of_addresses_are_chosen_as_in_qemu(text: str, family: str) -> None:
    device = parse(["-chardev", f"socket,id=c,host=h,port=1{text}"]).chardevs[0]
    assert isinstance(device, SocketChardev)
    assert isinstance(device.address, TcpAddress)
    assert device.address.family == family


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "chardev: no id specified"),
        ("socket,path=x", "chardev: no id specified"),
        ("id=a", 'chardev: "a" missing backend'),
        ("nosuch,id=a", "'nosuch' is not a valid char driver name"),
        ("udp,id=a", "'udp' is not modelled"),
        ("socket,id=1a,path=x", "Parameter 'id' expects an identifier"),
        ("file,id=a", "chardev: file: no filename given"),
        ("file,id=a,path=x,input-path=y", "'input-path' is not modelled"),
        ("null,id=a,foo=1", "Invalid parameter 'foo'"),
        ("null,id=a,mux=x", "Parameter 'mux' expects 'on' or 'off'"),
        ("null,id=a,mux=on", "'mux' is not modelled"),
        ("null,id=a,logfile=x", "'logfile' is not modelled"),
        ("socket,id=a,path=x,server=x", "Parameter 'server' expects 'on' or 'off'"),
        ("socket,id=a,path=x,reconnect=x", "Parameter 'reconnect' expects a number"),
        ("socket,id=a,path=x,reconnect=-1", "Parameter 'reconnect' expects a number"),
        (
            "socket,id=a,path=x,wait=off",
            "'wait' option is incompatible with socket in client connect mode",
        ),
        (
            "socket,id=a,path=x,server=on,reconnect=1",
            "'reconnect' option is incompatible with socket in server listen mode",
        ),
        (
            "socket,id=a,path=x,host=y,port=1",
            "None or one of 'path', 'fd' or 'host' option required.",
        ),
        ("socket,id=a", "None or one of 'path', 'fd' or 'host' option required."),
        ("socket,id=a,host=y", "chardev: socket: no port given"),
        (
            "socket,id=a,host=y,port=nosuch",
            "address resolution failed for y:nosuch: Servname not supported for ai_socktype",
        ),
        (
            "socket,id=a,host=y,port=65536",
            "address resolution failed for y:65536: Servname not supported for ai_socktype",
        ),
        (
            "socket,id=a,host=y,port=1,ipv4=off,ipv6=off",
            "Cannot disable IPv4 and IPv6 at same time",
        ),
        ("socket,id=a,fd=x", "Unable to parse FD number x"),
        ("socket,id=a,fd=9x", "Unable to parse FD number 9x"),
        ("socket,id=a,fd=", "Unable to parse FD number"),
        ("socket,id=a,path=", "the path is empty"),
        (
            "socket,id=a,path=x,server=on,tls-creds=t",
            "'tls_creds' option is incompatible with 'unix' address type",
        ),
        (
            "socket,id=a,host=y,port=1,tls-authz=z",
            "'tls_authz' option requires 'tls_creds' option",
        ),
    ],
)
def test_devices_are_refused_in_qemus_words(text: str, complaint: str) -> None:
    assert refusal("-chardev", text) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not a valid char driver"),
        ("x", "'x' is not a valid char driver"),
        ("null,id=a", "'null,id=a' is not a valid char driver"),
        ("socket,path=a", "'socket,path=a' is not a valid char driver"),
        ("vc", "'vc' is not modelled"),
        ("mon:stdio", "'mon' is not modelled"),
        ("telnet:localhost:1", "'telnet' is not modelled"),
        ("unix:", "a path is missing behind unix:"),
        ("tcp:localhost", "parse error: tcp:localhost"),
        ("tcp:[::1:5", "parse error: tcp:[::1:5"),
        ("unix:a,foo=on", "Invalid parameter 'foo'"),
        ("unix:a,server=2", "Parameter 'server' expects 'on' or 'off'"),
        ("chardev:x", 'chardev "x" not found'),
    ],
)
def test_the_older_notation_is_refused_in_qemus_words(text: str, complaint: str) -> None:
    assert refusal("-qmp", text) == complaint
    assert refusal("-monitor", text) == complaint


def test_a_monitor_of_qemus_python_harness() -> None:
    argv = "-display none -vga none -chardev socket,id=mon,fd=5 -mon chardev=mon,mode=control"
    config = parse(argv.split())
    assert config.chardevs[0] == SocketChardev(id="mon", address=FdAddress(fd=5), server=False)
    assert config.monitors == (MonitorConfig(chardev="mon"),)


def test_a_monitor_is_for_people_unless_told_otherwise() -> None:
    argv = ["-chardev", "null,id=a", "-chardev", "null,id=b", "-mon", "a,id=m"]
    config = parse([*argv, "-mon", "b,mode=control,pretty=on"])
    assert config.monitors == (
        MonitorConfig(chardev="a", mode="readline", id="m"),
        MonitorConfig(chardev="b", pretty=True),
    )


def test_a_monitor_for_people_does_not_replace_the_default() -> None:
    config = parse(["-monitor", "stdio"])
    assert [(m.chardev, m.mode) for m in config.monitors] == [
        ("compat_monitor0", "readline"),
        ("compat_monitor1", "control"),
    ]
    assert parse(["-monitor", "none"]).monitors == parse([]).monitors


def test_monitors_add_up_and_none_is_none() -> None:
    config = parse(["-qmp", "unix:a", "-qmp-pretty", "unix:b", "-qmp", "none"])
    assert [(m.chardev, m.pretty) for m in config.monitors] == [
        ("compat_monitor0", False),
        ("compat_monitor1", True),
    ]
    assert parse(["-qmp", "none"]).monitors == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "Parameter 'chardev' is missing"),
        ("mode=control", "Parameter 'chardev' is missing"),
        ("nosuch", 'chardev "nosuch" not found'),
        ("a,mode=x", "Parameter 'mode' does not accept value 'x'"),
        ("a,mode=control,pretty=x", "Parameter 'pretty' expects 'on' or 'off'"),
        ("a,pretty=on", "'pretty' is not compatible with HMP monitors"),
        ("a,foo=on", "Invalid parameter 'foo'"),
        ("a,id=1", "Parameter 'id' expects an identifier"),
    ],
)
def test_monitors_are_refused_in_qemus_words(text: str, complaint: str) -> None:
    assert refusal("-chardev", "null,id=a", "-mon", text) == complaint


def test_nothing_is_used_twice() -> None:
    null = ["-chardev", "null,id=a"]
    assert refusal(*null, *null) == "Duplicate ID 'a' for chardev"
    assert refusal(*null, "-mon", "a", "-mon", "a") == "Device 'a' is in use"
    assert refusal(*null, "-mon", "a,id=m", "-mon", "b,id=m") == "Duplicate ID 'm' for mon"
    again = ["-qmp", "chardev:a"]
    assert refusal(*null, *again, *again) == "Duplicate ID 'a' for mon"
    stdio = "cannot use stdio by multiple character devices"
    assert refusal("-qmp", "stdio", "-monitor", "stdio") == stdio
    label = "Duplicate ID 'compat_monitor0' for chardev"
    assert refusal("-chardev", "null,id=compat_monitor0", "-qmp", "null") == label


def test_help_lists_the_kinds_of_devices() -> None:
    with pytest.raises(Exit) as text:
        parse(["-chardev", "help"])
    assert str(text.value).split()[-5:] == ["socket", "stdio", "null", "file", "pty"]


@pytest.mark.parametrize(
    "argv",
    ["-vga none", "-parallel none", "-net none", "-nic none"],
)
def test_what_is_not_there_may_be_turned_off(argv: str) -> None:
    assert parse(argv.split()) == parse([])


@pytest.mark.parametrize("argv", ["-vga std", "-parallel stdio", "-net user", "-audio alsa"])
def test_what_is_not_there_is_refused(argv: str) -> None:
    option, what = argv.split()
    assert "the machine has no" in refusal(option, what)
