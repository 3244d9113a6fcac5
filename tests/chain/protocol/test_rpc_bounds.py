"""Answers of an RPC endpoint are bounded: bytes, values, seconds; an oversized one is a refusal."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from fedprotocol.chain.endpoint import rpc
from fedprotocol.chain.endpoint.http import Endpoint, NoAnswer, TooLarge
from fedprotocol.chain.endpoint.rpc import FallbackProvider, web3_on
from fedprotocol.chain.errors import ChainUnreachable, RpcRefused, translated
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.events import chunks, scan
from support import hostile_server as hostile
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.hostile_server import Hostile
from support.proxy import Proxy
from web3.types import RPCEndpoint

MIB = 2**20


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil() as chain:
        yield Deployed.on(chain)


@pytest.mark.parametrize("answer", [hostile.endless, hostile.bomb])
def test_more_than_the_limit_is_never_in_memory(answer: hostile.Answer) -> None:
    with Hostile(answer) as server:
        tracemalloc.start()
        try:
            with pytest.raises(TooLarge):
                Endpoint(server.url).post(b"{}", 4 * MIB, seconds=30)
            assert tracemalloc.get_traced_memory()[1] < 16 * MIB
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    "answer", [hostile.dripping_headers, hostile.dripping_body, hostile.goes_on, hostile.silent, hostile.elsewhere]
)
def test_an_answer_is_whole_in_time_or_none(answer: hostile.Answer) -> None:
    began = time.monotonic()
    with Hostile(answer) as server, pytest.raises(NoAnswer):
        Endpoint(server.url).post(b"{}", MIB, seconds=0.6)
    assert time.monotonic() - began < 3


def test_nothing_is_read_behind_an_answer() -> None:
    with Hostile(hostile.after_the_end) as server:
        assert json.loads(Endpoint(server.url).post(b"{}", MIB, seconds=5).body)["result"] == "0x7a69"


@pytest.mark.parametrize("answer", [hostile.many_values, hostile.nested])
def test_an_answer_that_would_become_gigabytes_of_objects(
    answer: hostile.Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "MOST_VALUES", 250_000)
    with Hostile(answer) as server, pytest.raises(ChainUnreachable):
        FallbackProvider([server.url], CHAIN_ID).make_request(RPCEndpoint("eth_chainId"), [])


@pytest.mark.parametrize("answer", [hostile.endless, hostile.bomb, hostile.dripping_body, hostile.nested])
def test_the_next_endpoint_is_asked(federation: Deployed, answer: hostile.Answer) -> None:
    with Hostile(answer) as server:
        provider = FallbackProvider([server.url, federation.chain.url], CHAIN_ID, timeout=1.0)
        assert web3_on(provider).eth.get_code(federation.contract.address)


def test_too_large_an_answer_is_a_refusal_in_clear_words(federation: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "LARGEST_OTHER", MIB)

    def grown(answer: dict[str, Any]) -> dict[str, Any]:
        asked = proxy.seen[-1]["method"]
        return {**answer, "result": "0x" + "00" * MIB} if asked == "eth_getCode" else answer

    with Proxy(federation.chain.url, response=grown) as proxy:
        web3 = web3_on(FallbackProvider([proxy.url], CHAIN_ID))
        with pytest.raises(RpcRefused, match="answers eth_getCode with more than 1 MiB"), translated("eth_getCode"):
            web3.eth.get_code(federation.contract.address)


def test_a_range_of_logs_that_is_too_large_is_asked_for_in_halves(
    federation: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a range of less than eight blocks fits."""
    monkeypatch.setitem(rpc.LARGEST, "eth_getLogs", MIB)
    chain = federation.chain
    account = chain.accounts[0]
    chain.do(federation.token.functions.mint(account, 10), account)
    chain.do(federation.token.functions.approve(federation.contract.address, 10), account)
    chain.do(federation.contract.functions.fund(10), account)
    chain.rpc("anvil_mine", hex(40))
    asked: list[int] = []

    def grown(answer: dict[str, Any]) -> Any:
        request = proxy.seen[-1]
        if request["method"] != "eth_getLogs":
            return answer
        where = request["params"][0]
        asked.append(int(where["toBlock"], 16) - int(where["fromBlock"], 16) + 1)
        return json.dumps(answer).encode() + b" " * (MIB if asked[-1] >= 8 else 0)

    last = chain.web3.eth.block_number
    with Proxy(chain.url, response=grown) as proxy:
        coordinator = Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID)
        found = list(scan(coordinator, 0, last))
        assert found == list(scan(federation.coordinator(), 0, last))
        assert found
        assert min(asked) < 8 < max(asked)
        monkeypatch.setitem(rpc.LARGEST, "eth_getLogs", 10)
        with pytest.raises(RpcRefused, match="answers eth_getLogs with more than"):
            list(chunks(coordinator, 0, last))


@pytest.mark.parametrize(
    "logs", ["no list", 7, [7], [{}], [{"blockNumber": "0x1"}], [{"topics": 1, "data": "0xz", "logIndex": None}], {}]
)
def test_logs_of_no_known_form_are_a_refusal(federation: Deployed, logs: Any) -> None:
    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": logs} if proxy.seen[-1]["method"] == "eth_getLogs" else answer

    with Proxy(federation.chain.url, response=changed) as proxy:
        coordinator = Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID)
        with pytest.raises(RpcRefused, match="eth_getLogs"):
            list(scan(coordinator, 0, 0))
