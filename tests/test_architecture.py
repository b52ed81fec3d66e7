"""The layers and their borders, held by what each file imports; `docs/architecture.md` says why.

Nothing is imported here: files are parsed, so that an import which is wrong, inside a function or
for type checking only, is found as well.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGES = ("protocol", "machine", "daemon")
FILES = sorted(
    path.relative_to(ROOT).as_posix() for top in PACKAGES for path in (ROOT / top).rglob("*.py")
)

WORLD = frozenset(
    [
        "asyncio",
        "concurrent",
        "multiprocessing",
        "select",
        "selectors",
        "signal",
        "socket",
        "socketserver",
        "ssl",
        "subprocess",
        "threading",
    ],
)
"""What waits for, or talks to, somebody outside of the process."""
CHANCE = frozenset({"datetime", "random", "secrets", "time"})
"""What makes two runs differ."""
JSON = frozenset({"json"})
WIRE = frozenset({"msgspec", "pydantic", "pydantic_core"})

BASICS = (
    "machine.bus",
    "machine.clock",
    "machine.errors",
    "machine.events",
    "machine.irq",
    "machine.memmap",
    "machine.memory",
    "machine.memory_backend",
    "machine.numa",
    "machine.numa_draft",
    "machine.register",
    "machine.topology",
    "machine.trace",
)
GUEST_DATA = ("machine.guest.behaviour",)
"""What describes a guest, without any of its code."""
BOARD = (
    "machine.actions",
    "machine.accel",
    "machine.config",
    "machine.cpu",
    "machine.cpu_expansion",
    "machine.cpu_features",
    "machine.cpu_models",
    "machine.cpu_properties",
    "machine.cpu_sve",
    "machine.fault_actions",
    "machine.guest_check",
    "machine.panic",
    "machine.planned",
    "machine.psci",
    "machine.qdev",
    "machine.qdev_values",
    "machine.qom",
    "machine.runstate",
    "machine.scheduler",
    "machine.virt",
    "machine.virt_cpus",
    "machine.virt_kvm",
    "machine.virt_fdt",
    "machine.will",
)
PERIPHERALS = ("machine.pl011", "machine.pl031", "machine.primecell")
DEVICES = (*PERIPHERALS, "machine.acpi", "machine.firmware", "machine.gicv3", "machine.kvm")


@dataclass(frozen=True)
class Layer:
    """A room of the building.

    Attributes:
        name: as `docs/architecture.md` names it.
        members: the modules, or packages with all that is below them.
        ours: what of ours they may import, likewise.
        others: distributions that they may import; None for any.
        never: modules of the standard library that they may not.
    """

    name: str
    members: tuple[str, ...]
    ours: tuple[str, ...]
    others: frozenset[str] | None = frozenset()
    never: frozenset[str] = WORLD | CHANCE | JSON


LAYERS = (
    Layer("protocol", ("protocol",), ("protocol",), others=WIRE, never=WORLD | CHANCE),
    Layer("machine: basics", BASICS, BASICS),
    Layer("machine.faults", ("machine.faults",), (*BASICS, "machine.faults")),
    Layer("machine.guest", ("machine.guest",), ("machine.guest",)),
    Layer("machine.gicv3", ("machine.gicv3",), (*BASICS, "machine.gicv3")),
    Layer("machine: peripherals", PERIPHERALS, (*BASICS, *PERIPHERALS)),
    Layer("machine.acpi", ("machine.acpi",), (*BASICS, "machine.acpi")),
    Layer(
        "machine.firmware",
        ("machine.firmware",),
        (*BASICS, "machine.acpi", "machine.firmware"),
    ),
    Layer("machine.kvm", ("machine.kvm",), (*BASICS, "machine.gicv3", "machine.kvm")),
    Layer(
        "machine.engine",
        ("machine.engine",),
        (*BASICS, "machine.engine", "machine.kvm", "machine.guest.image", "machine.guest.platform"),
    ),
    Layer(
        "machine: board",
        BOARD,
        (*BASICS, *BOARD, *DEVICES, *GUEST_DATA, "machine.faults", "machine.power"),
    ),
    Layer(
        "machine.power",
        ("machine.power",),
        (*BASICS, *BOARD, *DEVICES, "machine.engine", "machine.faults", "machine.guest"),
    ),
    Layer(
        "daemon",
        ("daemon",),
        (
            "daemon",
            "protocol",
            *BASICS,
            *BOARD,
            *DEVICES,
            *GUEST_DATA,
            "machine.faults",
            "machine.power",
        ),
        others=None,
        never=frozenset(),
    ),
)

MUTATORS = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "setdefault",
        "update",
    ],
)


def module_of(path: str) -> str:
    """A file's name as a module."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = frozenset(map(module_of, FILES))


def within(module: str, names: tuple[str, ...]) -> bool:
    """Whether a module is one of these, or below one of them."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


def layers_of(module: str) -> list[Layer]:
    return [layer for layer in LAYERS if within(module, layer.members)]


def parsed(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def imports(path: str) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or "."
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in MODULES else source


def allowed(imported: str, layer: Layer) -> bool:
    top = imported.partition(".")[0]
    if top in PACKAGES:
        return within(imported, layer.ours)
    if top in sys.stdlib_module_names:
        return top not in layer.never
    return layer.others is None or top in layer.others


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path) not in PACKAGES])
def test_a_file_imports_only_what_its_layer_may(path: str) -> None:
    (layer,) = layers_of(module_of(path))
    wrong = {imported for imported in imports(path) if not allowed(imported, layer)}
    assert not wrong, f"{layer.name} may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", [f"{package}/__init__.py" for package in PACKAGES])
def test_a_package_imports_nothing_by_itself(path: str) -> None:
    assert not list(imports(path))


@pytest.mark.parametrize("path", FILES)
def test_imports_are_absolute_and_not_computed(path: str) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert [alias.name for alias in node.names] != ["*"]
        if isinstance(node, ast.Name):
            assert node.id not in {"__import__", "importlib", "exec", "eval"}


def test_the_guards_themselves_would_notice() -> None:
    guest, board = layers_of("machine.guest.kernel")[0], layers_of("machine.virt")[0]
    assert not allowed("machine.bus", guest)
    assert not allowed("time", guest)
    assert not allowed("protocol.errors", board)
    assert not allowed("machine.guest.kernel", board)
    assert not allowed("pydantic", board)
    assert not allowed("asyncio", layers_of("protocol.session")[0])
    assert not allowed("machine.clock", layers_of("protocol.session")[0])


# No state outside of objects: two machines in one process must work.


def global_names(tree: ast.Module) -> set[str]:
    """Names that are bound at the top of a module by an assignment."""
    bound: set[str] = set()
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        for target in targets:
            bound |= {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
    return bound


def local_names(function: ast.AST) -> set[str]:
    """Names that a function binds for itself."""
    return {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)} | {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def written(function: ast.AST) -> Iterator[str]:
    """Names whose objects a function changes in place."""
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            base: ast.expr = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in MUTATORS:
                continue
            base = node.func.value
        else:
            continue
        if isinstance(base, ast.Name):
            yield base.id


@pytest.mark.parametrize("path", FILES)
def test_nothing_at_the_top_of_a_module_is_written_by_a_function(path: str) -> None:
    tree = parsed(path)
    shared = global_names(tree)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Global)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert not (set(written(node)) & shared) - local_names(node)
