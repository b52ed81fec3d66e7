from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config import (
    DaemonConfig,
    MonitorConfig,
    NullChardev,
    SocketChardev,
    TcpAddress,
    UnixAddress,
)
from daemon.options.table import OPTIONS, Exit, UsageError, help_text, parse
from machine.config import GIB, MachineConfig
from machine.guest.behaviour import Behaviour
from machine.topology import MpidrScheme, Topology


def refusal(*argv: str) -> str:
    with pytest.raises(UsageError) as refused:
        parse(argv)
    return str(refused.value)


MOST = "The max CPUs supported by machine 'virt-9.2' is 512"


def socket(
    address: UnixAddress | TcpAddress, *, server: bool = True, wait: bool = False
) -> SocketChardev:
    return SocketChardev(id="compat_monitor0", address=address, server=server, wait=wait)


def test_without_options_2_of_8_cpus_1_gib_and_a_socket_that_waits_for_nobody() -> None:
    config = parse([])
    machine = MachineConfig(Topology(2, 1, 1, 8, 1), ram_size=GIB, behaviour=Behaviour(speed=1.0))
    assert config == DaemonConfig(machine=machine, chardevs=config.chardevs, serial="serial0")
    serial = NullChardev(id="serial0")
    assert config.chardevs == (socket(UnixAddress(path="./qmp.sock")), serial)
    assert config.monitors == (MonitorConfig(chardev="compat_monitor0"),)


def test_a_typical_command_line_is_read_as_qemu_reads_it() -> None:
    words = (
        "-name guest=arm1,debug-threads=on -S -machine virt-9.2,usb=off,gic-version=3,"
        "dump-guest-core=off -accel kvm -cpu cortex-a57 -m 256 "
        "-smp 2,maxcpus=4,sockets=4,cores=1,threads=1 "
        "-uuid 8f0e8b4c-6a54-4e39-9b59-2a3c3c5a9d11 -display none -no-user-config -nodefaults "
        "-nographic -qmp unix:/tmp/a.sock,server=on,wait=off -pidfile /tmp/a.pid"
    )
    config = parse(words.split())
    assert config.machine == MachineConfig(
        topology=Topology(2, 4, 1, 1, 1),
        cpu_model="cortex-a57",
        ram_size=256 << 20,
        name="arm1",
        uuid=UUID("8f0e8b4c-6a54-4e39-9b59-2a3c3c5a9d11"),
        behaviour=Behaviour(speed=1.0),
        paused=True,
    )
    assert config.pidfile == "/tmp/a.pid"  # noqa: S108 - never written


@pytest.mark.parametrize(
    ("text", "topology"),
    [
        ("4", Topology(4, 1, 1, 4, 1)),
        ("cpus=4", Topology(4, 1, 1, 4, 1)),
        ("2,maxcpus=6", Topology(2, 1, 1, 6, 1)),
        ("maxcpus=6", Topology(6, 1, 1, 6, 1)),
        ("0x10", Topology(16, 1, 1, 16, 1)),
        (
            "2,sockets=2,clusters=2,cores=2,threads=2,maxcpus=16",
            Topology(2, 2, 2, 2, 2, clusters_named=True),
        ),
        ("4,dies=1,books=1,drawers=1,modules=1", Topology(4, 1, 1, 4, 1)),
    ],
)
def test_smp_has_many_forms(text: str, topology: Topology) -> None:
    assert parse(["-smp", text]).machine.topology == topology


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", "Parameter 'smp.cpus' expects integer"),
        ("2.5", "Parameter 'smp.cpus' expects integer"),
        ("4,maxcpus=", "Parameter 'smp.maxcpus' expects integer"),
        ("4,disabled=2", "Parameter 'smp.disabled' is unexpected"),
        ("4,threads", "-smp 4,threads: Expected '=' after parameter 'threads'"),
        ("0", "Invalid CPU topology: CPU topology parameters must be greater than zero"),
        ("-1", f"Invalid SMP CPUs -1. {MOST}"),
        ("-5000000000", f"Invalid SMP CPUs -2147483648. {MOST}"),
        ("4294967297", f"Invalid SMP CPUs 4294967297. {MOST}"),
        ("99999999999999999999", "Parameter 'smp.cpus' expects integer"),
        ("4,dies=x", "Parameter 'smp.dies' expects integer"),
        ("maxcpus=x,foo=1,threads=,clusters=1k", "Parameter 'smp.clusters' expects integer"),
        ("2,foo.bar=1", "Parameter 'smp.foo' is unexpected"),
        ("1,2", "-smp 1,2: Invalid parameter '2'"),
        ("4,dies=-1", "dies > 1 not supported by this machine's CPU topology"),
        ("4,dies=2,books=2", "dies > 1 not supported by this machine's CPU topology"),
        (
            "4,sockets=-1",
            (
                "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets "
                "(4294967295) * clusters (1) * cores (0) * threads (1) != maxcpus (4)"
            ),
        ),
        ("4,dies=2", "dies > 1 not supported by this machine's CPU topology"),
        (
            "513",
            "Invalid SMP CPUs 513. The max CPUs supported by machine 'virt-9.2' is 512",
        ),
        (
            "2,maxcpus=6,sockets=2,cores=2,threads=2",
            (
                "Invalid CPU topology: product of the hierarchy must match maxcpus: "
                "sockets (2) * clusters (1) * cores (2) * threads (2) != maxcpus (6)"
            ),
        ),
    ],
)
def test_smp_is_refused_in_qemus_words(text: str, complaint: str) -> None:
    assert refusal("-smp", text) == complaint


