"""The event index on a real anvil: it holds exactly what the chain's own log holds, whatever happens to the chain."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fedprotocol.chain import event_index
from fedprotocol.chain.coordinator import Coordinator
from fedprotocol.chain.errors import ChainError, RpcRefused
from fedprotocol.chain.event_index import EventIndex, EventIndexError, first_round_block
from fedprotocol.chain.events import scan
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.proxy import Proxy


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil() as chain:
        yield fresh(chain)


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few, so that short chains have a far part too."""
    monkeypatch.setattr(event_index, "NEAR", 12)


def fresh(chain: Anvil) -> Deployed:
    federation = Deployed.on(chain)
    sponsor = chain.accounts[0]
    federation.token.functions.mint(sponsor, 10**9).transact({"from": sponsor})
    federation.token.functions.approve(federation.contract.address, 10**9).transact({"from": sponsor})
    return federation


def fund(federation: Deployed, amount: int = 1) -> None:
    """One block with one event."""
    federation.contract.functions.fund(amount).transact({"from": federation.chain.accounts[0], "gas": 500_000})


def play(federation: Deployed, blocks: int, dice: random.Random) -> None:
    for _ in range(blocks):
        if dice.random() < 0.4:
            fund(federation, dice.randint(1, 99))
        else:
            federation.chain.rpc("evm_mine")


def from_now(federation: Deployed, path: Path | None = None, url: str | None = None) -> EventIndex:
    """One that begins at the chain's last block; the tests of a file go on on one chain."""
    chain = federation.chain
    coordinator = Coordinator.connect(url or chain.url, federation.contract.address, CHAIN_ID)
    last = chain.web3.eth.block_number
    return EventIndex(coordinator, path, lambda: last)


def assert_same(index: EventIndex) -> None:
    """As a scan of the whole chain has it."""
    last = index.coordinator.web3.eth.block_number
    assert index.sync() == last
    assert index.events() == list(scan(index.coordinator, first_of(index), last))


def first_of(index: EventIndex) -> int:
    return int(index._db.execute("SELECT first FROM identity").fetchone()[0])


