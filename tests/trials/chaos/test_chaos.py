"""A seed is a plan, and a proxy fails as it is told. Whole runs: `make chaos`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import ChainUnreachable
from requests import ConnectionError as NoAnswer
from support.evm import Anvil
from web3 import HTTPProvider, Web3

from chaos.faults import Down, Fault, Garbage, LostAnswer, ServerError, Slow, Stale, WrongBytes
from chaos.plan import PHASES, Kind, plan
from chaos.proxy import Proxy

PROGRAMS = ["node-0", "node-1", "aggregator"]


def test_a_seed_is_a_plan() -> None:
    first, again, other = (list(islice(plan(seed, PROGRAMS, "aggregator"), 2000)) for seed in (7, 7, 8))
    assert first == again != other
    assert [injury.at for injury in first] == sorted(injury.at for injury in first)
    counted = Counter(injury.kind for injury in first)
    assert counted.keys() == set(Kind)
    assert counted[Kind.KILL] > 4 * counted[Kind.PAUSE]
    assert {injury.amount for injury in first if injury.kind is Kind.REORG} == set(range(1, 11))
    vanished = [injury for injury in first if injury.kind is Kind.VANISH]
    assert {injury.victim for injury in vanished} == {"aggregator"}
    assert {injury.amount for injury in vanished} == set(range(len(PHASES)))


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        anvil.rpc("anvil_mine", "0x14")
        yield anvil


@pytest.fixture
def proxy(chain: Anvil) -> Iterator[Proxy]:
    with Proxy(lambda: chain.url) as made:
        yield made


@pytest.mark.parametrize(
    "fault", [Down(), LostAnswer(), ServerError(), Garbage(random.Random(1))], ids=lambda f: type(f).__name__
)
def test_a_broken_endpoint_is_felt_and_passes(chain: Anvil, proxy: Proxy, fault: Fault) -> None:
    assert connect_web3([proxy.url], chain.web3.eth.chain_id).eth.block_number >= 20
    assert proxy.felt == 0
    proxy.fault = fault
    with pytest.raises(ChainUnreachable):
        connect_web3([proxy.url], chain.web3.eth.chain_id)
    assert proxy.felt > 0
    proxy.fault = None
    assert connect_web3([proxy.url], chain.web3.eth.chain_id).eth.block_number >= 20


def test_an_answer_that_is_lost_was_acted_upon(chain: Anvil, proxy: Proxy) -> None:
    before = chain.web3.eth.block_number
    proxy.fault = LostAnswer()
    with pytest.raises(NoAnswer):
        HTTPProvider(proxy.url, exception_retry_configuration=None).make_request("evm_mine", [])  # type: ignore[arg-type]
    assert chain.web3.eth.block_number == before + 1


def test_a_stale_endpoint_knows_nothing_of_the_last_blocks(chain: Anvil, proxy: Proxy) -> None:
    stale, account = Web3(HTTPProvider(proxy.url)), chain.accounts[0]
    proxy.fault = Stale(3)
    balance, nonce = stale.eth.get_balance(account), stale.eth.get_transaction_count(account)
    sent = chain.web3.eth.send_transaction({"from": account, "to": chain.accounts[1], "value": 1})
    assert stale.eth.block_number == chain.web3.eth.block_number - 3
    assert (stale.eth.get_balance(account), stale.eth.get_transaction_count(account)) == (balance, nonce)
    answer = stale.provider.make_request("eth_getTransactionReceipt", [Web3.to_hex(sent)])  # type: ignore[arg-type]
    assert answer["result"] is None
    chain.rpc("anvil_mine", "0x3")
    assert stale.eth.get_transaction_receipt(sent)["status"] == 1
    assert stale.eth.get_transaction_count(account) == nonce + 1


def test_wrong_bytes_and_a_slow_way(chain: Anvil, proxy: Proxy) -> None:
    right = chain.rpc("eth_getBlockByNumber", "0x5", False)
    proxy.fault = Slow(0.01)
    provider = HTTPProvider(proxy.url, exception_retry_configuration=None)
    assert provider.make_request("eth_getBlockByNumber", ["0x5", False])["result"] == right  # type: ignore[arg-type]
    proxy.fault, answers = WrongBytes(random.Random(2)), []
    for _ in range(5):
        try:
            answers.append(provider.make_request("eth_getBlockByNumber", ["0x5", False]).get("result"))  # type: ignore[arg-type]
        except (ValueError, OSError):
            answers.append(None)
    assert right not in answers