def test_help_among_the_words_lists_what_there_is() -> None:
    with pytest.raises(Exit) as told:
        parse(["-smp", "4,help"])
    levels = ("books", "clusters", "cores", "cpus", "dies", "drawers", "maxcpus", "modules")
    lines = (f"  {level}=<num>\n" for level in (*levels, "sockets", "threads"))
    assert str(told.value) == f"smp-opts options:\n{''.join(lines)}"


@pytest.mark.parametrize("smp", ["200", "1,maxcpus=200", "124"])
def test_without_redistributors_behind_the_ram_there_is_room_for_123(smp: str) -> None:
    count = 124 if smp == "124" else 200
    assert refusal("-M", "virt,highmem-redists=off", "-smp", smp) == (
        f"Number of SMP CPUs requested ({count}) exceeds max CPUs supported by machine "
        "'mach-virt' (123)"
    )
    assert not parse(["-M", "virt,highmem-redists=off", "-smp", "123"]).machine.highmem_redists


@pytest.mark.parametrize(
    ("most", "cpus"), [("4096", 4096), ("1000", 513), ("0x200", 512), ("8", 8)]
)
def test_a_machine_can_be_built_for_more_cpus_or_for_fewer(most: str, cpus: int) -> None:
    machine = parse(["-smp", f"1,maxcpus={cpus}", "-M", f"virt,x-max-cpus={most}"]).machine
    assert (machine.topology.max_cpus, machine.max_cpus) == (cpus, int(most, 0))


@pytest.mark.parametrize(("most", "smp", "cpus"), [(4096, "4097", 4097), (4, "8", 8), (4, None, 8)])
def test_more_cpus_than_it_is_built_for_are_refused_in_qemus_words(
    most: int,
    smp: str | None,
    cpus: int,
) -> None:
    options = ["-M", f"virt,x-max-cpus={most}", *(("-smp", smp) if smp else ())]
    assert refusal(*options) == (
        f"Invalid SMP CPUs {cpus}. The max CPUs supported by machine 'virt-9.2' is {most}"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x-max-cpus=0", "-machine x-max-cpus=0: must be from 1 to 4096"),
        ("x-max-cpus=4097", "-machine x-max-cpus=4097: must be from 1 to 4096"),
        ("x-max-cpus=many", "Parameter 'x-max-cpus' expects integer"),
        ("x-mpidr=random", "Parameter 'x-mpidr' does not accept value 'random'"),
        ("x-mpidr=", "Parameter 'x-mpidr' does not accept value ''"),
    ],
)
def test_our_own_properties_are_checked(text: str, complaint: str) -> None:
    assert refusal("-M", f"virt,{text}") == complaint


