"""Every page in a visitor's Chromium: nothing breaks, nothing is asked for elsewhere, everybody can read it."""

from __future__ import annotations

import pytest
from fedexplorer.views import ALL, IMPEACHMENT
from support.browser import Tab
from support.explored_site import ExploredSite
from support.fit_pages import RULES, barriers, check_fit, overflowing

KINDS = [view.name for view in ALL if view is not IMPEACHMENT]  # test_masked_pages.py has a round with one
MORE = {"round": 2}  # pages of these kinds; one of each other kind
TEXTS = ("h1", "h2", "h3", "th", "td", "p")


@pytest.fixture(scope="module")
def pages(site: ExploredSite) -> dict[str, list[str]]:
    return site.pages()


def test_links_lead_to_every_kind_of_page(pages: dict[str, list[str]]) -> None:
    """And none leads nowhere, or `pages` would have failed."""
    assert set(pages) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_fit_for_everybody(
    site: ExploredSite, pages: dict[str, list[str]], tab: Tab, plain_tab: Tab, kind: str
) -> None:
    """No complaint in the console, no request elsewhere (`Tab` sees to both), nothing serious by axe in light and in
    dark, no scrolling sideways on a telephone or on a wide screen; without JavaScript every heading and every cell of a
    table is there, because scripts add only charts."""
    for path in pages[kind][: MORE.get(kind, 1)]:
        seen = []
        for opened in (tab, plain_tab):
            opened.page.goto(site.url.rstrip("/") + path)
            places = (opened.page.locator(f"main :is({tag}):not(.uplot *)") for tag in TEXTS)
            seen.append([place.count() for place in places])
        assert seen[0] == seen[1]
        assert seen[1][0] == 1
        check_fit(tab.page)


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
