"""All pages: what they point to is there, what they draw is whole, their tables are complete."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests import test_architecture
from tests.docs.pages import PAGES, ROOT, blocks, headings, prose, read, rows, section

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"(?<![\w/.@-])(?:daemon|protocol|machine|tests|docs)/[\w./-]*\w/?")
PRIVATE = re.compile(r"(?<![\w.])/(?:work|root|home|Users)\b")
SEQUENCE = re.compile(
    r"sequenceDiagram|participant \w+ as [^;#]+|Note over \w+(,\w+)*: [^;#]+|"
    r"\w+--?>>\w+: [^;#]+",
)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def anchor(heading: str) -> str:
    """How a heading is linked to, on the usual sites."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_pages_are_those_that_were_promised() -> None:
    assert {page.stem for page in PAGES} >= {
        "README",
        "acpi",
        "aml",
        "architecture",
        "changelog",
        "commands",
        "not-modelled",
        "options",
        "registers",
        "the-talk",
        "testing",
    }


@every_page
def test_a_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(prose(text)):
        if target.startswith("https://"):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.exists(), target
        if fragment:
            there = file.read_text(encoding="utf-8")
            assert fragment in {anchor(title) for n in (2, 3) for title in headings(there, n)}


@every_page
def test_a_file_that_is_named_is_there(page: Path) -> None:
    for name in FILE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@every_page
def test_every_page_can_be_reached_from_the_readme(page: Path) -> None:
    if page.name == "README.md":
        return
    assert f"docs/{page.name}" in LINK.findall(read("README.md"))


@every_page
def test_a_page_has_one_title_and_whole_blocks(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(headings(text, 1)) == 1
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert len(fences) == 2 * len(blocks(text))
    assert all(block.kind for block in blocks(text))


@every_page
def test_a_diagram_is_one_that_mermaid_can_draw(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "mermaid"):
        lines = [line.strip() for line in block.text.splitlines()]
        assert lines[0] == "sequenceDiagram"
        for line in lines:
            assert SEQUENCE.fullmatch(line), line
        drawn = {line.split()[1] for line in lines if line.startswith("participant")}
        used = {name for line in lines for name in re.findall(r"^(\w+)--?>>(\w+)", line)}
        assert {name for pair in used for name in pair} == drawn


@every_page
def test_a_page_names_nobodys_private_place(page: Path) -> None:
    assert not PRIVATE.findall(page.read_text(encoding="utf-8"))


@every_page
def test_a_table_has_as_many_cells_in_each_row(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        counts = {len(re.split(r" \| |\|$", line.strip("| "))) for line in table.splitlines()[2:]}
        assert len(counts) <= 1, table


def test_the_table_of_imports_has_a_row_for_each_layer_and_no_other() -> None:
    table = rows(section(read("docs/architecture.md"), "Who may import whom"))
    documented = [row[0].split("`")[1] for row in table]
    assert documented == [layer.name for layer in test_architecture.LAYERS]


def test_decisions_are_numbered_and_have_their_three_parts() -> None:
    text = section(read("docs/architecture.md"), "Decisions")
    items = re.split(r"^(?=\d+\. )", text, flags=re.MULTILINE)[1:]
    assert [item.partition(".")[0] for item in items] == [str(n) for n in range(1, len(items) + 1)]
    for item in items:
        assert re.match(r"\d+\. \*[^*]+\*\n", item), item
        assert item.count("Price:") == 1, item


def test_the_seven_verbs_are_those_of_the_platform() -> None:
    tree = ast.parse(read("machine/guest/platform.py"))
    (platform,) = (
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Platform"
    )
    verbs = [node.name for node in platform.body if isinstance(node, ast.FunctionDef)]
    text = " ".join(section(read("docs/architecture.md"), "The honest guest").split())
    assert ", ".join(f"`{verb}`" for verb in verbs) in text
