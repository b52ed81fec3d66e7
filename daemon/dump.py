"""What firmware would tell a guest, as files: for whoever wants to look, with nothing running."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.app import StartError
from machine.errors import MachineError
from machine.virt import VirtMachine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from machine.config import MachineConfig


def dump_acpi(config: MachineConfig, folder: str) -> None:
    """Write each ACPI table of a machine to a folder, as SIGNATURE.aml; other files stay.

    Raises:
        StartError: the machine can't be built or has no tables, or a file can't be written.
    """
    tables = _acpi_tables(config)
    if not tables:
        raise StartError(f"--dump-acpi {folder}: a machine with acpi=off has no ACPI tables")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for signature, table in tables.items():
            Path(folder, f"{signature}.aml").write_bytes(table)
    except OSError as error:
        raise StartError(f"--dump-acpi {folder}: {error.filename}: {error.strerror}") from None


def _acpi_tables(config: MachineConfig) -> Mapping[str, bytes]:
    try:
        with contextlib.closing(VirtMachine(config)) as machine:
            return machine.acpi_tables()
    except MachineError as error:
        raise StartError(str(error)) from None
