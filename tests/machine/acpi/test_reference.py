"""ACPI's tables against recordings: of the reference for the same command lines, of QEMU 7.2."""

from __future__ import annotations

import pytest

from machine import memmap
from machine.acpi.pptt import pptt
from machine.acpi.slit import slit
from machine.acpi.srat import srat
from machine.topology import Topology
from tests.machine.acpi.reference import reference_table
from tests.machine.acpi.shapes import FAR, HALF, REFERENCES
from tests.machine.acpi.tables import structures

ITS = 0x0F
CHECKSUM = 9
ADDRESSES = {*range(40, 44), *range(140, 148)}
"""FADT: DSDT and X_DSDT."""

DEVICE = b"\x5b\x82"
QEMU = "qemu-7.2"
every_reference = pytest.mark.parametrize("name", REFERENCES)


def ours(name: str, signature: str) -> bytes:
    return REFERENCES[name].tables()[signature]


def differences(one: bytes, other: bytes) -> set[int]:
    assert len(one) == len(other)
    return {at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b}


@every_reference
@pytest.mark.parametrize("signature", ["PPTT", "GTDT", "SPCR", "DBG2"])
def test_a_table_is_the_references(name: str, signature: str) -> None:
    assert ours(name, signature) == reference_table(name, signature)


def test_the_srat_is_the_references() -> None:
    assert ours("numa", "SRAT") == reference_table("numa", "SRAT")


@every_reference
def test_the_madt_is_the_references_but_for_its_its(name: str) -> None:
    theirs = reference_table(name, "APIC")
    without = list(structures(theirs))
    assert without.pop()[0] == ITS
    assert list(structures(ours(name, "APIC"))) == without
    assert differences(ours(name, "APIC")[:44], theirs[:44]) <= {4, 5, 6, 7, CHECKSUM}


@every_reference
def test_the_fadt_is_the_references_but_for_where_the_dsdt_lies(name: str) -> None:
    assert differences(ours(name, "FACP"), reference_table(name, "FACP")) <= {
        CHECKSUM,
        *ADDRESSES,
    }


def scope(dsdt: bytes) -> bytes:
    r"""What is in the scope `\_SB`, the only term of a DSDT."""
    assert dsdt[36] == 0x10
    at = 36 + 2 + (dsdt[37] >> 6)
    assert dsdt[at : at + 5] == b"\\_SB_"
    return dsdt[at + 5 :]


@every_reference
def test_the_dsdt_is_the_references_but_for_devices_that_we_do_not_have(name: str) -> None:
    mine, theirs = scope(ours(name, "DSDT")), scope(reference_table(name, "DSDT"))
    at = mine.rindex(DEVICE)
    assert theirs.startswith(mine[:at])
    assert theirs.endswith(mine[at:])
    assert b"PWRB" in mine[at:]
    assert theirs[at:].startswith(DEVICE)
    assert b"FWCF" in theirs[at : at + 8]  # what follows is none of ours


@every_reference
def test_the_dsdts_header_is_the_references_but_for_the_length(name: str) -> None:
    mine, theirs = ours(name, "DSDT")[:36], reference_table(name, "DSDT")[:36]
    assert differences(mine, theirs) <= {4, 5, 6, 7, CHECKSUM}


# QEMU 7.2, whose firmware is to fill the checksums in


def same_but_for_the_checksum(mine: bytes, signature: str) -> bool:
    theirs = reference_table(QEMU, signature)
    return differences(mine, theirs) <= {CHECKSUM}


def test_the_slit_is_that_of_qemu() -> None:
    assert same_but_for_the_checksum(slit(FAR.distances), "SLIT")


def test_the_srat_is_that_of_qemu() -> None:
    assert same_but_for_the_checksum(srat(FAR.cpus, memmap.RAM_BASE, (HALF, HALF)), "SRAT")


def test_the_pptt_of_threads_is_that_of_qemu_which_then_told_of_clusters_always() -> None:
    assert same_but_for_the_checksum(
        pptt(Topology(8, 2, 1, 2, 2, clusters_named=True), 8),
        "PPTT",
    )
