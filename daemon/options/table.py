"""The command line: QEMU's options as far as they mean something here, and a few of our own.

One table declares them; `-help` and the documentation's test derive from it. QEMU's options have
one dash, or two if you like; ours have two. Texts of errors are QEMU's where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daemon.config import ClockConfig, DaemonConfig, MqttConfig, RecordConfig, backend_sizes
from daemon.options.action import ACTION, choose, read_action
from daemon.options.chardev import CHARDEV, USAGE
from daemon.options.clock import parse_clock
from daemon.options.keyval import KeyvalError
from daemon.options.machine import ACCEL, DEVICE, NAME, NUMA, MachineDraft
from daemon.options.machine_properties import MACHINE_GROUP
from daemon.options.memory import MEMORY
from daemon.options.monitor import MON, MonitorDraft
from daemon.options.parameters import Group
from daemon.options.rtc import RTC, parse_rtc
from daemon.options.scenario import ScenarioDraft
from daemon.options.smp import SMP
from daemon.options.usage import Exit, UsageError
from daemon.tools import tools_help
from machine.cpu_models import CPU_MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from daemon.config import RtcBase

__all__ = ["OPTIONS", "Exit", "Option", "UsageError", "help_text", "parse"]

EXAMPLE = """\
Example: a machine with 2 of 8 CPUs, and its monitor on a socket in this directory:

  armvirtd -M virt -cpu cortex-a72 -smp 2,maxcpus=8 -qmp unix:qmp.sock,server=on,wait=off
"""


@dataclass(slots=True)
class Draft:
    """What has been read so far."""

    machine: MachineDraft = field(default_factory=MachineDraft)
    monitors: MonitorDraft = field(default_factory=MonitorDraft)
    scenario: ScenarioDraft = field(default_factory=ScenarioDraft)
    objects: list[Mapping[str, Any]] = field(default_factory=list)
    preconfig: bool = False
    pidfile: str | None = None
    rtc: RtcBase = "utc"
    clock: ClockConfig = field(default_factory=ClockConfig)
    record: str | None = None
    mqtt: MqttConfig | None = None
    trace: str | None = None
    dump_acpi: str | None = None

    def build(self, models: Collection[str], argv: Sequence[str]) -> DaemonConfig:
        """Decide what it means; `argv` is what was read."""
        machine = self.machine.build(models, backend_sizes(self.objects), preconfig=self.preconfig)
        chardevs, monitors = self.monitors.build()
        return DaemonConfig(
            machine=self.scenario.apply(machine),
            chardevs=chardevs,
            monitors=monitors,
            serial=self.monitors.serial[1] if self.monitors.serial is not None else None,
            rtc=self.rtc,
            clock=self.clock,
            record=RecordConfig(path=self.record, argv=tuple(argv)) if self.record else None,
            objects=tuple(self.objects),
            preconfig=self.preconfig,
            numa=tuple(option for _, option in self.machine.numa) if self.preconfig else (),
            pidfile=self.pidfile,
            mqtt=self.mqtt,
            trace=self.trace,
            dump_acpi=self.dump_acpi,
            dump_dtb=self.machine.dump_dtb,
        )


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        names: its spellings, without dashes.
        argument: the shape of its argument; empty where it takes none.
        help: what it is for.
        read: takes the argument into the draft.
        ours: not one of QEMU's, and so with two dashes only.
        secret: its argument may hold a password, and is not repeated in errors.
        group: the parameters that it takes, if it has any; several options may share them.
    """

    names: tuple[str, ...]
    argument: str
    help: str
    read: Callable[[Draft, str], None]
    ours: bool = False
    secret: bool = False
    group: Group | None = None

    @property
    def spelled(self) -> str:
        """How the help shows it."""
        dashes = "--" if self.ours else "-"
        names = " or ".join(f"{dashes}{name}" for name in self.names)
        return f"{names} {self.argument}".rstrip()


def _help(_draft: Draft, _text: str) -> None:
    raise Exit(help_text())


def _version(_draft: Draft, _text: str) -> None:
    from daemon.version import DISTRIBUTION, own_version  # noqa: PLC0415 - few ask for it

    raise Exit(f"{DISTRIBUTION} version {own_version()}\n")


def _cpu(draft: Draft, text: str) -> None:
    draft.machine.cpu = text


def _pause(draft: Draft, _text: str) -> None:
    draft.machine.paused = True