def test_the_mpidr_may_follow_the_topology_where_that_fits() -> None:
    assert parse([]).machine.mpidr is MpidrScheme.KVM
    assert parse(["-M", "virt,x-mpidr=kvm"]).machine.mpidr is MpidrScheme.KVM
    assert parse(["-M", "virt,x-mpidr=topology"]).machine.mpidr is MpidrScheme.TOPOLOGY
    assert refusal("-smp", "1,maxcpus=257", "-M", "virt,x-mpidr=topology") == (
        "-machine x-mpidr=topology: 257 cores do not fit into an affinity field of MPIDR_EL1, "
        "which has 256 values"
    )


def test_later_options_add_to_earlier_ones_and_override_them() -> None:
    config = parse(["-smp", "2", "-smp", "maxcpus=4", "-M", "virt,acpi=off", "-M", "smp.cpus=3"])
    assert config.machine.topology == Topology(3, 1, 1, 4, 1)
    assert not config.machine.acpi


@pytest.mark.parametrize(
    ("text", "size"),
    [("1G", GIB), ("1024", GIB), ("size=1G", GIB), ("size=64", 64 << 20), ("1.5g", 3 << 29)],
)
def test_memory_without_a_suffix_is_in_mib(text: str, size: int) -> None:
    assert parse(["-m", text]).machine.ram_size == size


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1X", "Parameter 'memory.size' expects size"),
        ("-5", "Parameter 'memory.size' expects size"),
        ("size=", "missing 'size' option value"),
        ("1G,slots=2", "-m slots is not modelled: memory cannot be hot-plugged here"),
        ("1G,maxmem=4G", "-m maxmem is not modelled: memory cannot be hot-plugged here"),
        ("1G,foo=2", "Parameter 'memory.foo' is unexpected"),
        ("63", "-m 63: the size of RAM must be between 64 MiB and 255 GiB"),
        ("256G", "-m 256G: the size of RAM must be between 64 MiB and 255 GiB"),
    ],
)
def test_memory_is_refused_clearly(text: str, complaint: str) -> None:
    assert refusal("-m", text) == complaint


@pytest.mark.parametrize(("text", "version"), [("2", 2), ("3", 3), ("max", 3), ("host", 3)])
def test_the_gic_is_v3_unless_2_is_asked_for(text: str, version: int) -> None:
    assert parse(["-M", f"virt,gic-version={text}"]).machine.gic_version == version


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("pc", 'unsupported machine type: "pc"'),
        ("virt,foo=1", "Property 'virt-9.2-machine.foo' not found"),
        ("virt,gic-version=9", "Invalid gic-version value: valid values are 3, 2, host, max"),
        (
            "virt,gic-version=4",
            "-machine gic-version=4 is not modelled: the newest is 3",
        ),
        ("virt,acpi=1", "Parameter 'acpi' does not accept value '1'"),
        ("virt,its=on", "-machine its=on is not modelled"),
        ("virt,iommu=smmuv3", "-machine iommu=smmuv3 is not modelled"),
        ("virt,usb=2", "Parameter 'usb' expects 'on' or 'off'"),
        ("virt,accel=xen", "invalid accelerator xen"),
        ("virt,usb", "-M virt,usb: Expected '=' after parameter 'usb'"),
    ],
)
def test_what_the_machine_has_not_is_refused(text: str, complaint: str) -> None:
    assert refusal("-M", text) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("z80", "unable to find CPU model 'z80'"),
        ("z80,pmu=off", "unable to find CPU model 'z80'"),
        ("help,pmu=off", "unable to find CPU model 'help'"),
        (",pmu=off", "unable to find CPU model ''"),
        ("", "-cpu option cannot be empty"),
        ("max,pmu", "Expected key=value format, found pmu."),
        ("max,pmu=off,,x", "Expected key=value format, found x."),
    ],
)
def test_what_is_no_cpu_is_refused_in_qemus_words(text: str, complaint: str) -> None:
    assert refusal("-cpu", text) == complaint


def test_properties_of_a_cpu_are_kept_in_their_order_for_the_machine_to_judge() -> None:
    machine = parse(["-cpu", "cortex-a53,pmu=off,,midr=0x1=2,pmu=on,"]).machine
    assert machine.cpu_model == "cortex-a53"
    assert machine.cpu_properties == (("pmu", "off"), ("midr", "0x1=2"), ("pmu", "on"))


