"""-numa: keys and JSON say the same, numbers come as ranges, and nodes are the machine's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.options.table import UsageError, parse
from machine.numa import Numa
from machine.numa_draft import NumaCpu, NumaDistance, NumaNode, NumaOption

if TYPE_CHECKING:
    from daemon.config import DaemonConfig

MIB = 1 << 20
SIX = ("-smp", "2,maxcpus=6,sockets=2,clusters=1,cores=3,threads=1")
BACKENDS = ("-object", "memory-backend-ram,id=m0,size=0.5G", "-object",
            '{"qom-type": "memory-backend-ram", "id": "m1", "size": 536870912}')  # fmt: skip


def config(*numa: str, more: tuple[str, ...] = ()) -> DaemonConfig:
    return parse([*SIX, *(word for text in numa for word in ("-numa", text)), *BACKENDS, *more])


def refusal(*numa: str, more: tuple[str, ...] = ()) -> str:
    with pytest.raises(UsageError) as refused:
        config(*numa, more=more)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("node", NumaNode()),
        ("type=node,nodeid=0x1", NumaNode(1)),
        ("node,cpus=0-2,cpus=5", NumaNode(cpus=(0, 1, 2, 5))),
        ('{"type": "node", "nodeid": 1, "cpus": [0, 2]}', NumaNode(1, (0, 2))),
        ("node,memdev=m0", NumaNode(memdev="m0")),
    ],
)
def test_a_node_is_read(text: str, option: NumaOption) -> None:
    assert config(text, more=("--preconfig",)).numa == (option,)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("cpu,node-id=0", NumaCpu(0)),
        ("cpu,node-id=0,core-id=2,socket-id=1", NumaCpu(0, (("core-id", 2), ("socket-id", 1)))),
        ('{"type": "cpu", "node-id": 0, "thread-id": 0}', NumaCpu(0, (("thread-id", 0),))),
        ("dist,src=0,dst=0,val=10", NumaDistance(0, 0, 10)),
        ('{"type": "dist", "src": 0, "dst": 0, "val": 10}', NumaDistance(0, 0, 10)),
    ],
)
def test_what_is_said_of_a_node_is_read(text: str, option: NumaOption) -> None:
    assert config("node", text, more=("--preconfig",)).numa == (NumaNode(), option)


def test_nodes_are_the_machines_wherever_its_backends_are_said() -> None:
    made = config("node,memdev=m0", "node,memdev=m1", "dist,src=0,dst=1,val=20")
    assert made.numa == ()
    assert made.machine.numa == Numa(
        memory=(512 * MIB, 512 * MIB),
        cpus=(0, 0, 0, 1, 1, 1),
        distances=((10, 20), (20, 10)),
        backends=("m0", "m1"),
    )


def test_a_machine_that_is_to_be_created_later_has_no_nodes_yet() -> None:
    made = config("node,memdev=m0", more=("--preconfig",))
    assert made.preconfig
    assert made.machine.numa is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"type": "node", "cpus": "0"}', "Invalid parameter type for 'cpus', expected: array"),
        ('{"type": "node", "cpus": [70000]}', "Parameter 'cpus[0]' expects uint16_t"),
        ('{"type": "node", "foo": 1}', "Parameter 'foo' is unexpected"),
        ('{"type": "node"', "JSON parse error, premature EOI"),
        ("node,cpus.0=1,cpus.x=2", "Parameter 'cpus.1' missing"),
        ("node,nodeid", "Invalid parameter 'deid'"),
        ("node,nodeid.x=1", "Parameters 'nodeid.*' are unexpected"),
        ("cpu,node-id=0x8000000000000000", "Parameter 'node-id' expects an int64 value"),
        ("", "Parameter 'type' is missing"),
    ],
)
def test_what_is_written_wrong_is_refused(text: str, complaint: str) -> None:
    assert refusal(text).startswith(f"-numa {text}".rstrip() + ": ")
    assert refusal(text).endswith(complaint)


def test_what_is_wrong_is_told_before_the_machine_is_created() -> None:
    complaint = "-numa node,memdev=m9: memdev=m9 is ambiguous"
    assert refusal("node,memdev=m9", more=("--preconfig",)) == complaint


def test_all_of_the_ram_may_be_in_one_backend() -> None:
    made = config(more=("-M", "virt,memory-backend=m0")).machine
    assert (made.ram_size, made.memory_backend, made.ram_backend) == (512 * MIB, "m0", "m0")
    assert config().machine.ram_backend == "mach-virt.ram"
    small = ("-object", "memory-backend-ram,id=s,size=1M", "-M", "memory-backend=s")
    assert refusal(more=small) == (
        "-machine memory-backend=s: the size of RAM must be between 64 MiB and 255 GiB"
    )
