"""Pages that stay open while the federation goes on, and while the chain or the store is away."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedprotocol.types import Phase
from playwright.sync_api import Page, expect
from support.browser import Tab
from support.explored_federation import FINAL, OPEN
from support.explored_site import ExploredSite, explored_site

AWAY = {"eth_blockNumber", "eth_getBlockByNumber", "eth_getBlockByHash", "eth_call", "eth_getLogs", "eth_getBalance"}
SOON = 20_000  # milliseconds in which a change must be seen on a busy machine


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExploredSite]:
    with explored_site(tmp_path_factory.mktemp("explored")) as found:
        yield found


def test_a_phase_changes_under_the_reader_s_eyes(site: ExploredSite, tab: Tab) -> None:
    """The page is not loaded again, does not jump, and what the reader has opened stays open."""
    page = opened(tab, site, "/")
    card = page.locator("section.card", has=page.get_by_role("heading", name=f"Round {OPEN}"))
    expect(card.locator("[aria-current=step]")).to_have_text("Train")
    page.evaluate("window.sameDocument = true")
    page.set_viewport_size({"width": 1280, "height": 500})
    page.get_by_text("The numbers", exact=True).click()
    place = page.get_by_role("heading", name="How well it learns")
    place.evaluate("place => place.scrollIntoView()")
    before = place.bounding_box()
    assert page.evaluate("scrollY") > 0
    site.federation.go_on(Phase.REVEAL)
    expect(card.locator("[aria-current=step]")).to_have_text("Reveal", timeout=SOON)
    expect(page.get_by_role("row", name="Revealed").first).to_be_visible()
    assert page.evaluate("window.sameDocument") is True
    after = place.bounding_box()
    assert before and after and abs(after["y"] - before["y"]) <= 1
    assert page.locator("details", has_text="The numbers").first.get_attribute("open") is not None


def test_a_round_s_page_follows_to_the_end(site: ExploredSite, tab: Tab) -> None:
    """Every phase until the round is final is shown by the page of the round as it is entered."""
    page = opened(tab, site, f"/rounds/{OPEN}")
    page.evaluate("window.sameDocument = true")
    heading = page.locator("main .head").first
    for phase in (Phase.ATTEST, Phase.AGGREGATE, Phase.CHALLENGE):
        site.federation.go_on(phase)
        expect(heading).to_contain_text(phase.name.capitalize(), timeout=SOON)
    site.federation.history.finish()
    expect(heading).to_contain_text("Final", timeout=SOON)
    assert page.evaluate("window.sameDocument") is True


def test_a_reorganisation_is_followed_and_said(site: ExploredSite, tab: Tab) -> None:
    federation = site.federation.federation
    page = opened(tab, site, "/events")
    federation.fund(3)
    site.wait_for_block()
    count = site.api("/events?name=Funded")["count"]
    expect(page.get_by_role("cell", name="Funded").first).to_be_visible(timeout=SOON)
    site.federation.chain.rpc("anvil_reorg", 2, [])
    federation.blocks.time = site.federation.chain.now()
    expect(page.get_by_text("The chain replaced its blocks after")).to_be_visible(timeout=SOON)
    assert site.api("/events?name=Funded")["count"] == count - 1


def test_while_the_node_is_away_every_page_says_so_and_shows_what_it_has(site: ExploredSite, tab: Tab) -> None:
    page = opened(tab, site, f"/rounds/{FINAL}")
    site.node.closed |= AWAY
    try:
        expect(page.get_by_role("alert")).to_contain_text("cannot be read now", timeout=SOON)
        for kind, paths in site.pages().items():
            text = site.get(paths[0]).text
            assert "cannot be read now" in text, kind
            assert site.node.url not in text, kind
        page.reload()
        expect(page.get_by_role("heading", name=f"Round {FINAL}").first).to_be_visible()
    finally:
        site.node.closed.clear()
    expect(page.get_by_role("alert")).to_have_count(0, timeout=2 * SOON)


def test_while_the_store_is_away_the_pages_of_content_say_so(site: ExploredSite, tmp_path: Path) -> None:
    pages = site.pages()
    store = site.federation.folder / "store"
    store.rename(tmp_path / "store")
    try:
        for path in ("/", *pages["round"], *pages["money"]):
            assert site.get(path).status_code == 200, path
        for path in pages["tree"]:
            assert site.get(path).status_code == 200
    finally:
        shutil.move(tmp_path / "store", store)


def opened(tab: Tab, site: ExploredSite, path: str) -> Page:
    """The page, listening for changes."""
    with tab.page.expect_request("**/live?*"):
        tab.page.goto(site.url.rstrip("/") + path)
    return tab.page
