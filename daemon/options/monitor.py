"""What -mon, -qmp, -monitor and -serial say: what the character devices are for.

As in QEMU, `-qmp unix:...` is short for a character device with a label that nobody chose, and a
monitor on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from daemon.config import (
    QMP_SOCKET,
    SERIAL,
    MonitorConfig,
    SocketChardev,
    UnixAddress,
    compat_label,
)
from daemon.options.chardev import parse_chardev, parse_compat
from daemon.options.parameters import Group, Parameter
from daemon.options.usage import UsageError

if TYPE_CHECKING:
    from daemon.config import Chardev

Mode = Literal["control", "readline"]

MON = Group(
    "mon",
    (
        Parameter("chardev", shape="ID"),
        Parameter("mode", shape="readline|control", default="readline"),
        Parameter("pretty", "boolean", default="off"),
    ),
    implied="chardev",
)


@dataclass(slots=True)
class MonitorDraft:
    """What has been read of character devices and monitors so far.

    Attributes:
        chardevs: the devices, in their order.
        monitors: the monitors, each with the option that asked for it.
        qmp: whether something was said about QMP, so that there is no default.
        compat: how many monitors have been given in the older notation.
        serial: what the serial port is on, with the option that asked for it.
        serials: how many serial ports have been given; without one there is a default.
        default_serial: what that is on, in the older notation.
    """

    chardevs: list[Chardev] = field(default_factory=list)
    monitors: list[tuple[str, MonitorConfig]] = field(default_factory=list)
    qmp: bool = False
    compat: int = 0
    serial: tuple[str, str] | None = None
    serials: int = 0
    default_serial: str = "null"

    def read_chardev(self, text: str) -> None:
        """-chardev BACKEND,id=ID[,KEY=VALUE...]."""
        self._add_chardev(parse_chardev(text))

    def read_mon(self, text: str) -> None:
        """-mon [chardev=]ID[,mode=readline|control][,pretty=on|off]."""
        given = MON.read(text)
        chardev = given.text("chardev")
        if chardev is None:
            raise UsageError("Parameter 'chardev' is missing")
        mode = _mode(given.text("mode") or "readline")
        if mode == "readline" and "pretty" in given.values:
            raise UsageError("'pretty' is not compatible with HMP monitors")
        self.qmp = True
        pretty = given.switch("pretty")
        config = MonitorConfig(chardev=chardev, mode=mode, pretty=pretty, id=given.id)
        self._add_monitor(f"-mon {text}", config)

    def read_qmp(self, text: str, *, pretty: bool = False) -> None:
        """-qmp and -qmp-pretty; the first one replaces the default."""
        self.qmp = True
        self._read_compat("-qmp-pretty" if pretty else "-qmp", text, "control", pretty=pretty)

    def read_monitor(self, text: str) -> None:
        """-monitor: one for people."""
        self._read_compat("-monitor", text, "readline", pretty=False)

    def read_serial(self, text: str) -> None:
        """-serial: what the serial port is on; `none` for nothing."""
        first, self.serials = not self.serials, self.serials + 1
        if text == "none":
            return
        if not first:
            raise UsageError("a second serial port is not modelled: the machine has one UART")
        label = text.removeprefix("chardev:")
        if label == text:
            label = SERIAL
            self._add_chardev(parse_compat(text, label))
        self.serial = (text, label)

    def build(self) -> tuple[tuple[Chardev, ...], tuple[MonitorConfig, ...]]:
        """Devices and monitors, the default ones where none were mentioned.

        Raises:
            UsageError: a monitor's device is not there, or is another's.
        """
        if not self.qmp:
            label = compat_label(self.compat)
            self._add_chardev(SocketChardev(id=label, address=UnixAddress(path=QMP_SOCKET)))
            self._add_monitor("", MonitorConfig(chardev=label))
        if not self.serials:
            self.read_serial(self.default_serial)
        labels, used = {chardev.id for chardev in self.chardevs}, set()
        for option, monitor in self.monitors:
            if monitor.chardev not in labels:
                raise UsageError(f'{option}: chardev "{monitor.chardev}" not found')
            if monitor.chardev in used:
                raise UsageError(f"{option}: Device '{monitor.chardev}' is in use")
            used.add(monitor.chardev)
        self._check_serial(labels, used)
        return tuple(self.chardevs), tuple(monitor for _, monitor in self.monitors)

    def _check_serial(self, labels: set[str], used: set[str]) -> None:
        if self.serial is None:
            return
        text, label = self.serial
        if label not in labels:
            raise UsageError(
                f"-serial {text}: could not connect serial device to character backend '{text}'"
            )
        if label in used:
            raise UsageError(f"-serial {text}: Device '{label}' is in use")

    def _read_compat(self, option: str, text: str, mode: Mode, *, pretty: bool) -> None:
        if text == "none":
            return
        label = text.removeprefix("chardev:")
        if label == text:
            label = compat_label(self.compat)
            self._add_chardev(parse_compat(text, label))
        self.compat += 1
        config = MonitorConfig(chardev=label, mode=mode, pretty=pretty, id=label)
        self._add_monitor(f"{option} {text}", config)

    def _add_chardev(self, chardev: Chardev) -> None:
        if any(chardev.id == other.id for other in self.chardevs):
            raise UsageError(f"Duplicate ID '{chardev.id}' for chardev")
        if chardev.backend == "stdio" and any(d.backend == "stdio" for d in self.chardevs):
            raise UsageError("cannot use stdio by multiple character devices")
        self.chardevs.append(chardev)

    def _add_monitor(self, option: str, monitor: MonitorConfig) -> None:
        if monitor.id is not None and any(monitor.id == other.id for _, other in self.monitors):
            raise UsageError(f"Duplicate ID '{monitor.id}' for mon")
        self.monitors.append((option, monitor))


def _mode(text: str) -> Mode:
    if text == "control":
        return "control"
    if text != "readline":
        raise UsageError(f"Parameter 'mode' does not accept value '{text}'")
    return "readline"