def _action(draft: Draft, text: str) -> None:
    draft.machine.actions = read_action(draft.machine.actions, text)


def _chosen(occasion: str, action: str) -> Callable[[Draft, str], None]:
    """Choose what is to be done on an occasion."""

    def read(draft: Draft, _text: str) -> None:
        draft.machine.actions = choose(draft.machine.actions, {occasion: action})

    return read


def _preconfig(draft: Draft, _text: str) -> None:
    draft.preconfig = True


def _pidfile(draft: Draft, text: str) -> None:
    draft.pidfile = text


def _mqtt(draft: Draft, text: str) -> None:
    from daemon.options.mqtt import parse_mqtt  # noqa: PLC0415 - it needs much, and few need it

    draft.mqtt = parse_mqtt(text)


def _object(draft: Draft, text: str) -> None:
    from daemon.options.object import parse_object_option  # noqa: PLC0415 - as above

    given = parse_object_option(text)
    if any(given["id"] == other["id"] for other in draft.objects):
        raise UsageError(f"Duplicate ID '{given['id']}' for object")
    draft.objects.append(given)


def _rtc(draft: Draft, text: str) -> None:
    draft.rtc = parse_rtc(text)


def _clock(draft: Draft, text: str) -> None:
    draft.clock = parse_clock(text)


def _record(draft: Draft, text: str) -> None:
    if not text:
        raise UsageError("a file's name can't be empty")
    draft.record = text


def _trace(draft: Draft, text: str) -> None:
    draft.trace = text


def _dump_acpi(draft: Draft, text: str) -> None:
    if not text:
        raise UsageError("a directory's name can't be empty")
    draft.dump_acpi = text


def _nothing(_draft: Draft, _text: str) -> None:
    """What it asks for is so in any case."""


def _nographic(draft: Draft, _text: str) -> None:
    if draft.monitors.default_serial != "none":
        draft.monitors.default_serial = "stdio"


def _nodefaults(draft: Draft, _text: str) -> None:
    draft.monitors.default_serial = "none"


def _absent(what: str, *accepted: str) -> Callable[[Draft, str], None]:
    """Accept an option only where it asks for nothing."""

    def read(_draft: Draft, text: str) -> None:
        if text not in accepted:
            listed = " or ".join(f"'{word}'" for word in accepted)
            raise UsageError(f"only {listed} is modelled: the machine has no {what}")

    return read


OBJECT = Group("object", implied="qom-type")

