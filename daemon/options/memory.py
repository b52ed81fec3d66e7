"""What -m says, and the size of the RAM that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daemon.options.parameters import Group, Parameter
from daemon.options.sizes import parse_size
from daemon.options.usage import UsageError
from machine.config import GIB, MachineConfig
from machine.errors import MachineError
from machine.memory_backend import ram_size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY = Group("memory", (Parameter("size", "size", default="1G"),), implied="size")

MIN_RAM = 64 << 20
"""Below this no arm64 Linux starts beside its image, device tree and ACPI tables."""
MAX_RAM = 255 * GIB
"""Where `virt`'s memory map continues with devices, at 256 GiB, less the GiB below RAM."""


def read_ram_size(given: dict[str, str], backend: str | None, backends: Mapping[str, int]) -> int:
    """The size of RAM: as `-m` says, or of the backend that it is in."""
    size = _given_size(given)
    if backend is None:
        return MachineConfig().ram_size if size is None else size
    try:
        size = ram_size_of(backend, size, backends)
    except MachineError as error:
        raise UsageError(str(error)) from None
    return _checked(size, f"-machine memory-backend={backend}")


def _given_size(given: dict[str, str]) -> int | None:
    for key in given:
        if key in {"slots", "maxmem"}:
            raise UsageError(f"-m {key} is not modelled: memory cannot be hot-plugged here")
        if key != "size":
            raise UsageError(f"Parameter 'memory.{key.partition('.')[0]}' is unexpected")
    text = given.get("size")
    if text is None:
        return None
    if not text:
        raise UsageError("missing 'size' option value")
    size = parse_size(f"{text}M" if text[-1].isdigit() else text)
    if size is None:
        raise UsageError("Parameter 'memory.size' expects size")
    return _checked(size, f"-m {text}")


def _checked(size: int, option: str) -> int:
    if not MIN_RAM <= size <= MAX_RAM:
        raise UsageError(f"{option}: the size of RAM must be between 64 MiB and 255 GiB")
    return size
