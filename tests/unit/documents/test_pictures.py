"""The pictures of the documents: nothing in them is fetched from elsewhere, and the demo's still is that of its run."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.documents import ROOT

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
TITLE = "{http://www.w3.org/2000/svg}title"


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_has_a_title_and_needs_nothing_else(path: Path) -> None:
    text = path.read_text()
    assert ElementTree.fromstring(text).findtext(TITLE)  # noqa: S314 - our own
    assert text.count("http") == 1, "the namespace alone"


def test_the_still_is_what_its_run_printed() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "pictures" / "demo_still.py"))
    picture = tool["PICTURE"].read_text()
    (run,) = re.findall(r"<title>.* (\S+)</title>", picture)
    assert tool["still"](ROOT / "all_losses/demo-runs" / run) == picture
