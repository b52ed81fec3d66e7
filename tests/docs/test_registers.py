"""docs/registers.md: each table against the declarations, both ways."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest

import machine.acpi
import machine.gicv3
from machine import memmap, pl011, pl031
from machine.gicv3 import sysregs
from machine.kvm import psci, sysreg
from machine.kvm.smccc import SMC64, Function
from machine.register import MmioDevice, Reg
from machine.topology import MPIDR_RES1, mpidr_affinity
from tests.docs.pages import read, rows, section

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PAGE = read("docs/registers.md")


def blocks() -> Iterator[type[MmioDevice]]:
    """Every register block of the packages that have any."""
    for module in modules():
        for member in vars(module).values():
            if not (isinstance(member, type) and issubclass(member, MmioDevice)):
                continue
            if member.registers and member.__module__ == module.__name__:
                yield member


def modules() -> Iterator[ModuleType]:
    yield from (pl011, pl031)
    for package in (machine.acpi, machine.gicv3):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


BLOCKS = list(blocks())
TITLES = (
    "CPU hot-plug",
    "Generic Event Device",
    "Panic device",
    "UART",
    "Real time clock",
    "Distributor",
    "Redistributor",
)


def table_of(block: type[MmioDevice]) -> str:
    """The section that describes a block."""
    (text,) = (
        section(PAGE, title)
        for title in TITLES
        if f"`{block.__name__}` in `{block.__module__.replace('.', '/')}.py`"
        in section(PAGE, title).replace("\n", " ")
    )
    return text


def as_row(register: Reg) -> list[str]:
    bytes_ = f"{register.size} x {register.count}" if register.count > 1 else f"{register.size}"
    return [f"`{register.offset:#07x}`", f"`{register.name}`", register.access, bytes_]


def test_there_are_blocks() -> None:
    assert {"CpuHotplug", "GenericEventDevice", "Pl011", "Pl031", "Distributor"} <= {
        block.__name__ for block in BLOCKS
    }


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_a_blocks_table_is_its_declaration(block: type[MmioDevice]) -> None:
    documented = [row[:4] for row in rows(table_of(block)) if len(row) == 5]
    assert documented == [as_row(register) for register in block.registers]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.__name__)
def test_a_register_without_effect_is_said_to_be_so(block: type[MmioDevice]) -> None:
    words = {row[1].strip("`"): row[4] for row in rows(table_of(block)) if len(row) == 5}
    for register in block.registers:
        handled = register.on_read or register.on_write or register.reset
        constant = register.ro == (1 << 8 * register.size) - 1 and not handled
        assert (words[register.name] == "reads as zero, writes ignored") == constant


def test_the_memory_map_is_the_boards() -> None:
    documented = {row[0].strip("`"): row[1:3] for row in rows(section(PAGE, "Memory map"))}
    ranges = {name: value for name, value in vars(memmap).items() if type(value) is memmap.Range}
    assert documented.pop("RAM_BASE") == [f"`{memmap.RAM_BASE:#010x}`", "`-m`"]
    assert documented == {
        name: [f"`{at.base:#010x}`", f"`{at.size:#x}`"] for name, at in ranges.items()
    }


def test_the_interrupts_are_the_boards() -> None:
    documented = {row[1].split("`")[1]: row[0] for row in rows(PAGE) if "PPI_" in row[1]}
    ppis = {name: str(n) for name, n in vars(memmap).items() if name.startswith("PPI_")}
    assert documented == ppis
    spis = f"{memmap.SPI_BASE} to {memmap.SPI_BASE + memmap.SPIS - 1}"
    numbers = {row[1]: row[0] for row in rows(section(PAGE, "Interrupts"))}
    assert numbers["SPIs"] == spis
    assert numbers[f"`GED_SPI` ({memmap.GED_SPI})"] == str(memmap.SPI_BASE + memmap.GED_SPI)


def test_the_system_registers_are_those_that_are_there() -> None:
    read = {*sysregs.READS, *sysreg._READ, *sysreg._PMU_READ}
    written = {*sysregs.WRITES, *sysreg._WRITE, *sysreg._PMU_WRITE}
    documented = {row[0].strip("`"): row[1] for row in rows(section(PAGE, "System registers"))}
    assert documented == {
        name: "r" * (name in read) + "w" * (name in written) for name in read | written
    }


def test_the_firmware_calls_are_those_that_are_answered() -> None:
    documented = {
        row[0].strip("`"): (row[1].strip("`"), row[2].strip("`"))
        for row in rows(section(PAGE, "Firmware calls"))
    }
    assert documented == {function.name: _forms(function) for function in Function}


def _forms(function: Function) -> tuple[str, str]:
    """The identifiers that are answered; SYSTEM_SUSPEND may be."""
    call = psci.CALLS.get(function)
    if call is None:
        return "-", "-"
    return f"{function:#x}", f"{function | SMC64:#x}" if call.wide else "-"


def test_the_example_of_an_mpidr_is_right() -> None:
    assert f"CPU 17 has `{MPIDR_RES1 | mpidr_affinity(17):#x}`" in PAGE