def test_every_block_is_read_once(federation: Deployed, tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with Proxy(federation.chain.url) as proxy:
        with from_now(federation, path, proxy.url) as index:
            play(federation, 30, random.Random(1))
            assert_same(index)
            proxy.seen.clear()
            for _ in range(3):
                index.sync()
            assert [request["method"] for request in proxy.seen] == ["eth_getBlockByNumber"] * 3
        fund(federation)
        with from_now(federation, path, proxy.url) as again:  # a restart
            proxy.seen.clear()
            again.sync()
            assert len(proxy.seen) <= 4
            assert len([request for request in proxy.seen if request["method"] == "eth_getLogs"]) == 1
            assert_same(again)


def test_what_is_asked_for(federation: Deployed) -> None:
    index = from_now(federation)
    fund(federation, 5)
    assert index.events() == []
    last = index.sync()
    every = index.events()
    assert {event.name for event in every} == {"Funded"} and every[-1].args["amount"] == 5
    assert index.events(("Funded", "Joined")) == every and index.events(("Joined",)) == []
    assert index.events(round_number=1) == []
    assert index.events(to_block=last - 1) == every[:-1]


def test_reorgs_of_depth_1_to_10(federation: Deployed, tmp_path: Path) -> None:
    """Blocks with events go, others with events come; also while the program is not running."""
    chain, dice = federation.chain, random.Random(2)
    path = tmp_path / "events.sqlite"
    with from_now(federation, path) as index:
        play(federation, 10, dice)
        assert_same(index)
    for depth in range(1, 11):
        with from_now(federation, path) as index:
            for _ in range(2):
                chain.rpc("anvil_reorg", depth, [])
                chain.rpc("anvil_dropAllTransactions")
                play(federation, dice.randint(1, 3), dice)
                assert_same(index)
        chain.rpc("anvil_reorg", depth, [])
        play(federation, 1, dice)


def test_the_same_events_in_other_blocks(federation: Deployed) -> None:
    """What a re-org puts into a later block is another event."""
    chain = federation.chain
    index = from_now(federation)
    fund(federation, 77)
    index.sync()
    [*_, first] = index.events()
    chain.rpc("anvil_reorg", 1, [])
    chain.rpc("anvil_dropAllTransactions")
    chain.rpc("evm_mine")
    fund(federation, 77)
    assert_same(index)
    [*_, second] = index.events()
    assert (second.args, second.block) == (first.args, first.block + 2) and second.block_hash != first.block_hash


def test_a_shorter_chain() -> None:
    """Until it is longer than the old one was, only what is in it counts."""
    with Anvil() as chain:
        federation, dice = fresh(chain), random.Random(3)
        play(federation, 20, dice)
        snapshot = chain.rpc("evm_snapshot")
        with from_now(federation) as index:
            play(federation, 6, dice)
            assert_same(index)
            chain.rpc("evm_revert", snapshot)
            assert_same(index)
            for _ in range(8):
                play(federation, 1, dice)
                assert_same(index)


def test_a_reorg_deeper_than_the_hashes_kept(
    federation: Deployed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(event_index, "KEPT", 4)
    index, dice = from_now(federation), random.Random(4)
    play(federation, 20, dice)
    assert_same(index)
    federation.chain.rpc("anvil_reorg", 6, [])
    federation.chain.rpc("anvil_dropAllTransactions")
    play(federation, 3, dice)
    assert_same(index)
    assert "reading all events again" in caplog.text


def during(proxy: Proxy, method: str, times: int, happens: Callable[[], None]) -> None:
    """`happens` before the request of `method` that is the `times`-th from now."""
    left = times

    def request(asked: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        if asked["method"] == method:
            left -= 1
            if left == 0:
                happens()
        return asked

    proxy.request = request


@pytest.mark.parametrize("method", ["eth_getLogs", "eth_getBlockByNumber"])
@pytest.mark.parametrize("times", [1, 2, 6])
def test_a_reorg_during_the_read(federation: Deployed, method: str, times: int) -> None:
    """In the far part, at the seam, in the near part; deeper than the near part goes."""
    chain, dice = federation.chain, random.Random(times)
    with Proxy(chain.url) as proxy:
        index = from_now(federation, url=proxy.url)
        play(federation, 30, dice)

        def reorg() -> None:
            proxy.request = lambda asked: asked
            chain.rpc("anvil_reorg", 9, [])
            chain.rpc("anvil_dropAllTransactions")
            play(federation, 2, dice)

        during(proxy, method, times, reorg)
        last = index.sync()
        assert index.events() == list(scan(index.coordinator, first_of(index), last))
        assert_same(index)


def test_an_endpoint_that_lags_changes_nothing(federation: Deployed) -> None:
    """It knows neither the last blocks nor their logs; a range would have no logs and no error."""

    def request(asked: dict[str, Any]) -> dict[str, Any]:
        [*params] = asked["params"]
        if asked["method"] == "eth_getBlockByNumber" and params[0] == "latest":
            params[0] = hex(behind)
        return {**asked, "params": params}

    with Proxy(federation.chain.url) as proxy:
        index = from_now(federation, url=proxy.url)
        play(federation, 10, random.Random(6))
        fund(federation)
        behind = index.sync() - 3
        every = index.events()
        proxy.request = request
        assert index.sync() == behind
        assert index.events() == [event for event in every if event.block <= behind]
        proxy.request = lambda asked: asked
        before = len(proxy.seen)
        assert_same(index)
        assert len([r for r in proxy.seen[before:] if r["method"] == "eth_getLogs"]) == 1, "only the scan that compares"


def test_an_endpoint_without_the_block_is_no_empty_block(federation: Deployed) -> None:
    fund(federation)

    def response(answer: dict[str, Any]) -> dict[str, Any]:
        if proxy.seen[-1]["method"] != "eth_getLogs":
            return answer
        return {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32000, "message": "unknown block"}}

    with Proxy(federation.chain.url, response=response) as proxy:
        coordinator = Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID)
        index = EventIndex(coordinator, first_block=lambda: federation.chain.web3.eth.block_number)
        with pytest.raises(RpcRefused, match="unknown block"):
            index.sync()
        proxy.response = lambda answer: answer
        index.sync()
        assert [event.name for event in index.events()] == ["Funded"]


WORDS = [
    "query returned more than 10000 results",
    "block range too large",
    "exceed maximum block range: 5",
    "Log response size exceeded. You can make eth_getLogs requests with up to a 5 block range",
]


def test_limits_of_providers(federation: Deployed) -> None:
    """All of them are met with smaller ranges, and few requests are lost on finding out."""
    spans: list[int] = []

    def response(answer: dict[str, Any]) -> dict[str, Any]:
        asked = proxy.seen[-1]
        if asked["method"] != "eth_getLogs" or "fromBlock" not in asked["params"][0]:
            return answer
        start, end = (int(asked["params"][0][key], 16) for key in ("fromBlock", "toBlock"))
        spans.append(end - start + 1)
        message = WORDS[len(spans) % len(WORDS)]
        return {"id": 1, "error": {"code": -32602, "message": message}} if spans[-1] > 5 else answer

    with Proxy(federation.chain.url, response=response) as proxy:
        index = from_now(federation, url=proxy.url)
        play(federation, 70, random.Random(7))
        last = index.sync()
    assert index.events() == list(scan(federation.coordinator(), first_of(index), last))
    useful = [span for span in spans if span <= 5]
    assert max(useful) >= 4 and len(spans) < 2 * len(useful)


def test_a_chain_started_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Same chain id, same address, another genesis: nothing of before is left. So it is with another contract."""
    path = tmp_path / "events.sqlite"
    for timestamp, blocks in (("1700000000", 30), ("1800000000", 3)):
        with Anvil("--timestamp", timestamp) as chain:
            federation = fresh(chain)
            play(federation, blocks, random.Random(8))
            fund(federation)
            with EventIndex(federation.coordinator(), path) as index:
                assert_same(index)
                assert index.events()
    assert "of another chain or coordinator: reading anew" in caplog.text
    caplog.clear()
    with Anvil("--timestamp", "1800000000") as chain:
        fresh(chain)
        other = fresh(chain)
        fund(other, 9)
        with EventIndex(other.coordinator(), path) as index:
            assert_same(index)
    assert "of another chain or coordinator" in caplog.text


def test_a_chain_started_anew_under_a_running_program() -> None:
    with Anvil("--timestamp", "1700000000") as chain, Proxy(chain.url) as proxy:
        federation = fresh(chain)
        play(federation, 40, random.Random(9))
        index = EventIndex(Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID))
        assert_same(index)
        with Anvil("--timestamp", "1800000000") as other:
            proxy.target = other.url
            again = fresh(other)
            assert again.contract.address == federation.contract.address
            fund(again, 3)
            assert_same(index)
            play(again, 60, random.Random(10))
            assert_same(index)


def test_a_chain_that_is_another_one_with_every_look(federation: Deployed) -> None:
    def response(answer: dict[str, Any]) -> dict[str, Any]:
        if proxy.seen[-1]["method"] == "eth_getBlockByNumber":
            answer["result"]["parentHash"] = "0x" + os.urandom(32).hex()
        return answer

    with Proxy(federation.chain.url, response=response) as proxy:
        index = EventIndex(Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID))
        with pytest.raises(ChainError, match="do the RPC endpoints disagree"):
            index.sync()


def test_two_programs_share_a_file(federation: Deployed, tmp_path: Path) -> None:
    path, dice = tmp_path / "events.sqlite", random.Random(11)
    with from_now(federation, path) as one, from_now(federation, path) as two:
        for step in range(6):
            play(federation, 3, dice)
            if step % 2:
                federation.chain.rpc("anvil_reorg", 3, [])
                federation.chain.rpc("anvil_dropAllTransactions")
            assert_same(two if step % 3 else one)
            assert_same(one)
        head = one._head()
        two._append(head, head._replace(number=head.number + 1), [])
        assert not one._append(head, head._replace(number=head.number + 1, hash=b"other"), []), "it was not the first"


@pytest.mark.parametrize("damage", [b"not a database, by far" * 400, None])
def test_a_damaged_file_is_made_anew(
    federation: Deployed, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None
) -> None:
    path = tmp_path / "events.sqlite"
    with from_now(federation, path) as index:
        fund(federation)
        index.sync()
        index._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(damage or content[:4096] + os.urandom(len(content) - 4096))
    with from_now(federation, path) as index:
        assert_same(index)
    assert "is damaged" in caplog.text


def test_a_full_disk_is_an_error_and_loses_nothing(federation: Deployed, tmp_path: Path) -> None:
    with from_now(federation, tmp_path / "events.sqlite") as index:
        index.sync()
        pages = index._db.execute("PRAGMA page_count").fetchone()[0]
        index._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(EventIndexError, match="full"):
            for _ in range(200):
                fund(federation)
                index.sync()
        index._db.execute(f"PRAGMA max_page_count = {10 * pages}")
        assert_same(index)
    with pytest.raises(EventIndexError, match="cannot be used"):
        EventIndex(federation.coordinator(), tmp_path).sync()
    assert sqlite3.connect(tmp_path / "events.sqlite").execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_the_block_of_the_first_round(tmp_path: Path) -> None:
    from support.deployed import sender

    with Anvil() as chain:
        federation = fresh(chain)
        coordinator = federation.coordinator()
        assert first_round_block(coordinator) == chain.web3.eth.block_number
        for number in range(2):
            member = sender(chain, federation.account(), tmp_path / f"{number}.sqlite")
            coordinator.token.ensure_allowance(member, coordinator.address, 1_000)
            member.send(coordinator.calls.join(1_000), "join")
        fund(federation, 1_000)
        opened = member.send(coordinator.calls.open(), "open")["blockNumber"]
        play(federation, 7, random.Random(12))
        with EventIndex(coordinator, first_block=lambda: first_round_block(coordinator)) as index:
            index.sync()
            assert first_of(index) <= opened
            assert chain.web3.eth.get_block(first_of(index))["timestamp"] >= coordinator.round_view(1).opened_at
            assert [event.name for event in index.events(round_number=1)] == ["RoundOpened"]
