"""What a command line makes, or a machine is, as files, for whoever wants to look."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.app import StartError
from machine.errors import MachineError
from machine.firmware.fdt import fdt
from machine.virt import VirtMachine
from machine.virt_fdt import board_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from machine.config import MachineConfig


def dump_acpi(config: MachineConfig, folder: str) -> None:
    """Write each ACPI table of a machine to a folder, as SIGNATURE.aml; other files stay.

    Raises:
        StartError: the machine can't be built or has no tables, or a file can't be written.
    """
    with _built(config) as machine:
        tables = machine.acpi_tables()
    if not tables:
        raise StartError(f"--dump-acpi {folder}: a machine with acpi=off has no ACPI tables")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for signature, table in tables.items():
            Path(folder, f"{signature}.aml").write_bytes(table)
    except OSError as error:
        raise StartError(f"--dump-acpi {folder}: {error.filename}: {error.strerror}") from None


def dump_device_tree(config: MachineConfig, path: str) -> None:
    """Write the device tree of a machine as it would be at its start.

    Raises:
        StartError: the machine can't be built, or the file can't be written.
    """
    with _built(config) as machine:
        try:
            write_device_tree(machine, path)
        except OSError as error:
            raise StartError(f"Failed dumping dtb to {path}: {error.strerror}") from None


def write_device_tree(machine: VirtMachine, path: str) -> None:
    """Write the device tree of a machine as it is.

    Raises:
        OSError: the file can't be written.
    """
    Path(path).write_bytes(fdt(board_tree(machine)))


@contextlib.contextmanager
def _built(config: MachineConfig) -> Iterator[VirtMachine]:
    """A machine that does not run; what it can't be built of is said in one line."""
    try:
        machine = VirtMachine(config)
    except MachineError as error:
        raise StartError(str(error)) from None
    with contextlib.closing(machine):
        yield machine
