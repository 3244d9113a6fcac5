"""What transactions, events and the search do in a visitor's Chromium."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from support.browser import Tab, chromium, tab
from support.evm import Anvil
from support.ledger_server import HOSTILE, Server, served
from support.ledger_world import World
from support.proxy import same

__all__ = ["chromium", "tab"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Anvil("--order", "fifo") as chain, served(World(chain), tmp_path_factory.mktemp("home")) as found:
        yield found


def test_a_transaction_appears_by_itself_when_it_has_been_read(server: Server, tab: Tab) -> None:
    go_on = threading.Event()

    def slow(answer: dict[str, Any]) -> dict[str, Any]:
        result = answer.get("result")
        if isinstance(result, dict) and "transactionIndex" in result:
            go_on.wait(20)
        return answer

    server.proxy.response = slow
    try:
        tab.page.goto(f"{server.url}/tx/0x{bytes(server.world.challenge['transactionHash']).hex()}")
        expect(tab.page.get_by_role("status")).to_contain_text("being read from the chain")
        expect(tab.page.locator("main")).to_contain_text("Convicted")  # what the events say is there at once
        go_on.set()
        expect(tab.page.get_by_role("heading", name="Call challenge")).to_be_visible()
        expect(tab.page.get_by_role("status")).to_have_count(0)
    finally:
        server.proxy.response = same
        go_on.set()


def test_the_filter_shows_what_its_csv_has(server: Server, tab: Tab) -> None:
    page = tab.page
    page.goto(server.url + "/events")
    page.get_by_role("combobox", name="event").select_option("Attested")
    page.get_by_role("textbox", name="account").fill(HOSTILE)
    page.get_by_role("button", name="Show").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(HOSTILE)  # as text: the tab would have complained about a script
    table = page.request.get(page.get_by_role("link", name="CSV").evaluate("a => a.href")).text()
    [found] = csv.DictReader(io.StringIO(table))
    assert rows.locator("[data-label=block]").inner_text() == found["block"]
    page.locator("summary", has_text="topics and data").click()
    expect(rows.locator("ol li")).to_have_count(3)


def test_what_is_being_typed_stays_while_new_events_come(server: Server, tab: Tab) -> None:
    page, world = tab.page, server.world
    page.goto(server.url + "/events")
    page.get_by_role("textbox", name="account").fill("0x12")
    before = page.locator("tbody tr").count()
    funder, coordinator, token = world.chain.accounts[6], world.coordinator.address, world.federation.token.functions
    world.chain.do(token.mint(funder, 50))
    world.chain.do(token.approve(coordinator, 50), funder)
    world.chain.do(world.federation.contract.functions.fund(50), funder)
    expect(page.locator("tbody tr")).to_have_count(before + 1)
    expect(page.get_by_role("textbox", name="account")).to_have_value("0x12")


def test_the_search_box_by_keyboard(server: Server, tab: Tab) -> None:
    page = tab.page
    page.goto(f"{server.url}/block/9")
    for text, address, heading in (
        ("block 10", "/block/10", "Block 10"),
        ("anna", f"/address/{server.world.game.accounts[0]}", "St. Anna's clinic"),
        ("nothing of this name", "/search?q=nothing+of+this+name", "Search"),
    ):
        page.get_by_label("Search for a round").fill(text)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page).to_have_url(re.compile(re.escape(address) + "$"))
    expect(page.locator("main")).to_contain_text("Names of accounts come from the names file")
