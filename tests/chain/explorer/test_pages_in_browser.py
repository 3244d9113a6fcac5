"""Every page in a visitor's Chromium: nothing breaks, nothing is asked for elsewhere, everybody can read it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fedexplorer.views import ALL
from playwright.sync_api import Page
from support.browser import Tab
from support.evm import ROOT
from support.explored_site import ExploredSite

AXE = ROOT / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
COLOURS = ["color-contrast"]  # all that is different in the dark
SERIOUS = ("serious", "critical")
KINDS = [view.name for view in ALL]
WIDTHS = (360, 1280, 2560)
MORE = {"round": 2, "tree": 2}  # pages of these kinds; one of each other kind
SETTLED = 3.0  # seconds, on a busy machine


@pytest.fixture(scope="module")
def pages(site: ExploredSite) -> dict[str, list[str]]:
    return site.pages()


def test_links_lead_to_every_kind_of_page(pages: dict[str, list[str]]) -> None:
    """And none leads nowhere, or `pages` would have failed."""
    assert set(pages) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_fit_for_everybody(site: ExploredSite, pages: dict[str, list[str]], tab: Tab, kind: str) -> None:
    """No complaint in the console, no request elsewhere (`Tab` sees to both), nothing serious by axe in light and in
    dark, no scrolling sideways on a telephone or on a wide screen."""
    for path in pages[kind][: MORE.get(kind, 1)]:
        tab.page.goto(site.url.rstrip("/") + path)
        wide = {width: overflow for width in WIDTHS if (overflow := overflowing(tab.page, width))}
        assert not wide, f"{path} is wider than the window: {wide}"
        assert not (found := barriers(tab.page, RULES)), f"{path}: " + "\n".join(found)
        tab.page.emulate_media(color_scheme="dark")
        assert not (found := barriers(tab.page, COLOURS)), f"{path} in the dark: " + "\n".join(found)
        tab.page.emulate_media(color_scheme="light")


def test_these_checks_find_what_is_wrong(site: ExploredSite, tab: Tab) -> None:
    tab.page.goto(site.url)
    assert overflowing(tab.page, 360) == "" and barriers(tab.page, RULES) == []
    tab.page.evaluate(SPOIL)
    assert "spoiled" in overflowing(tab.page, 360)
    assert {found.partition(":")[0] for found in barriers(tab.page, RULES)} == {"image-alt", "color-contrast"}
    tab.page.goto(site.node.url)  # it does not know GET, and is elsewhere
    with pytest.raises(AssertionError) as error:
        tab.check()
    for said in ("console: spoiled", "uncaught: wrong", f"{site.node.url}/, which is elsewhere"):
        assert said in str(error.value)
    tab.expected.append("")  # all of it, and what may still come, such as a missing icon


SPOIL = """() => {
    const image = document.createElement("img"), faint = document.createElement("p");
    image.className = "spoiled";
    image.width = 5000;
    faint.textContent = "faint";
    faint.style.color = "#ddd";
    faint.style.background = "#eee";
    document.querySelector("main").append(image, faint);
    console.error("spoiled");
    setTimeout(() => { throw new Error("wrong"); });
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_reads_whole_without_javascript(
    site: ExploredSite, pages: dict[str, list[str]], tab: Tab, plain_tab: Tab, kind: str
) -> None:
    """Every heading and every cell of a table is there; scripts add only charts."""
    path, seen = pages[kind][-1], []
    for opened in (tab, plain_tab):
        opened.page.goto(site.url.rstrip("/") + path)
        places = (opened.page.locator(f"main :is({tag}):not(.uplot *)") for tag in ("h1", "h2", "h3", "th", "td", "p"))
        seen.append([place.count() for place in places])
    assert seen[0] == seen[1]
    assert seen[1][0] == 1


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
