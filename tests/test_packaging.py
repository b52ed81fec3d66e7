"""What is shipped: three packages, one command, types, and a licence that all of it agrees with."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from daemon.version import own_version

ROOT = Path(__file__).parent.parent
PACKAGES = ("daemon", "machine", "protocol")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP_LEVEL = frozenset(
    [
        "pyproject.toml",
        "daemon",
        "protocol",
        "machine",
        "tests",
        "docker",
        "docs",
        "Makefile",
        "README.md",
        "LICENSE",
    ],
)
BUILDER = (77,)
"""The first setuptools that reads the licence as pyproject.toml writes it."""


def version_of(distribution: str) -> tuple[int, ...]:
    try:
        return tuple(map(int, metadata.version(distribution).split(".")[:1]))
    except metadata.PackageNotFoundError:
        return ()


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_the_projects_own(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert Path(file) == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", PACKAGES)
def test_types_are_shipped(name: str) -> None:
    assert (ROOT / name / "py.typed").is_file()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"][name]


def test_the_scenarios_are_shipped() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]["daemon"]
    files = sorted((ROOT / "daemon" / "scenarios").iterdir())
    assert files
    assert all(any(fnmatch(f"scenarios/{file.name}", each) for each in data) for file in files)


def test_only_the_three_packages_are_found() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    found = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and any(fnmatch(path.name, pattern) for pattern in patterns)
    }
    assert found == set(PACKAGES)


@pytest.mark.parametrize("name", [*PACKAGES, "tests"])
def test_every_folder_with_code_is_a_package(name: str) -> None:
    for path in (ROOT / name).rglob("*.py"):
        assert (path.parent / "__init__.py").is_file(), path.parent


def test_the_top_of_the_tree_holds_what_it_is_meant_to() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    tops = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert {top for top in tops if not top.startswith(".")} <= TOP_LEVEL


def test_the_command_leads_to_a_function() -> None:
    assert PROJECT["project"]["scripts"] == {"armvirtd": "daemon.__main__:main"}
    (entry,) = metadata.entry_points(group="console_scripts", name="armvirtd")
    assert callable(entry.load())


def test_there_is_one_version() -> None:
    version = PROJECT["project"]["version"]
    assert metadata.version("armvirtd") == version
    assert own_version() == version
    assert f"## [{version}]" in (ROOT / "docs" / "changelog.md").read_text(encoding="utf-8")


def test_the_licence_is_the_gpl_version_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 2, June 1991" in text
    assert PROJECT["project"]["license"] == "GPL-2.0-or-later"
    assert PROJECT["project"]["license-files"] == ["LICENSE"]


COMPATIBLE = {
    "aiomqtt": "BSD-3-Clause",
    "msgspec": "BSD-3-Clause",
    "pydantic": "MIT",
    "qemu.qmp": "LGPL-2.0-or-later and GPL-2.0",
    "rich": "MIT",
    "unicorn": "GPL-2.0",
    "uvloop": "MIT or Apache-2.0",
}
"""Dependencies, and the terms under which each goes together with GPL-2.0."""


def test_every_dependency_is_known_to_go_with_the_licence() -> None:
    project = PROJECT["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["exec"]]
    names = {requirement.split(">")[0].split("=")[0].strip() for requirement in required}
    assert names == set(COMPATIBLE)


def test_a_wheel_holds_the_three_packages_and_nothing_else(tmp_path: Path) -> None:
    if version_of("setuptools") < BUILDER:
        pytest.skip("needs setuptools 77 or newer beside the tests, to build without a network")
    source = tmp_path / "source"  # a copy: building leaves its things beside what it builds
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert "daemon/scenarios/refuses-unplug.toml" in names
