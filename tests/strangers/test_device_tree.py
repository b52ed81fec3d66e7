"""QEMU's own device tree for the same machine, node by node, as the device tree compiler reads it.

QEMU writes its tree with `-M dumpdtb=`; what it has and we have not are devices that are not there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from daemon.main import run
from tests.machine.firmware.dtc import Nodes, decompile, needs_dtc

if TYPE_CHECKING:
    from pathlib import Path

QEMU = "qemu-system-aarch64"
MACHINE = "virt,gic-version=3,its=off,dtb-randomness=off,dumpdtb=their.dtb"
pytestmark = [
    pytest.mark.dtc,
    pytest.mark.qemu,
    needs_dtc,
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed"),
]

ABSENT = re.compile(
    r"/(flash@0|fw-cfg@\w+|virtio_mmio@\w+|pcie@\w+|pl061@\w+|gpio-keys(/\w+)?|platform-bus@\w+)"
)
"""Devices of QEMU's board that this one does not have (docs/not-modelled.md)."""
LATER = {"/aliases"}
"""What QEMU has since 9.1, and Debian's 7.2 has not."""

TWO_NODES = (
    "-object memory-backend-ram,id=m0,size=96M -numa node,nodeid=0,memdev=m0 "
    "-object memory-backend-ram,id=m1,size=160M -numa node,nodeid=1,memdev=m1 "
    "-smp cpus=4,maxcpus=6,sockets=2,clusters=1,cores=3,threads=1"
)

MACHINES = {
    "one CPU": "-smp 1",
    "2 of 6": "-smp cpus=2,maxcpus=6,sockets=1,clusters=1,cores=6,threads=1",
    "every level": "-smp cpus=16,sockets=2,clusters=2,cores=2,threads=2",
    "half of a core": "-smp cpus=5,maxcpus=16,sockets=2,clusters=2,cores=2,threads=2",
    "two redistributor regions": "-smp 200",
    "two nodes": f"{TWO_NODES} -numa dist,src=0,dst=1,val=21",
    "two nodes without distances": TWO_NODES,
    "CPUs of the nodes crossed": (
        f"{TWO_NODES} -numa cpu,node-id=1,socket-id=0 -numa cpu,node-id=0,socket-id=1"
    ),
    "without a PMU": "-cpu cortex-a72,pmu=off -smp 2",
    **{
        model: f"-cpu {model} -smp 2"
        for model in ("a64fx", "cortex-a35", "cortex-a53", "cortex-a57", "cortex-a76", "max")
    },
    "neoverse-n1": "-cpu neoverse-n1 -smp 2",
}


def theirs(folder: Path, options: str) -> Nodes:
    words = [QEMU, "-M", MACHINE, "-m", "256M", "-display", "none", "-nodefaults"]
    cpu = [] if "-cpu" in options else ["-cpu", "cortex-a72"]
    command = [*words, *cpu, *options.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return decompile((folder / "their.dtb").read_bytes())


def ours(folder: Path, options: str) -> Nodes:
    assert run(["-m", "256M", *options.split(), "--dump-dtb", str(folder / "our.dtb")]) == 0
    return decompile((folder / "our.dtb").read_bytes())


@pytest.mark.parametrize("options", MACHINES.values(), ids=MACHINES)
def test_every_node_is_as_qemu_has_it_and_only_devices_are_missing(
    tmp_path: Path, options: str
) -> None:
    qemu, mine = theirs(tmp_path, options), ours(tmp_path, options)
    assert set(mine) - set(qemu) == LATER
    for path in set(mine) - LATER:
        assert mine[path] == qemu[path], path
    assert [path for path in set(qemu) - set(mine) if not ABSENT.fullmatch(path)] == []
