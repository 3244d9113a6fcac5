"""Whether a page in Chromium is fit for everybody: nothing serious by axe in light and in dark, and no scrolling
sideways on a telephone or on a wide screen."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page
from support.evm import ROOT

AXE = ROOT / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
COLOURS = ["color-contrast"]  # all that is different in the dark
SERIOUS = ("serious", "critical")
WIDTHS = (360, 1280, 2560)
SETTLED = 3.0  # seconds, on a busy machine


def check_fit(page: Page) -> None:
    """Raises AssertionError if it is not."""
    path = page.url
    wide = {width: overflow for width in WIDTHS if (overflow := overflowing(page, width))}
    assert not wide, f"{path} is wider than the window: {wide}"
    assert not (found := barriers(page, RULES)), f"{path}: " + "\n".join(found)
    page.emulate_media(color_scheme="dark")
    assert not (found := barriers(page, COLOURS)), f"{path} in the dark: " + "\n".join(found)
    page.emulate_media(color_scheme="light")


def overflowing(page: Page, width: int) -> str:
    """What makes the page wider than the window; empty if nothing does, once charts have taken their new width."""
    page.set_viewport_size({"width": width, "height": 900})
    end = time.monotonic() + SETTLED
    while (found := str(page.evaluate(WIDER))) and time.monotonic() < end:
        page.wait_for_timeout(50)
    return found


WIDER = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return "";
    const isBox = (e) => getComputedStyle(e).overflowX !== "visible";
    const clips = (e) => e && e !== document.body && (isBox(e) || clips(e.parentElement));
    const wide = [...document.querySelectorAll("body *")]
        .filter((e) => e.getBoundingClientRect().right > width + 1 && !clips(e.parentElement));
    const last = wide.at(-1) || document.body;
    return `${document.documentElement.scrollWidth} pixels: ${last.outerHTML.slice(0, 200)}`;
}"""


def barriers(page: Page, rules: list[str]) -> list[str]:
    """What axe-core calls serious or critical, with the place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text() + "; 0")
    found: dict[str, Any] = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules)
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"][:3]
    ]
