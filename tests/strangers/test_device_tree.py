"""QEMU's own device tree for the same machine, node by node, as the device tree compiler reads it.

QEMU writes its tree with `-M dumpdtb=`; what it has and we have not are devices that are not there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from machine.config import MachineConfig
from machine.firmware.fdt import fdt
from machine.numa import Numa
from machine.topology import Topology
from machine.virt import VirtMachine
from machine.virt_fdt import board_tree
from tests.machine.firmware.dtc import Nodes, decompile, needs_dtc

if TYPE_CHECKING:
    from pathlib import Path

QEMU = "qemu-system-aarch64"
MACHINE = "virt,gic-version=3,its=off,dtb-randomness=off,dumpdtb=their.dtb"
MIB = 1 << 20
RAM = 256 * MIB

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

TWO_NODES = Numa((96 * MIB, 160 * MIB), (0, 0, 0, 1, 1, 1), ((10, 21), (21, 10)))
TWO_NODES_OPTIONS = (
    "-object memory-backend-ram,id=m0,size=96M -numa node,nodeid=0,memdev=m0 "
    "-object memory-backend-ram,id=m1,size=160M -numa node,nodeid=1,memdev=m1"
)
DISTANCE = " -numa dist,src=0,dst=1,val=21"

MACHINES = {
    "one CPU": ("-smp 1", MachineConfig(Topology(1, 1, 1, 1, 1))),
    "2 of 6": (
        "-smp cpus=2,maxcpus=6,sockets=1,clusters=1,cores=6,threads=1",
        MachineConfig(Topology(2, 1, 1, 6, 1)),
    ),
    "every level": (
        "-smp cpus=16,sockets=2,clusters=2,cores=2,threads=2",
        MachineConfig(Topology(16, 2, 2, 2, 2)),
    ),
    "half of a core": (
        "-smp cpus=5,maxcpus=16,sockets=2,clusters=2,cores=2,threads=2",
        MachineConfig(Topology(5, 2, 2, 2, 2)),
    ),
    "two redistributor regions": ("-smp 200", MachineConfig(Topology(200, 1, 1, 200, 1))),
    "two nodes": (
        "-smp cpus=4,maxcpus=6,sockets=2,clusters=1,cores=3,threads=1 "
        + TWO_NODES_OPTIONS
        + DISTANCE,
        MachineConfig(Topology(4, 2, 1, 3, 1), numa=TWO_NODES),
    ),
    "two nodes without distances": (
        "-smp cpus=6,sockets=2,clusters=1,cores=3,threads=1 " + TWO_NODES_OPTIONS,
        MachineConfig(Topology(6, 2, 1, 3, 1), numa=Numa(TWO_NODES.memory, TWO_NODES.cpus)),
    ),
    **{
        model: (f"-cpu {model} -smp 2", MachineConfig(Topology(2, 1, 1, 2, 1), cpu_model=model))
        for model in (
            "a64fx",
            "cortex-a35",
            "cortex-a53",
            "cortex-a57",
            "cortex-a76",
            "max",
            "neoverse-n1",
        )
    },
}


def theirs(folder: Path, options: str) -> Nodes:
    words = [QEMU, "-M", MACHINE, "-m", "256M", "-display", "none", "-nodefaults"]
    cpu = [] if "-cpu" in options else ["-cpu", "cortex-a72"]
    command = [*words, *cpu, *options.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return decompile((folder / "their.dtb").read_bytes())


def ours(config: MachineConfig) -> Nodes:
    machine = VirtMachine(config)
    blob = fdt(board_tree(machine))
    machine.close()
    return decompile(blob)


@pytest.mark.parametrize(("options", "config"), MACHINES.values(), ids=MACHINES)
def test_every_node_is_as_qemu_has_it_and_only_devices_are_missing(
    tmp_path: Path, options: str, config: MachineConfig
) -> None:
    qemu = theirs(tmp_path, options)
    mine = ours(
        MachineConfig(
            config.topology,
            cpu_model=config.cpu_model,
            ram_size=RAM,
            numa=config.numa,
            paused=True,
        )
    )
    assert set(mine) - set(qemu) == LATER
    for path in set(mine) - LATER:
        assert mine[path] == qemu[path], path
    assert [path for path in set(qemu) - set(mine) if not ABSENT.fullmatch(path)] == []
