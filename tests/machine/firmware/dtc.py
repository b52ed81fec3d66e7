"""The device tree compiler as a reader: a blob as it says that it is, node by node."""

from __future__ import annotations

import shutil
import subprocess

import pytest

Nodes = dict[str, dict[str, str]]
"""By path: the properties of a node, as dtc writes their values."""

DTC = shutil.which("dtc")

needs_dtc = pytest.mark.skipif(
    DTC is None, reason="dtc is not installed (Debian: device-tree-compiler)"
)


def decompile(blob: bytes) -> Nodes:
    """What dtc makes of a blob; it must have nothing against its form."""
    command = [str(DTC), "-I", "dtb", "-O", "dts"]
    done = subprocess.run(command, input=blob, capture_output=True, check=True)
    complaints = [
        line
        for line in done.stderr.decode().splitlines()
        if "simple_bus_reg" not in line and "unit_address" not in line
    ]
    assert complaints == []
    return _parse(done.stdout.decode())


def _parse(text: str) -> Nodes:
    nodes: Nodes = {}
    path: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{"):
            path.append(line.removesuffix("{").strip().strip("/"))
            nodes["/".join(path) or "/"] = {}
        elif line == "};":
            path.pop()
        elif path and line:
            name, _, value = line.removesuffix(";").partition(" = ")
            nodes["/".join(path) or "/"][name] = value
    return nodes