def test_the_models_are_those_that_there_are() -> None:
    assert parse(["-cpu", "z80"], models={"z80"}).machine.cpu_model == "z80"


def test_names_and_uuids() -> None:
    assert parse(["-name", "a,,b"]).machine.name == "a,b"
    assert refusal("-name", "a,foo=1") == "-name a,foo=1: Invalid parameter 'foo'"
    for wrong in ("", "1", "{8f0e8b4c-6a54-4e39-9b59-2a3c3c5a9d11}", "8" * 32):
        assert refusal("-uuid", wrong).endswith("failed to parse UUID string: wrong format")


def test_devices_are_kept_as_mappings_text_and_json_alike() -> None:
    text = "cortex-a72-arm-cpu,id=core3,core-id=3"
    json = '{"driver": "cortex-a72-arm-cpu", "core-id": 4}'
    assert parse(["-device", text, "-device", json]).machine.devices == (
        {"driver": "cortex-a72-arm-cpu", "id": "core3", "core-id": "3"},
        {"driver": "cortex-a72-arm-cpu", "core-id": 4},
    )
    assert refusal("-device", "id=a").endswith("Parameter 'driver' is missing")
    assert "JSON parse error" in refusal("-device", '{"driver": }')


def test_mqtt_is_a_url_whose_parts_may_be_escaped() -> None:
    mqtt = parse(["--mqtt", "mqtt://me:s%40t@[::1]:1884/site/a"]).mqtt
    assert mqtt is not None
    assert (mqtt.host, mqtt.port, mqtt.username, mqtt.root) == ("::1", 1884, "me", "site/a")
    assert mqtt.password is not None
    assert mqtt.password.get_secret_value() == "s@t"
    short = parse(["--mqtt", "mqtt://broker"]).mqtt
    assert short is not None
    assert (short.host, short.port, short.root) == ("broker", 1883, "armvirtd")


@pytest.mark.parametrize(
    "url",
    [
        "mqtts://u:secret@b",
        "mqtt://:1",
        "mqtt://b:x",
        "mqtt://b:0",
        "mqtt://b/a+b",
        "b",
        "mqtt://[",
    ],
)
def test_a_wrong_broker_is_refused_without_repeating_its_password(url: str) -> None:
    complaint = refusal("--mqtt", url)
    assert complaint.startswith("--mqtt: ")
    assert "secret" not in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["-foo"], "-foo: invalid option"),
        (["-m"], "-m: requires an argument"),
        (["-trace", "x"], "-trace: invalid option; it is --trace here"),
        (["---S"], "---S: invalid option"),
        (["-display", "gtk"], "-display gtk: only 'none' is modelled: the machine has no display"),
        (["-accel", "hvf"], "-accel hvf: invalid accelerator hvf"),
        (["-accel", "tcg,thread=two"], "-accel tcg,thread=two: Invalid 'thread' setting two"),
        (["-accel", "kvm,x=1"], "-accel kvm,x=1: Property 'kvm-accel.x' not found"),
    ],
)
def test_what_is_unknown_is_named(argv: list[str], complaint: str) -> None:
    assert refusal(*argv) == complaint


def test_a_word_without_a_dash_is_refused() -> None:
    assert refusal("disk.img").startswith("disk.img: ")


def test_qemus_options_take_two_dashes_as_well() -> None:
    assert parse(["--S", "--smp", "4"]).machine.paused


@pytest.mark.parametrize(
    "argv", [["-h"], ["--help"], ["-version"], ["-cpu", "help"], ["-M", "help"]]
)
def test_a_text_is_all_that_some_options_ask_for(argv: list[str]) -> None:
    with pytest.raises(Exit) as text:
        parse(argv)
    assert str(text.value).endswith("\n")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.names[0])
def test_the_help_has_every_option(option: object) -> None:
    assert getattr(option, "spelled") + "\n" in help_text()  # noqa: B009


@given(st.lists(st.one_of(st.text(), st.sampled_from([f"-{o.names[0]}" for o in OPTIONS]))))
def test_whatever_is_typed_is_read_or_refused_in_words(argv: list[str]) -> None:
    try:
        parse(argv)
    except (UsageError, Exit) as outcome:
        assert str(outcome)  # noqa: PT017 - either outcome is right
