"""docs/pictures: each is what a run of today's machine draws, and stands in a page."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from daemon.sequence.__main__ import pictures
from daemon.top.picture import NAME as TOP
from daemon.top.picture import picture as top
from tests.docs.pages import PAGES, ROOT

FOLDER = ROOT / "docs" / "pictures"
DRAWN = {**pictures(), TOP: top()}


def test_every_picture_is_drawn_from_a_run() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_shows_what_the_machine_does_today(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == DRAWN[name], "run `make pictures`"


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_well_formed_and_stays_inside_of_its_frame(name: str) -> None:
    root = ET.fromstring(DRAWN[name])  # noqa: S314 - our own
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    boxes = [at for at in root.iter("{http://www.w3.org/2000/svg}rect") if at.get("x")]
    assert boxes
    for box in boxes:
        x, y, w, h = (float(box.get(key, 0)) for key in ("x", "y", "width", "height"))
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_stands_in_a_page(name: str) -> None:
    assert any(f"(pictures/{name})" in page.read_text(encoding="utf-8") for page in PAGES)
