"""`--dump-acpi`: the tables of any command line as files, and nothing else happens."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from daemon.main import run
from daemon.options.table import parse
from machine.virt import VirtMachine
from tests.machine.acpi.tables import chosen, find_rsdp, find_tables
from tests.process import TIMEOUT, daemon

if TYPE_CHECKING:
    from pathlib import Path

ALWAYS = {"RSDP", "XSDT", "FACP", "APIC", "PPTT", "GTDT", "SPCR", "DBG2", "DSDT"}
CPU = "cortex-a72-arm-cpu"


def dumped(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by signature."""
    return {path.stem: path.read_bytes() for path in folder.iterdir() if path.suffix == ".aml"}


def in_ram(*words: str) -> dict[str, bytes]:
    """What a guest of this command line finds, from x0 on."""
    with closing(VirtMachine(parse(["-S", *words]).machine)) as machine:
        read = machine.ram.read_bytes
        properties = chosen(read, machine.slots[0].vcpu.x0)
        at = find_rsdp(read, int.from_bytes(properties["linux,uefi-system-table"], "big"))
        return {"RSDP": read(at, 36), **find_tables(read, at)}


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-smp", "4,maxcpus=16,sockets=2,clusters=2,cores=2,threads=2"],
        ["-smp", "1,maxcpus=512", "-m", "4G"],
        ["-M", "virt,gic-version=2", "-smp", "2,maxcpus=4"],
        ["-device", f"{CPU},id=extra,core-id=5", "-S"],
    ],
)
def test_the_files_are_what_a_guest_finds(tmp_path: Path, words: list[str]) -> None:
    assert run([*words, "--dump-acpi", str(tmp_path / "of" / "this")]) == 0
    assert dumped(tmp_path / "of" / "this") == in_ram(*words)


def test_there_is_a_file_for_each_table(tmp_path: Path) -> None:
    assert run(["--dump-acpi", str(tmp_path)]) == 0
    assert set(dumped(tmp_path)) == ALWAYS


def test_files_of_before_are_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "APIC.aml").write_bytes(b"old")
    (tmp_path / "notes").write_text("mine")
    assert run(["--dump-acpi", str(tmp_path)]) == 0
    assert dumped(tmp_path)["APIC"][:4] == b"APIC"
    assert (tmp_path / "notes").read_text() == "mine"


def test_the_process_says_nothing_and_leaves_nothing_else(tmp_path: Path) -> None:
    words = ["-qmp", "unix:qmp.sock", "-pidfile", "pid", "--trace", "trace"]
    with daemon(tmp_path, *words, "--dump-acpi", "tables") as process:
        said = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, said) == (0, ("", ""))
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-M", "virt,acpi=off"], "--dump-acpi tables: a machine with acpi=off has no ACPI tables"),
        (
            ["-device", f"{CPU},core-id=1"],
            f"-device {CPU},core-id=1: cpu(id1=0:0:1:0) with arch-id 1 exist",
        ),
    ],
)
def test_a_machine_without_tables_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*words, "--dump-acpi", "tables"]) == 1
    assert capsys.readouterr().err == f"armvirtd: {said}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("file", "--dump-acpi file: file: File exists"),
        ("file/below", "--dump-acpi file/below: file/below: Not a directory"),
    ],
)
def test_a_folder_that_cannot_be_is_one_clear_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    assert run(["--dump-acpi", folder]) == 1
    assert capsys.readouterr().err == f"armvirtd: {said}\n"
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_file_that_cannot_be_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "APIC.aml").mkdir()
    assert run(["--dump-acpi", str(tmp_path)]) == 1
    assert f"{tmp_path / 'APIC.aml'}: Is a directory" in capsys.readouterr().err


def test_a_folder_without_a_name_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--dump-acpi", ""]) == 1
    assert capsys.readouterr().err == "armvirtd: --dump-acpi: a directory's name can't be empty\n"
