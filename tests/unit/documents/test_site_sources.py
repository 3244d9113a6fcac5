"""What the documentation site is made of. That all links lead somewhere is checked by its build, `make docs`."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from support.documents import ROOT

GATHER: dict[str, Any] = runpy.run_path(str(ROOT / "tools" / "docs" / "gather.py"))
KNOWN = frozenset({"README.md", "docs/protocol.md", "all_losses/README.md", "docs/pictures/round.svg"})


@pytest.mark.parametrize(
    ("source", "written", "shown"),
    [
        ("README.md", "[rules](docs/protocol.md#numbers)", "[rules](protocol.md#numbers)"),
        ("README.md", "![a round](docs/pictures/round.svg)", "![a round](pictures/round.svg)"),
        ("docs/protocol.md", "[all_losses](../all_losses/)", "[all_losses](all_losses/README.md)"),
        ("docs/protocol.md", "[the start](../README.md)", "[the start](index.md)"),
        ("all_losses/README.md", "[rules](../docs/protocol.md)", "[rules](../protocol.md)"),
        ("README.md", "[its text](LICENSE)", "its text (`LICENSE` in the repository)"),
        ("README.md", "[elsewhere](https://example.org/a)", "[elsewhere](https://example.org/a)"),
        ("README.md", "[below](#what-leaves-a-site)", "[below](#what-leaves-a-site)"),
    ],
)
def test_links_get_the_places_of_the_site(source: str, written: str, shown: str) -> None:
    assert GATHER["rewritten"](written, Path(source), KNOWN) == shown


def test_every_public_module_has_a_page(tmp_path: Path) -> None:
    GATHER["gather"](tmp_path)
    pages = {path.stem for path in (tmp_path / "reference").glob("fed*.md")}
    assert {"fedprotocol.numbers", "fedaggregator.rules.base", "fednode.cli.app", "fedlab.demo.run"} <= pages
    listed = (tmp_path / "reference" / "index.md").read_text()
    assert all(f"({page}.md)" in listed for page in pages)


def test_the_site_asks_nobody_else_for_anything() -> None:
    settings = (ROOT / "mkdocs.yml").read_text()
    assert "font: false" in settings and "inventories: []" in settings and "http" not in settings