OPTIONS: tuple[Option, ...] = (
    Option(("h", "help"), "", "show this and exit", _help),
    Option(("version",), "", "show the version and exit", _version),
    Option(
        ("machine", "M"),
        "[type=]virt[,gic-version=3|2|max|host][,acpi=on|off][,memory-backend=ID]"
        "[,highmem-redists=on|off][,dumpdtb=FILE][,PROPERTY=VALUE...]",
        "the machine type, and what is special about it; only GICv3 with ACPI hot-plugs",
        lambda draft, text: draft.machine.read_machine(text),
        group=MACHINE_GROUP,
    ),
    Option(
        ("cpu",),
        "MODEL[,PROPERTY=VALUE...]",
        "the model of every CPU, default cortex-a72, and what is special about it; `-cpu help` "
        "lists the models",
        _cpu,
    ),
    Option(
        ("accel",),
        "kvm|tcg[,thread=single|multi]",
        "what is modelled is always a host with KVM; thread=single turns hot-plug off",
        lambda draft, text: draft.machine.read_accelerator(text),
        group=ACCEL,
    ),
    Option(("enable-kvm",), "", "as -accel kvm", _nothing),
    Option(
        ("smp",),
        SMP.usage,
        "how many CPUs there are at start, how many there can be, and where they sit; "
        "default 2,maxcpus=8",
        lambda draft, text: draft.machine.read_smp(text),
        group=SMP,
    ),
    Option(
        ("m",),
        MEMORY.usage,
        "size of RAM, 64 MiB to 255 GiB, in MiB without a suffix; default 1G",
        lambda draft, text: draft.machine.read_memory(text),
        group=MEMORY,
    ),
    Option(
        ("numa",),
        "node[,nodeid=N][,cpus=A[-B]][,memdev=ID], or cpu,node-id=N[,socket-id=N][,cluster-id=N]"
        "[,core-id=N][,thread-id=N], or dist,src=N,dst=N,val=N; or JSON",
        "a NUMA node, which CPUs are in one, or how far it is from one to another; may be repeated",
        lambda draft, text: draft.machine.read_numa(text),
        group=NUMA,
    ),
    Option(
        ("name",),
        NAME.usage,
        "the guest's name",
        lambda draft, text: draft.machine.read_name(text),
        group=NAME,
    ),
    Option(
        ("uuid",),
        "UUID",
        "the machine's UUID",
        lambda draft, text: draft.machine.read_uuid(text),
    ),
    Option(
        ("rtc",),
        RTC.usage,
        "what the real time clock begins with; it counts the machine's own time from there",
        _rtc,
        group=RTC,
    ),
    Option(
        ("device",),
        "DRIVER[,PROPERTY=VALUE...]|JSON",
        "plug a device, here a CPU, before the machine starts; may be repeated",
        lambda draft, text: draft.machine.read_device(text),
        group=DEVICE,
    ),
    Option(
        ("object",),
        "TYPE,id=ID[,PROPERTY=VALUE...]|JSON",
        "create a memory backend, TLS credentials or an access list; `-object help` lists the "
        "types",
        _object,
        group=OBJECT,
    ),
    Option(("S",), "", "do not start the CPUs: `cont` does", _pause),
    Option(
        ("action",),
        ACTION.usage,
        "what is done when the guest reboots, powers off or panics; there is no watchdog",
        _action,
        group=ACTION,
    ),
    Option(
        ("no-reboot",),
        "",
        "as -action reboot=shutdown",
        _chosen("reboot", "shutdown"),
    ),
    Option(
        ("no-shutdown",),
        "",
        "as -action shutdown=pause",
        _chosen("shutdown", "pause"),
    ),
    Option(
        ("preconfig",),
        "",
        "do not even create the machine: `x-exit-preconfig` does, after `set-numa-node` has said "
        "which CPUs are in which node",
        _preconfig,
    ),
    Option(
        ("chardev",),
        USAGE,
        "a character device: a socket, standard input and output, nothing, a file, or a "
        "pseudo-terminal; may be repeated. A socket with server=off, the default, connects out; "
        "with wait=on, the default of a server, the machine starts once a client has connected",
        lambda draft, text: draft.monitors.read_chardev(text),
        group=CHARDEV,
    ),
    Option(
        ("mon",),
        MON.usage,
        "a monitor on a character device: for programs (control, which is QMP) or for people "
        "(readline, the default)",
        lambda draft, text: draft.monitors.read_mon(text),
        group=MON,
    ),
    Option(
        ("qmp",),
        "unix:PATH|tcp:HOST:PORT[,KEY=VALUE...], or stdio, pty, null, chardev:ID, none",
        "a QMP monitor; may be repeated. KEY=VALUE are those of -chardev socket. Without any "
        "-qmp or -mon it is unix:qmp.sock,server=on,wait=off",
        lambda draft, text: draft.monitors.read_qmp(text),
    ),
    Option(
        ("qmp-pretty",),
        "as -qmp",
        "as -qmp, with replies indented over several lines",
        lambda draft, text: draft.monitors.read_qmp(text, pretty=True),
    ),
    Option(
        ("monitor",),
        "as -qmp",
        "a monitor for people; there is none by default",
        lambda draft, text: draft.monitors.read_monitor(text),
    ),
    Option(
        ("pidfile",),
        "FILE",
        "write the process id there once everything listens, and lock it",
        _pidfile,
    ),
    Option(("display",), "none", "accepted: there is no display", _absent("display", "none")),
    Option(("vga",), "none", "accepted: there is no display", _absent("display", "none")),
    Option(("audio",), "none", "accepted: there is no sound", _absent("sound", "none")),
    Option(
        ("serial",),
        "unix:PATH|tcp:HOST:PORT[,KEY=VALUE...], or file:PATH, stdio, pty, null, chardev:ID, none",
        "what the machine's serial port is on; null by default, and stdio with -nographic",
        lambda draft, text: draft.monitors.read_serial(text),
    ),
    Option(
        ("parallel",),
        "none|null",
        "accepted: there is no parallel port",
        _absent("parallel port", "none", "null"),
    ),
    Option(("net",), "none", "accepted: there is no network", _absent("network", "none")),
    Option(("nic",), "none", "accepted: there is no network", _absent("network", "none")),
    Option(("nographic",), "", "as -serial stdio, without any -serial", _nographic),
    Option(("nodefaults",), "", "as -serial none, without any -serial", _nodefaults),
    Option(("no-user-config",), "", "accepted: there are no configuration files", _nothing),
    Option(
        ("clock",),
        "wall|rate=N|stepped",
        "what moves the machine's time: the wall's (default), N times as fast as that, or a "
        "client, by x-clock-step and x-clock-run-until",
        _clock,
        ours=True,
    ),
    Option(
        ("record",),
        "FILE",
        "write down all that is said to the machine and by it, for `armvirtd replay`",
        _record,
        ours=True,
    ),
    Option(
        ("mqtt",),
        "mqtt://[USER[:PASS]@]HOST[:PORT][/ROOT]",
        "publish events and the state of each vCPU at an MQTT broker, below the topic ROOT",
        _mqtt,
        ours=True,
        secret=True,
    ),
    Option(
        ("trace",),
        "FILE|-",
        "write what each layer does: trace events for Perfetto; to standard error (-) as text",
        _trace,
        ours=True,
    ),
    Option(
        ("scenario",),
        "NAME|FILE",
        "what the guest is like, and what goes otherwise; may be repeated. `armvirtd scenarios` "
        "lists those that are there already",
        lambda draft, text: draft.scenario.read_scenario(text),
        ours=True,
    ),
    Option(
        ("seed",),
        "N",
        "what all chance follows from; default 0",
        lambda draft, text: draft.scenario.read_seed(text),
        ours=True,
    ),
    Option(
        ("guest-speed",),
        "FACTOR|instant",
        "how many times as fast as a real one the guest is; default 1",
        lambda draft, text: draft.scenario.read_speed(text),
        ours=True,
    ),
    Option(
        ("dump-acpi",),
        "DIR",
        "write the ACPI tables that this machine has to DIR, one file each, and exit",
        _dump_acpi,
        ours=True,
    ),
    Option(
        ("dump-dtb",),
        "FILE",
        "write the machine's device tree there, and exit; the same as -machine dumpdtb=FILE",
        lambda draft, text: draft.machine.read_dump_dtb(text),
        ours=True,
    ),
)


