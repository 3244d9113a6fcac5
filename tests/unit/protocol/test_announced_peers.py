"""Announced peers: which places of strangers are read from, which are not, and in what order."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from fedprotocol.config import ConfigError, ConnectionConfig
from fedprotocol.peers import find
from fedprotocol.peers.announcement import MOST_PLACES, refusal, usable, wanted
from fedprotocol.peers.find import PeerFinder
from fedprotocol.store.base import NotFound
from fedprotocol.store.found import MOST, FoundSources
from fedprotocol.store.open import open_store
from fedprotocol.store.public import PublicResolver

GATEWAY = "https://gateway.example"
DAEMON = "/ip4/9.9.9.9/tcp/4001/p2p/12D3KooWExample"
PRIVATE = [
    "https://127.0.0.1",
    "http://localhost:5001",
    "http://169.254.169.254/latest",
    "https://10.0.0.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]",
    "https://router",
    "https://wiki.corp.internal",
    "http://2130706433",
    "/ip4/192.168.1.1/tcp/4001/p2p/12D3KooWExample",
    "/ip4/9.9.9.9/tcp/4001/p2p/12D3KooWRelay/p2p-circuit/ip4/10.0.0.1/tcp/1/p2p/12D3KooWExample",
    "/dns4/localhost/tcp/4001/p2p/12D3KooWExample",
    "dir:/etc",
]


def test_what_is_used_of_an_announcement() -> None:
    assert usable(f"{GATEWAY}\n {DAEMON} \n{GATEWAY}", False) == (GATEWAY, DAEMON)
    assert usable("\n".join(PRIVATE), False) == ()
    assert usable("dir:/srv/store\nhttp://127.0.0.1:80", True) == ("dir:/srv/store", "http://127.0.0.1:80")
    for text in (
        "",
        "\n\n",
        "nonsense",
        "https://user:secret@gateway.example",
        "https://a.example\x1b[2J",
        "\ufffd" * 9,
    ):
        assert usable(text, False) == () and usable(text, True) == ()
    assert len(usable("\n".join(f"https://g{number}.example" for number in range(20)), False)) == MOST_PLACES
    assert all(refusal(place, False) for place in PRIVATE)


def config(**store: Any) -> ConnectionConfig:
    chain = {"rpc": ["http://x"], "chain_id": store.pop("chain_id", 1), "coordinator": "0x" + 20 * "11"}
    return ConnectionConfig.model_validate({"chain": chain, "store": {"url": "dir:/srv/store", **store}})


def test_what_is_announced_of_oneself() -> None:
    assert wanted(config()) is None
    assert wanted(config(chain_id=31_337)) == "dir:/srv/store"
    assert wanted(config(chain_id=31_337, url="kubo:http://127.0.0.1:5001")) is None
    assert wanted(config(announce=[])) == ""
    assert wanted(config(announce=[GATEWAY, DAEMON])) == f"{GATEWAY}\n{DAEMON}"
    for wrong in (["dir:/srv/store"], ["https://10.1.2.3"], ["nonsense"], [GATEWAY] * 5, [f"{GATEWAY}/{'a' * 600}"]):
        with pytest.raises(ConfigError, match=r"\[store\] announce"):
            wanted(config(announce=wrong))


class Names(AbstractResolver):
    """Every name has these addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        pass


def test_a_name_that_leads_into_a_private_network_leads_nowhere() -> None:
    def looked_up(*addresses: str, proxy: str | None = None) -> list[str]:
        found = asyncio.run(PublicResolver(proxy, Names(*addresses)).resolve("stranger.example", 443))
        return [one["host"] for one in found]

    assert looked_up("10.0.0.1", "9.9.9.9", "fe80::1%eth0") == ["9.9.9.9"]
    assert looked_up("10.0.0.1", proxy="stranger.example") == ["10.0.0.1"]
    for address in ("127.0.0.1", "169.254.169.254", "::1", "::ffff:192.168.0.1", "fd00::1", "224.0.0.1"):
        with pytest.raises(OSError, match="leads to a private address"):
            looked_up(address)


def test_those_that_served_come_first_and_no_more_than_some_are_asked(tmp_path: Path) -> None:
    names = [f"dir:{tmp_path}/{number}" for number in range(2 * MOST)]
    sources = FoundSources(lambda: [*names, "dir:relative", "nonsense"], is_local=True)
    assert len(sources()) == MOST
    assert {source.name for _ in range(40) for source in sources()} == {name.removeprefix("dir:") for name in names}
    first = sources()[-1]
    first.served = 1.0  # type: ignore[attr-defined]
    assert all(sources()[0] is first for _ in range(5))


def test_a_store_reads_from_what_is_announced_while_it_runs(tmp_path: Path) -> None:
    other = open_store(f"dir:{tmp_path}/other", tmp_path / "c")
    digest = other.put_block(b"a block")
    announced: list[str] = []
    own = open_store(f"dir:{tmp_path}/own", tmp_path / "c", (), lambda: announced, is_local=True)
    with pytest.raises(NotFound):
        own.get_block(digest, 100)
    announced += [f"dir:{tmp_path}/own", DAEMON, f"dir:{tmp_path}/nowhere", f"dir:{tmp_path}/other"]
    assert own.get_block(digest, 100) == b"a block"
    assert own.reachable() == 1 and "1 of 2 peers can be read" in own.check()


@contextmanager
def chain_says(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Iterator[list[int]]:
    asked: list[int] = []

    def announced(_: Any) -> Any:
        asked.append(1)
        return answer()

    monkeypatch.setattr(find, "announced", announced)
    yield asked


def test_the_chain_is_asked_now_and_then_and_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = SimpleNamespace()
    with chain_says(monkeypatch, lambda: {"0xa": (GATEWAY,), "0xb": (GATEWAY, DAEMON)}) as asked:
        finder = PeerFinder(lambda: connected)  # type: ignore[arg-type, return-value]
        assert finder() == (GATEWAY, DAEMON) == finder()
        assert len(asked) == 1
    with chain_says(monkeypatch, lambda: 1 / 0):
        assert PeerFinder(lambda: connected)() == ()  # type: ignore[arg-type, return-value]
    monkeypatch.setattr(find, "WAIT_SECONDS", 0.05)
    hanging = threading.Event()
    with chain_says(monkeypatch, hanging.wait):
        assert PeerFinder(lambda: connected)() == ()  # type: ignore[arg-type, return-value]
        hanging.set()
