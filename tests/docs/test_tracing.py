"""docs/tracing.md: every trace point that is reported, and no other; its diagram is today's."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from daemon.sequence.__main__ import diagram
from daemon.trace.points import LAYERS, POINTS
from tests.docs.pages import ROOT, blocks, read, rows, section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.trace.points import Kind

REPORTS = {"trace", "_trace"}
GUEST = "guest"
PAGE = read("docs/tracing.md")


def _text(node: ast.expr) -> str:
    """A constant; of a text that is put together, what is constant, and `*` for the rest."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return "*"


def _reported(node: ast.Call) -> tuple[str, str] | None:
    """Layer and name of a call that reports a trace point."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in REPORTS and len(node.args) == 2:
        return _text(node.args[0]), _text(node.args[1])
    if name == "traced" and node.args:
        return GUEST, _text(node.args[0])
    return None


def reported() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.glob("machine/**/*.py")) + sorted(ROOT.glob("daemon/**/*.py")):
        if path.parent.name == "sequence":
            continue  # it repeats what the daemon reports
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = _reported(node) if isinstance(node, ast.Call) else None
            if found is not None and found != (GUEST, "*"):  # `traced` hands on what it is given
                yield found


CALLS = sorted(set(reported()))


@pytest.mark.parametrize("call", CALLS, ids="/".join)
def test_a_point_that_is_reported_is_declared(call: tuple[str, str]) -> None:
    layer, name = call
    declared = {point.name for point in POINTS if point.layer == layer}
    assert name in declared or any("*" in each and fnmatchcase(name, each) for each in declared)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point.layer}/{point.name}")
def test_a_point_that_is_declared_is_reported(point: Kind) -> None:
    assert (point.layer, point.name) in CALLS


def test_the_page_shows_them_all() -> None:
    shown = list(rows(section(PAGE, "Trace points")))
    assert shown == [[LAYERS[point.layer], f"`{point.name}`", point.help] for point in POINTS]


def test_every_layer_is_one_that_is_shown() -> None:
    assert {point.layer for point in POINTS} == set(LAYERS)


def test_the_diagram_is_what_the_machine_does_today() -> None:
    (block,) = blocks(PAGE, "mermaid")
    assert block.text == diagram(), "run `make pictures`"