def help_text() -> str:
    """What `-help` prints: every option, every tool, and an example."""
    told = "".join(f"{option.spelled}\n        {option.help}\n" for option in OPTIONS)
    return f"usage: armvirtd [options]\n\n{told}\n{tools_help()}\n{EXAMPLE}"


def parse(argv: Sequence[str], models: Collection[str] = CPU_MODELS) -> DaemonConfig:
    """Read the command line, without the program's name.

    Args:
        argv: its words.
        models: the CPU models there are.

    Raises:
        UsageError: it asks for something unknown or not modelled.
        Exit: it asks for a text only.
    """
    for word in argv:
        if not word.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in word):
            raise UsageError(f"{word!a}: invalid UTF-8")
    draft = Draft()
    public: list[str] = []
    words = iter(argv)
    for word in words:
        option = _find(word)
        argument = _argument(word, option, words)
        if not option.secret:
            public += [word, argument] if option.argument else [word]
        try:
            option.read(draft, argument)
        except (KeyvalError, UsageError) as error:
            given = word if option.secret else f"{word} {argument}".rstrip()
            raise UsageError(f"{given}: {error}") from None
    return draft.build(models, public)


def _find(word: str) -> Option:
    if not word.startswith("-"):
        raise UsageError(
            f"{word}: there are no disks here, and so nothing that goes without an option"
        )
    name = word.removeprefix("-").removeprefix("-")
    option = _BY_NAME.get(name)
    if option is None:
        raise UsageError(f"{word}: invalid option")
    if option.ours and not word.startswith("--"):
        raise UsageError(f"{word}: invalid option; it is -{word} here")
    return option


def _argument(word: str, option: Option, words: Iterator[str]) -> str:
    if not option.argument:
        return ""
    argument = next(words, None)
    if argument is None:
        raise UsageError(f"{word}: requires an argument")
    return argument


GROUPS: Mapping[str, Group] = {
    option.group.name: option.group for option in OPTIONS if option.group is not None
}
"""What options take, by the name that `query-command-line-options` gives them."""

_BY_NAME = {name: option for option in OPTIONS for name in option.names}
