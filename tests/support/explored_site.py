"""The explorer of an explored federation as visitors see it: all its pages, found by following links."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import requests
from fedexplorer.views import ALL
from fedexplorer.views.view import View
from fedprotocol.types import Phase
from support.evm import Anvil
from support.explored_federation import ExploredFederation, anvil_options
from support.explorer_process import explorer
from support.proxy import Proxy

EACH = 4  # pages of a kind that are visited for more links


@dataclass
class ExploredSite:
    """`url` ends in a slash. `node` is between the explorer and the chain, and may be closed."""

    federation: ExploredFederation
    node: Proxy
    url: str
    session: requests.Session

    def get(self, path: str) -> requests.Response:
        """The answer to a path from the root."""
        return self.session.get(self.url.rstrip("/") + path, timeout=30)

    def api(self, path: str) -> Any:
        """A page's model. Raises AssertionError where there is none."""
        answer = self.get("/api" + (path if path != "/" else "/federation"))
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def wait_for_block(self, seconds: float = 20.0) -> None:
        """Until the explorer has read the chain's last block."""
        head, deadline = self.federation.federation.coordinator.head(), time.monotonic() + seconds
        while self.api("/")["events_to"] < head:
            assert time.monotonic() < deadline, f"block {head} was not read in {seconds} s"
            time.sleep(0.1)

    def pages(self) -> dict[str, list[str]]:
        """Paths by the name of the page's kind, as far as links from the first page lead to them. Raises AssertionError
        where a link leads nowhere."""
        found: dict[str, list[str]] = defaultdict(list)
        waiting = ["/", "/search?q=nothing+of+this+name"]  # the second is reached by a form
        seen = set(waiting)
        while waiting:
            path = waiting.pop(0)
            view = view_of(path)
            if view is not None:
                if len(found[view.name]) == EACH:
                    continue
                found[view.name].append(path)
            answer = self.get(path)
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
            if answer.headers["Content-Type"].startswith("text/html"):
                linked = [link for link in links_of(answer.text, path) if link not in seen]
                waiting += linked
                seen |= set(linked)
        return found


@contextmanager
def explored_site(folder: Path, until: Phase = Phase.TRAIN) -> Iterator[ExploredSite]:
    with Anvil(*anvil_options(int(time.time()))) as chain, Proxy(chain.url) as node, requests.Session() as session:
        federation = ExploredFederation(chain, folder, until)
        names = folder / "names.toml"
        names.write_text("".join(f'"{address}" = "{name}"\n' for address, name in federation.names.items()))
        options = (f"--names={names}", f"--store=dir:{folder / 'store'}", "--title=Four sites")
        with explorer(federation.address, node.url, folder, *options) as started:
            started.page(wanted="Pool", seconds=60)
            site = ExploredSite(federation, node, started.url, session)
            site.wait_for_block()
            yield site


def view_of(path: str) -> View | None:
    """The kind of the page at a path; None for other files."""
    plain = urlsplit(path).path
    for view in ALL:
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(view.path)), plain):
            return view
    return None


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and (target := given.get("href")):
            self.found.append(target)


def links_of(text: str, path: str) -> list[str]:
    """Paths that a page links to, without other sites and places on the same page, each once."""
    parser = _Links()
    parser.feed(text)
    joined = [urldefrag(urljoin("http://here" + path, link))[0] for link in parser.found]
    return list(dict.fromkeys(link.removeprefix("http://here") for link in joined if link.startswith("http://here/")))
