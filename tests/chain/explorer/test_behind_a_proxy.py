"""The explorer behind a web server, under a part of its address: every link, every file, and the stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import pytest
import requests
from support import reverse_proxy
from support.browser import Tab
from support.documents import ROOT
from support.evm import Anvil
from support.explorer_process import explorer
from support.live_federation import TOKEN, LiveFederation
from support.reverse_proxy import OTHER, PREFIX

PUBLIC = "explorer.example.org"
MOST = 60  # pages that are followed
KINDS = ("nginx, as the manual says", "takes the path off", "leaves the path")


class Addresses(HTMLParser):
    """Everything that a page leads to or loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = ("href", "src", "action", "sse-connect")
        self.found += [value for name, value in attributes if name in names and value]


@pytest.fixture(scope="module")
def federation() -> Iterator[LiveFederation]:
    with Anvil() as chain:
        yield LiveFederation(chain)


@pytest.fixture(scope="module", params=KINDS)
def url(
    request: pytest.FixtureRequest, federation: LiveFederation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where visitors find it. The web server asks under the public name, except nginx, which asks under the address."""
    is_nginx, leaves = request.param == KINDS[0], request.param == KINDS[2]
    if is_nginx and reverse_proxy.found() is None:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("explorer")
    options = [f"--hostname={PUBLIC}", *([f"--root-path={PREFIX}"] if leaves else [])]
    with ExitStack() as stack:
        started = stack.enter_context(explorer(federation.coordinator.address, federation.chain.url, folder, *options))
        direct = started.url.removesuffix(f"{PREFIX}/") + ("/" if leaves else "")
        if is_nginx:
            found = stack.enter_context(reverse_proxy.nginx(direct, folder / "nginx", location_in_the_manual()))
        else:
            found = stack.enter_context(reverse_proxy.own(direct, PUBLIC, strips=not leaves))
        while requests.get(found, timeout=20).status_code == 503:
            pass
        yield found


def location_in_the_manual() -> str:
    text = (ROOT / "docs/explorer.md").read_text()
    [block] = re.findall(r"^location /explorer/ \{.*?^\}", text, re.MULTILINE | re.DOTALL)
    return str(block)


def test_every_address_stays_inside_and_is_answered(url: str) -> None:
    waiting, seen = [url], {url}
    for _ in range(MOST):
        if not waiting:
            break
        here = waiting.pop(0)
        answer = requests.get(here, timeout=20, allow_redirects=False, stream=True)
        assert answer.status_code in (200, 307), (here, answer.status_code)
        assert answer.headers["Content-Security-Policy"] and answer.content != OTHER
        if answer.headers["Content-Type"].startswith("text/html"):
            reader = Addresses()
            reader.feed(answer.text)
            for address in reader.found:
                target = urldefrag(urljoin(here, address))[0]
                assert target.startswith(url), (here, address)
                if target not in seen and "/live" not in target:
                    seen.add(target)
                    waiting.append(target)
    assert {url + "events", url + "static/style.css", url + "api/federation"} <= seen


def test_an_error_leads_back_to_the_pages(url: str) -> None:
    for path, status in (("nothing/here", 404), ("events?round=" + 600 * "1", 400), ("rounds/x", 400)):
        answer = requests.get(url + path, timeout=20)
        assert answer.status_code == status
        reader = Addresses()
        reader.feed(answer.text)
        assert all(urljoin(url + path, address).startswith(url) for address in reader.found), path
        assert url in [urljoin(url + path, address) for address in reader.found]


def test_a_slash_at_the_end_leads_to_the_page(url: str) -> None:
    answer = requests.get(url + "events/?name=Funded", timeout=20, allow_redirects=False)
    assert answer.status_code == 308
    assert urljoin(url + "events/", answer.headers["Location"]) == url + "events?name=Funded"


def test_the_stream_comes_through_at_once(url: str, federation: LiveFederation) -> None:
    with requests.get(url + "live?since=0", stream=True, timeout=20) as stream:
        lines = stream.iter_lines(chunk_size=1)
        assert next(line for line in lines if line.startswith(b"event")) == b"event: changed"
        federation.mint(federation.chain.accounts[0], TOKEN)
        federation.transact(federation.token.functions.approve(federation.coordinator.address, TOKEN))
        federation.transact(federation.coordinator.contract.functions.fund(TOKEN))
        assert next(line for line in lines if line.startswith(b"event")) == b"event: changed"


def test_a_page_there_changes_by_itself_in_a_browser(url: str, federation: LiveFederation, tab: Tab) -> None:
    tab.page.goto(url)
    before = tab.page.locator("main").inner_text()
    federation.mint(federation.chain.accounts[0], 3 * TOKEN)
    federation.transact(federation.token.functions.approve(federation.coordinator.address, 3 * TOKEN))
    federation.transact(federation.coordinator.contract.functions.fund(3 * TOKEN))
    pool = f"{federation.coordinator.balances().pool // TOKEN} "
    assert pool not in before
    tab.page.get_by_text(pool).first.wait_for()


def test_a_path_that_is_left_and_not_told_is_a_page_that_says_so(federation: LiveFederation, tmp_path: Path) -> None:
    with (
        explorer(federation.coordinator.address, federation.chain.url, tmp_path, f"--hostname={PUBLIC}") as started,
        reverse_proxy.own(started.url, PUBLIC, strips=False) as url,
    ):
        answer = requests.get(url, timeout=20)
        assert answer.status_code == 404 and "Nothing is at this address" in answer.text
