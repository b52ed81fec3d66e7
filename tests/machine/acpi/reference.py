"""The recorded tables of the reference machine, and Intel's tools."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

MACHINES = ("flat", "topo", "numa")
_DATA = Path(__file__).resolve().parents[2] / "data" / "acpi"


def reference_table(machine: str, signature: str) -> bytes:
    return (_DATA / machine / f"{signature}.aml").read_bytes()


def need_tool(name: str) -> str:
    tool = shutil.which(name)
    if tool is None:
        pytest.skip(f"{name} is not installed (Debian: acpica-tools)")
    return tool
