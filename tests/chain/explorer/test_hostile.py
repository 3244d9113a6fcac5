"""Texts that strangers choose, on every page: they are shown as text, nothing runs, and nothing breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fedexplorer.explorer import Explorer
from fedexplorer.given.settings import Settings, Shown
from fedexplorer.views import ALL
from fedexplorer.views.site import Site
from fedexplorer.views.view import View
from fedexplorer.web.app import make_app
from fedexplorer.web.links import fill
from fedexplorer.web.live import Live
from fedexplorer.web.pages import Pages
from fedexplorer.web.security import protected
from fedprotocol.chain.amounts import Amounts
from fedprotocol.config import ChainConfig, StoreConfig
from fedprotocol.printable import printable
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from support.browser import Tab, chromium, tab
from support.evm import Anvil
from support.explored_federation import ExploredFederation, anvil_options
from support.explorer_server import running

RUDE = (
    "\"'><script>window.hostile_mark = 1</script><img src=x onerror=alert(1)>{{ 7 * 7 }}{% raw %}"
    "\x1b[2J\x00\r\n\u202eevil\u2066\u200b\u2028javascript:alert(1)</title></style><!--" + 10_000 * "W"
)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
LONGEST_WORD = 500  # letters that a page may have in a row, but for raw data
UNSEEN = (("input", "value"), ("div", "data-manifest"))  # a visitor's own text, and what a script reads
NARROW = 360  # pixels
WIDER = """width => {
  const scrolls = e => e && (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const wide = e => e.getBoundingClientRect().right > width && !scrolls(e.parentElement);
  return document.documentElement.scrollWidth <= width ? [] :
    [...document.querySelectorAll("body *")].filter(wide).map(e => `${e.outerHTML.slice(0, 90)}`);
}"""
"""What makes the page wider than a telephone."""
__all__ = ["chromium", "tab"]


class Reader(HTMLParser):
    """What a browser would make of a page: scripts, handlers, addresses, and the text that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.words: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "script" and not (given.get("src") or "").startswith(("./", "../", "static/")):
            self.wrong.append(f"a script {given}")
        for name, value in attributes:
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action") and re.match(r"\s*([a-z]+:|//)", value or "", re.IGNORECASE):
                self.wrong.append(f"{tag} leads to {value}")
            if value is not None and printable(value) != value and (tag, name) not in UNSEEN:  # one's own
                self.wrong.append(f"{tag} {name} holds {printable(value, 80)}")
        if tag not in VOID:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "script" in self._inside:
            if data.strip():
                self.wrong.append(f"a script of its own: {data[:80]}")
            return
        lines = data.split("\n")
        self.wrong += [f"text {printable(line, 80)}" for line in lines if printable(line) != line]
        self.words += data.split()


def wrong_in(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    long = [word[:40] for word in reader.words if len(word) > LONGEST_WORD and not word.startswith("0x")]
    return reader.wrong + [f"a word of more than {LONGEST_WORD} letters: {word}" for word in long]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real federation, all of whose texts are rude."""
    folder = tmp_path_factory.mktemp("hostile")
    with Anvil(*anvil_options(1_800_000_000)) as chain:
        federation = ExploredFederation(chain, folder)
        settings = Settings(
            folder / "home",
            ChainConfig(rpc=(chain.url,), chain_id=31337, coordinator=federation.address),
            StoreConfig(url=f"dir:{folder / 'store'}", find_peers=False),
            Shown(title=RUDE, names={address: f"{name} {RUDE}" for address, name in federation.names.items()}),
        )
        with Explorer(settings) as explorer:
            explorer.follower.wait(0, 60)
            found = explorer.site()
            known = found.state.federation
            rude = replace(known, rule=RUDE, amounts=Amounts(18, printable(RUDE, 32)))
            yield replace(found, state=replace(found.state, federation=rude, problem=RUDE))


@pytest.fixture(scope="module")
def live() -> Live:
    return Live(lambda: 1)


@pytest.fixture(scope="module")
def app(site: Site, live: Live) -> ASGIApp:
    pages = Pages(ALL)
    return protected(
        make_app(ALL, lambda: site, live), (), lambda status, text, here: pages.error(status, text, None, here)
    )


@pytest.fixture
def client(app: ASGIApp) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


def addresses(view: View, site: Site) -> list[str]:
    """The first page of this kind, one from the middle, and the last."""
    found = [fill(view.path, parameters)[0] for parameters in view.pages(site)]
    return list(dict.fromkeys((*found[:1], *found[len(found) // 2 :][:1], *found[-1:])))


def test_what_the_reader_finds() -> None:
    assert wrong_in("<p onclick=x>a</p>") and wrong_in("<script>a()</script>") and wrong_in("<a href='javascript:x'>")
    assert wrong_in("<p>\u202e</p>") and wrong_in("<p title='\x1b'>") and wrong_in("<p>" + 600 * "W")
    assert not wrong_in('<script defer src="../static/a.js"></script><p title="&lt;script&gt;">&lt;script&gt;</p>')


@pytest.mark.parametrize("view", ALL, ids=lambda view: view.name)
def test_every_page_shows_them_as_text(view: View, site: Site, client: TestClient) -> None:
    for path in addresses(view, site):
        answer = client.get(path)
        assert answer.status_code in (200, 308, 307, 302), (path, answer.status_code)
        assert wrong_in(answer.text) == [], path
        api = client.get("/api" + (path if path != "/" else "/federation"))
        assert api.headers["Content-Type"].startswith("application/json"), path
        json.loads(api.text)


@pytest.mark.parametrize(
    "path",
    [
        *("/search?q={}", "/events?name={}", "/events?account={}", "/events?round={}", "/tx/{}", "/block/{}"),
        *("/address/{}", "/rounds/{}", "/participants/{}", "/tree/{}", "/{}", "/static/{}", "/api/{}"),
        *("/api/events?name={}", "/?{}={}"),
    ],
)
def test_what_a_visitor_types_comes_back_as_text(path: str, client: TestClient) -> None:
    for text in ("<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{7*7}}", "\u202eabc", "a" * 400):
        answer = client.get(path.format(quote(text, safe=""), quote(text, safe="")))
        assert answer.status_code < 500, (path, text)
        if answer.headers["Content-Type"].startswith("text/html"):
            assert wrong_in(answer.text) == [], (path, text)
        else:
            assert answer.headers["Content-Type"].split(";")[0] in ("application/json", "text/csv", "text/plain")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_in_a_browser_nothing_runs_and_no_page_becomes_wider(site: Site, app: ASGIApp, live: Live, tab: Tab) -> None:
    tab.page.set_viewport_size({"width": NARROW, "height": 800})
    tab.page.on("dialog", lambda dialog: tab.complaints.append(dialog.message) or dialog.dismiss())
    with running(app, live.close) as port:
        for path in [path for view in ALL for path in addresses(view, site)[:1]]:
            tab.page.goto(f"http://127.0.0.1:{port}{path}", wait_until="load")
            assert tab.page.evaluate("window.hostile_mark") is None, path
            found = tab.page.evaluate(WIDER, NARROW)
            assert not found, "\n".join((path, *found))
        tab.page.goto("about:blank")


def test_nothing_of_this_machine_is_on_any_page(site: Site, client: TestClient, tmp_path_factory: Any) -> None:
    """Neither the node's address nor a folder, however a page says what it lacks."""
    folder = str(Path(tmp_path_factory.getbasetemp()))
    for view in ALL:
        for path in addresses(view, site):
            text = client.get(path).text
            assert folder not in text and "127.0.0.1" not in text, path
