"""The event index on a real anvil: it holds exactly what the chain's own log holds, whatever happens to the chain."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fedprotocol.chain.errors import ChainError, RpcRefused
from fedprotocol.chain.read import event_index, event_table
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import scan
from support.deployed import CHAIN_ID, Deployed
from support.event_logs import assert_same, first_of, fresh, from_now, fund, play
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
    monkeypatch.setattr(event_table, "KEPT", 4)
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


def test_a_chain_that_is_another_one_with_every_look(federation: Deployed) -> None:
    def response(answer: dict[str, Any]) -> dict[str, Any]:
        if proxy.seen[-1]["method"] == "eth_getBlockByNumber":
            answer["result"]["parentHash"] = "0x" + os.urandom(32).hex()
        return answer

    with Proxy(federation.chain.url, response=response) as proxy:
        index = EventIndex(Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID))
        with pytest.raises(ChainError, match="do the RPC endpoints disagree"):
            index.sync()


def test_a_stream_is_what_the_list_holds_however_few_are_in_memory(
    federation: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_index, "AT_ONCE", 2)
    with EventIndex(federation.coordinator()) as index:
        index.sync()
        every = index.events()
        assert len(every) > 4
        assert list(index.stream()) == every == list(scan(index.coordinator, 0, index.sync()))
        assert list(index.stream(("Joined",))) == [event for event in every if event.name == "Joined"]


def test_a_stream_goes_on_behind_an_event(federation: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_index, "AT_ONCE", 2)
    with EventIndex(federation.coordinator()) as index:
        index.sync()
        every = index.events()
        for place, event in enumerate(every):
            behind = list(index.stream(after=(event.block, event.log_index)))
            assert behind == every[place + 1 :]
        assert list(index.stream(("Joined",), after=(every[0].block, every[0].log_index))) == [
            event for event in every[1:] if event.name == "Joined"
        ]


def test_an_entry_is_there_until_a_reorg_removes_it(federation: Deployed) -> None:
    chain, index = federation.chain, from_now(federation)
    fund(federation, 55)
    fund(federation, 56)
    index.sync()
    first, second = index.events()
    entries = chain.web3.eth.get_logs({"address": federation.contract.address, "fromBlock": first.block})
    for event, entry in zip((first, second), entries, strict=True):
        found = index.entry(event)
        assert index.has(event) and found is not None
        assert (found["topics"], found["data"]) == (entry["topics"], entry["data"])
    chain.rpc("anvil_reorg", 1, [])
    chain.rpc("anvil_dropAllTransactions")
    fund(federation, 56)
    index.sync()
    assert index.has(first) and not index.has(second) and index.entry(second) is None
    assert index.events()[-1].args == second.args


def test_the_progress_of_a_sync(federation: Deployed) -> None:
    """It begins where the index begins, never goes back, and comes to the end."""
    index = from_now(federation)
    start = federation.chain.web3.eth.block_number
    play(federation, 40, random.Random(10))
    told: list[tuple[int, int]] = []
    last = index.sync(lambda read, newest: told.append((read, newest)))
    assert told[0] == (start - 1, last) and told[-1] == (last - 1, last)
    assert told == sorted(told) and len(told) > 12
    told.clear()
    index.sync(lambda read, newest: told.append((read, newest)))
    assert told == [], "nothing was new"


@pytest.mark.parametrize("stated", ["as it is", "left out", "zero", "long ago", "later", "no number"])
def test_the_time_that_a_node_states_in_an_entry(federation: Deployed, stated: str) -> None:
    """It saves a question for each block, and is believed only where it can be so."""

    def response(answer: dict[str, Any]) -> dict[str, Any]:
        for entry in answer["result"] if proxy.seen[-1]["method"] == "eth_getLogs" else []:
            if stated == "left out":
                del entry["blockTimestamp"]
            elif stated != "as it is":
                entry["blockTimestamp"] = {"zero": "0x0", "long ago": "0x10", "later": 2**40, "no number": "0xzz"}[
                    stated
                ]
        return answer

    with Proxy(federation.chain.url, response=response) as proxy:
        index = from_now(federation, url=proxy.url)
        play(federation, 40, random.Random(11))
        proxy.seen.clear()
        last = index.sync()
        asked = len([r for r in proxy.seen if r["method"] == "eth_getBlockByHash"])
        assert (asked == 0) == (stated == "as it is")
        assert index.events() == list(scan(federation.coordinator(), first_of(index), last))
