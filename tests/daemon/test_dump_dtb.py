"""The device tree as a file: of a command line, in place of a start, or of a running machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from daemon.main import run
from daemon.options.table import parse
from machine.firmware.fdt import fdt
from machine.virt import VirtMachine
from machine.virt_fdt import board_tree
from tests.box import Box

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = ("-smp", "2,maxcpus=6,sockets=1,cores=6", "-m", "128M")


def tree_of(*options: str) -> bytes:
    machine = VirtMachine(parse(options).machine)
    blob = fdt(board_tree(machine))
    machine.close()
    return blob


@pytest.mark.parametrize("form", ["--dump-dtb {}", "-M virt,dumpdtb={}", "-M dumpdtb={} -M virt"])
def test_the_tree_of_any_command_line_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    path = tmp_path / "board.dtb"
    assert run([*OPTIONS, *form.format(path).split()]) == 0
    assert path.read_bytes() == tree_of(*OPTIONS)
    assert capsys.readouterr().err == f"armvirtd: info: dtb dumped to {path}. Exiting.\n"


@pytest.mark.parametrize(
    "more",
    [
        ("-M", "virt,acpi=off"),
        ("-device", "cortex-a72-arm-cpu,core-id=3"),
        ("-cpu", "max"),
        ("-accel", "tcg,thread=single"),
        ("-qmp", "unix:/nowhere/at/all,server=on,wait=on"),
    ],
    ids=" ".join,
)
def test_nothing_but_the_machine_matters(tmp_path: Path, more: tuple[str, ...]) -> None:
    path = tmp_path / "board.dtb"
    assert run([*OPTIONS, *more, "--dump-dtb", str(path)]) == 0
    assert path.read_bytes() == tree_of(*OPTIONS, *more)


def test_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["--dump-dtb", "board.dtb", "-pidfile", "pid", "--trace", "trace"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["board.dtb"]


def test_tables_and_device_tree_may_be_asked_for_at_once(tmp_path: Path) -> None:
    folder, path = tmp_path / "tables", tmp_path / "board.dtb"
    assert run([*OPTIONS, "--dump-acpi", str(folder), "--dump-dtb", str(path)]) == 0
    assert (folder / "DSDT.aml").exists()
    assert path.read_bytes() == tree_of(*OPTIONS)


def test_a_file_that_cant_be_written_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "board.dtb"
    assert run(["--dump-dtb", str(path)]) == 1
    said = capsys.readouterr().err
    assert said == f"armvirtd: Failed dumping dtb to {path}: No such file or directory\n"


def test_a_machine_that_cant_be_built_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "board.dtb"
    assert run(["-device", "nonsense", "--dump-dtb", str(path)]) == 1
    assert "'nonsense' is not a valid device model name" in capsys.readouterr().err
    assert not path.exists()


# Of a machine that runs


@pytest.fixture
def box() -> Box:
    return Box()


def test_dumpdtb_tells_of_the_cpus_of_the_moment(box: Box, tmp_path: Path) -> None:
    paths = [tmp_path / "before", tmp_path / "after"]
    box.returned("dumpdtb", filename=str(paths[0]))
    box.returned("device_add", driver="cortex-a72-arm-cpu", **{"core-id": 4})
    box.returned("dumpdtb", filename=str(paths[1]))
    before, after = (path.read_bytes() for path in paths)
    assert b"cpu@4\0" not in before
    assert b"cpu@4\0" in after
    assert after == fdt(board_tree(box.machine))
    box.close()


def test_dumpdtb_refuses_what_it_cant_write(box: Box, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "dtb"
    answer = box.ask("dumpdtb", filename=str(path))
    assert answer["error"] == {
        "class": "GenericError",
        "desc": f"Error saving FDT to file {path}: No such file or directory",
    }
    box.close()
