#!/usr/bin/env python3
"""Make docs/pictures/explorer.png again: the page of a round with a convicted lie, as Chromium shows it.

PYTHONPATH=tests python tools/pictures/explorer_page.py [PATH OUT.png]…
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from support.browser import FLAGS, executable
from support.explored_federation import LIE
from support.explored_site import explored_site

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "explorer.png"
WIDTH, HEIGHT, SCALE = 1180, 800, 1.5


def take(pictures: dict[str, Path], width: int = WIDTH, height: int = HEIGHT, scheme: str = "light") -> None:
    """A picture of the top of each page, by its path."""
    with tempfile.TemporaryDirectory() as folder, explored_site(Path(folder)) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        tab = browser.new_page(
            viewport={"width": width, "height": height},
            device_scale_factor=SCALE,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        for path, out in pictures.items():
            tab.goto(site.url.rstrip("/") + path, wait_until="load")
            tab.wait_for_timeout(500)  # what the scripts draw
            tab.screenshot(path=str(out))
        browser.close()


if __name__ == "__main__":
    given = sys.argv[1:]
    take(dict(zip(given[::2], map(Path, given[1::2]), strict=True)) if given else {f"/rounds/{LIE}": PICTURE})
