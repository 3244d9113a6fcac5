"""The explorer of a `World`, served, behind a proxy that can be closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from fedexplorer.explorer import Explorer
from fedexplorer.given.settings import Settings, Shown
from fedexplorer.web.site_app import site_app
from fedprotocol.config import ChainConfig
from support.deployed import CHAIN_ID
from support.explorer_server import running
from support.ledger_world import World
from support.proxy import Proxy
from support.sending import until

HOSTILE = "<script>alert(1)</script>"
CLINIC = "St. Anna's clinic"


class Server:
    """An explorer of a world, behind a proxy that can be closed, and what it answers."""

    def __init__(self, world: World, url: str, proxy: Proxy, explorer: Explorer) -> None:
        self.world, self.url, self.proxy, self.explorer = world, url, proxy, explorer

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return requests.get(self.url + path, params=parameters, timeout=20, allow_redirects=False)

    def json(self, path: str, **parameters: Any) -> Any:
        answer = self.get("/api" + path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def html(self, path: str, **parameters: Any) -> str:
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.text

    def whole(self, path: str) -> Any:
        """The JSON of a page, as soon as the explorer has read what it is about."""
        until(lambda: self.json(path)["is_read"], 20)
        return self.json(path)


@contextmanager
def served(world: World, home: Path) -> Iterator[Server]:
    """Two of the accounts have names, one of them a hostile one."""
    with Proxy(world.chain.url) as proxy:
        chain = ChainConfig(rpc=(proxy.url,), chain_id=CHAIN_ID, coordinator=world.coordinator.address)
        names = {world.game.accounts[0]: CLINIC, world.game.accounts[1]: HOSTILE}
        with Explorer(Settings(home, chain, None, Shown(names=names))) as explorer:
            app, live = site_app(explorer, ["127.0.0.1"], "")
            with running(app, live.close) as port:
                until(lambda: explorer.follower.version > 0, 20)
                yield Server(world, f"http://127.0.0.1:{port}", proxy, explorer)
