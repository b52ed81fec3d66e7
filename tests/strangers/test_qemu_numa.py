"""QEMU itself: what it says of NUMA, memory backends and `--preconfig`, is said here.

Debian's QEMU 7.2 can't hot-plug CPUs on ARM, and so has no list of possible ones; the rest is the
same.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from daemon.app import App
from daemon.commands import COMMANDS
from daemon.hmp.table import COMMANDS as HMP_COMMANDS
from daemon.options.table import UsageError, parse
from machine.errors import MachineError
from protocol.errors import QmpError
from tests.box import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.hmp.command import CommandTable

QEMU = "qemu-system-aarch64"
MACHINE = (
    "-M virt,gic-version=3 -cpu cortex-a72 -m 1G -S "
    "-smp 2,maxcpus=6,sockets=2,clusters=1,cores=3,threads=1"
)
MEMORY = (
    " -object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M"
    " -object memory-backend-ram,id=big,size=1G"
)
TWO = " -numa node,memdev=m0 -numa node,memdev=m1"
THREE = f"{TWO} -numa node"
ONE_WAY = f"{THREE} -numa dist,src=0,dst=1,val=20 -numa dist,src=1,dst=0,val=21"
UNUSED = "-object memory-backend-ram,id=x,size=1M"

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]


class Refused(Exception):  # noqa: N818 - what it is
    """One of the two does not start."""


def theirs(options: str, requests: Sequence[dict[str, Any]] = ()) -> list[Any]:
    """What QEMU answers to requests.

    Raises:
        Refused: it does not start, and says why.
    """
    messages = [{"execute": "qmp_capabilities"}, *requests, {"execute": "quit"}]
    words = [QEMU, *options.split(), "-display", "none", "-nodefaults", "-qmp", "stdio"]
    done = subprocess.run(
        words,
        input="".join(map(json.dumps, messages)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise Refused(done.stderr.splitlines()[0].removeprefix(f"{QEMU}: "))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "event" not in line][2:-1]


def ours(options: str, requests: Sequence[dict[str, Any]] = ()) -> list[Any]:
    """What is answered here; see `theirs`."""
    try:
        box = Box(parse(options.split()), boot=False)
    except (UsageError, MachineError, QmpError) as error:
        raise Refused(str(error)) from None
    answers = [
        line
        for request in requests
        for line in box.send(json.dumps(request).encode())
        if "event" not in line
    ]
    box.close()
    return answers


def request(name: str, /, **arguments: Any) -> dict[str, Any]:
    wire = {key.replace("_", "-"): value for key, value in arguments.items()}
    return {"execute": name, "arguments": wire}


def hmp(line: str) -> dict[str, Any]:
    return request("human-monitor-command", command_line=line)


NAMED = {"Parameter 'null' expects uint16_t": "Parameter 'cpus.0' expects uint16_t"}
"""QEMU does not name an element of a list."""

REFUSED = [
    "-numa node",
    "-numa node,mem=512M -numa node,mem=512M",
    "-numa node,memdev=zz",
    "-numa node,memdev=m0 -numa node,memdev=m0",
    "-numa node,memdev=m0,cpus=0-1 -numa node,memdev=m1,cpus=1",
    "-numa node,memdev=big,cpus=9",
    "-numa node,memdev=big,nodeid=200",
    "-numa node,memdev=big,nodeid=1",
    "-numa node,memdev=big,nodeid=1 -numa node,nodeid=1",
    "-numa node,memdev=m0",
    "-numa foo",
    "-numa nodeid=1",
    *(
        f"{TWO} -numa {option}"
        for option in (
            "cpu",
            "cpu,socket-id=0",
            "cpu,node-id=5,socket-id=0",
            "cpu,node-id=0,socket-id=7",
            "cpu,node-id=0,die-id=0",
            "cpu,node-id=x",
            "cpu,node-id=0,foo=1",
            "cpu,node-id=0,core-id=-1",
            "cpu,node-id=200",
            "cpu,node-id=1,socket-id=0 -numa cpu,node-id=0,core-id=0",
            "dist,src=0,dst=1,val=5",
            "dist,src=0,dst=0,val=11",
            "dist,src=0,dst=0,val=10",
            "dist,src=0,dst=1,val=256",
            "dist,src=0,dst=9,val=20",
            "dist,src=200,dst=0,val=20",
            "dist,src=0,dst=200,val=20",
            "dist,src=-1,dst=0,val=20",
            "dist,src=0,dst=1",
            "dist,src=0,dst=1,val=x",
            "dist,src=0,dst=1,val=20,foo=1",
            "dist,dst=1,val=20",
            "hmat-lb",
            "hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,latency=5",
            "hmat-cache,node-id=0,size=10K,level=1,associativity=none,policy=none,line=8",
            "node,initiator=0",
            "node,cpus=",
            "node,cpus=0-",
            "node,cpus=x",
            "node,cpus=3-1",
            "node,cpus=-1",
            "node,cpus=70000",
            "node,cpus=0-99999",
            "node,nodeid=x",
            "node,nodeid=-1",
            "node,nodeid=70000",
            "node,nodeid=127",
            "node,mem=0,memdev=m0",
            "node,mem=0",
            "node,mem=x",
            "node,foo=1",
            "node,memdev=",
            "node,memdev=mach-virt.ram",
        )
    ),
    f"{THREE} -numa dist,src=0,dst=1,val=20",
    f"{ONE_WAY} -numa dist,src=0,dst=2,val=20 -numa dist,src=1,dst=2,val=20",
    "-M memory-backend=m0",
    "-M memory-backend=m9",
    "-M memory-backend=",
    "-M memory-backend=big -numa node,memdev=big",
    *(
        f"-object memory-backend-ram,id={option}"
        for option in (
            "mach-virt.ram,size=64M",
            "m0,size=1M",
            "x",
            "x,size=0",
            "x,size=x",
            "x,size=-1",
            "x,size=1M,share=x",
            "x,size=1M,policy=x",
            "x,size=1M,policy=bind",
            "x,size=1M,host-nodes=0",
            "x,size=1M,host-nodes=x,policy=bind",
            "x,size=1M,host-nodes=0-999,policy=bind",
            "x,size=1M,prealloc-threads=x",
            "x,size=1M,prealloc-threads=0",
            "x,size=1M,prealloc=on,reserve=off",
            "x,size=1M,foo=1",
            "x,size=1P",
        )
    ),
    "-smp 4,sockets=-1",
    "-smp -5",
    "-smp 4,maxcpus=600",
    "-smp 4,cpus=x",
    "-smp 4,maxcpus=3",
    "-smp 99999999999999999999",
]


@pytest.mark.parametrize("options", REFUSED)
def test_what_qemu_refuses_is_refused_in_its_words(options: str) -> None:
    machine = MACHINE if not options.startswith("-smp") else "-M virt,gic-version=3"
    with pytest.raises(Refused) as there:
        theirs(f"{machine}{MEMORY} {options}")
    with pytest.raises(Refused) as here:
        ours(f"{machine}{MEMORY} {options}")
    expected = str(there.value).replace("virt-7.2", "virt-9.2")
    for words, named in NAMED.items():
        expected = expected.replace(words, named)
    assert str(here.value) == expected


def comparable(answer: Any) -> Any:
    """An answer without what may differ: threads, and the order of backends."""
    told = answer.get("return", answer)
    if isinstance(told, str) and told.startswith("memory backend"):
        assert told.endswith("\r\n\r\n")
        return sorted(part.rstrip() for part in told.split("memory backend: "))
    if isinstance(told, list):
        told = [{k: v for k, v in entry.items() if k != "thread-id"} for entry in told]
        return sorted(told, key=lambda entry: json.dumps(entry, sort_keys=True))
    return told


ACCEPTED = [
    "",
    TWO,
    "-numa node,memdev=big",
    f"{TWO} -numa node,cpus=0,cpus=2-3",
    f"{TWO} -numa cpu,node-id=1,socket-id=0 -numa cpu,node-id=0,socket-id=1",
    f"{TWO} -numa dist,src=0,dst=1,val=255",
    f"{TWO} -numa dist,src=0,dst=1,val=20 -numa dist,src=1,dst=0,val=30",
    "-numa node,memdev=/objects/m0 -numa node,memdev=m1",
    "-numa node,nodeid=1,memdev=m1 -numa node,nodeid=0,memdev=m0",
    "-M memory-backend=big",
    "-M memory-backend=/objects/big",
    "-M memory-backend=mach-virt.ram -object memory-backend-ram,id=mach-virt.ram,size=1G",
    f"{UNUSED},policy=interleave,host-nodes=2-4,host-nodes=0,share=on,prealloc-threads=2",
    f"{UNUSED},merge=off,dump=off,prealloc=on,reserve=on",
]
QUESTIONS = [
    hmp("info numa"),
    hmp("info memdev"),
    hmp("info memory_size_summary"),
    request("query-memdev"),
    request("query-cpus-fast"),
    request("query-memory-size-summary"),
    request("qom-get", path="/machine", property="memory-backend"),
    request("qom-get", path="/machine/unattached/device[1]", property="node-id"),
    request("object-del", id="m0"),
    request("object-del", id="big"),
    request("object-add", qom_type="memory-backend-ram", id="x", size="4096"),
    request("object-add", qom_type="memory-backend-ram", id="x", size=-1, policy="foo"),
    request("object-add", qom_type="memory-backend-ram", id="m1", size=4096),
    request("qom-set", path="/objects/m1", property="size", value=5),
    request("qom-set", path="/objects/m1", property="share", value=True),
    request("qom-set", path="/objects/m1", property="merge", value=False),
    request("qom-get", path="/objects/m1", property="merge"),
    request("qom-get", path="/objects/m1", property="host-nodes"),
    request("qom-list", path="/objects/m1"),
    request("set-numa-node", type="node"),
    request("x-exit-preconfig"),
]


@pytest.mark.parametrize("options", ACCEPTED)
def test_what_qemu_answers_about_memory_is_answered_here(options: str) -> None:
    there = theirs(f"{MACHINE}{MEMORY} {options}", QUESTIONS)
    here = ours(f"{MACHINE}{MEMORY} {options}", QUESTIONS)
    for question, expected, answer in zip(QUESTIONS, there, here, strict=True):
        assert comparable(answer) == comparable(expected), question


def node(**members: Any) -> dict[str, Any]:
    return request("set-numa-node", type="node", **members)


CONVERSATION = [
    request("query-status"),
    request("object-add", qom_type="memory-backend-ram", id="a", size=1 << 29),
    request("object-add", qom_type="memory-backend-ram", id="b", size=1 << 29),
    node(memdev="a"),
    node(memdev="b"),
    request("set-numa-node", type="cpu", node_id=1, socket_id=0),
    request("set-numa-node", type="cpu", node_id=0, core_id=0),
    request("set-numa-node", type="cpu", node_id=0, socket_id=1),
    request("set-numa-node", type="dist", src=0, dst=1, val=20),
    request("set-numa-node", type="dist", src=0, dst=1, val=5),
    request("set-numa-node", type="dist", src=0, dst=1, val=300),
    request("set-numa-node", type="foo"),
    request("set-numa-node"),
    request("set-numa-node", type="cpu"),
    request("set-numa-node", type="cpu", node_id=7, socket_id=0),
    node(foo=1),
    node(nodeid=300),
    node(nodeid=70000),
    node(nodeid=1),
    node(cpus=[0]),
    node(mem=5),
    request("query-memdev"),
    request("device_add", foo=1),
    request("device_del"),
    request("cont"),
    hmp("info numa"),
    request("quit", x=1),
    request("x-exit-preconfig"),
    request("query-status"),
    hmp("info numa"),
    node(),
    request("x-exit-preconfig"),
    request("query-cpus-fast"),
    request("object-del", id="b"),
]


def test_what_qemu_says_before_a_machine_is_created_is_said_here() -> None:
    there = theirs(f"{MACHINE} --preconfig", CONVERSATION)
    here = ours(f"{MACHINE} --preconfig", CONVERSATION)
    for question, expected, answer in zip(CONVERSATION, there, here, strict=True):
        if question["execute"] == "query-status":
            expected["return"].pop("singlestep")  # which 9.1 has not any more
        assert comparable(answer) == comparable(expected), question


def test_the_same_commands_are_allowed_before_a_machine_is_created() -> None:
    names = sorted(COMMANDS.keys() - {"quit", "qmp_capabilities", "x-exit-preconfig"})
    wrong = [{"execute": name, "arguments": {"nonsense": 1}} for name in names]
    for name, answer in zip(names, theirs(f"{MACHINE} --preconfig", wrong), strict=True):
        text = answer["error"]["desc"]
        if "has not been found" not in text:
            assert COMMANDS[name].allow_preconfig == ("permitted only after" not in text), name


def names_of(table: CommandTable, prefix: str = "") -> list[tuple[str, bool]]:
    return [(f"{prefix}{each.names[0]}", each.preconfig) for each in table]


def test_the_same_commands_are_there_at_the_prompt_before_a_machine_is_created() -> None:
    info = HMP_COMMANDS.find("info")
    assert info is not None
    assert info.subcommands is not None
    named = [*names_of(HMP_COMMANDS), *names_of(info.subcommands, "info ")]
    done = subprocess.run(
        [QEMU, *MACHINE.split(), "-display", "none", "-nodefaults", "--preconfig",
         "-monitor", "stdio"],
        input="".join(f"help {name}\n" for name, _ in named) + "quit\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )  # fmt: skip
    for name, allowed in named:
        usage = f"\n{name} " if name not in {"help", "quit"} else f"\n{name}|"
        told = usage in done.stdout.replace("\r", "")
        assert told == allowed, name


@pytest.mark.parametrize(
    "options",
    [
        "-numa node,cpus=0-1",
        "-numa node,cpus=1 -numa cpu,node-id=2,socket-id=1",
        "-numa cpu,node-id=1",
    ],
)
def test_qemus_warnings_are_given_here(options: str, caplog: pytest.LogCaptureFixture) -> None:
    words = f"{MACHINE}{MEMORY}{TWO} {options}"
    there = subprocess.run(
        [QEMU, *words.split(), "-display", "none", "-nodefaults", "-qmp", "stdio"],
        input='{"execute": "qmp_capabilities"} {"execute": "quit"}',
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    expected = [line.removeprefix(f"{QEMU}: ") for line in there.stderr.splitlines()]
    given = [text for text in warned(words, caplog) if SINCE_8_1 not in text]
    assert given == expected


SINCE_8_1 = "have been associated with"
"""A warning about clusters, which 7.2 has not yet."""


def warned(options: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the daemon says at its start."""

    async def story() -> None:
        app = App(parse([*options.split(), "-qmp", "none"]), loop=asyncio.get_running_loop())
        await app.start()
        app.end_by_signal()
        await app.run()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(story())
    return caplog.messages
