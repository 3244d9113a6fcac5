"""The lens against a real node, and nodes that answer in other shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fedprotocol.chain.abi import load
from fedprotocol.chain.endpoint.reverts import revert_data
from fedprotocol.chain.errors import ContractReverted, NotACoordinator, RpcRefused
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import take_snapshot
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil
from support.proxy import Proxy

INIT_CODE_LIMIT = 49_152  # EIP-3860
ARGUMENTS = 64


@pytest.fixture(scope="module")
def federation() -> Iterator[Deployed]:
    with Anvil() as chain:
        yield Deployed.on(chain)


def test_it_is_one_standard_call(federation: Deployed) -> None:
    with Proxy(federation.chain.url) as proxy:
        coordinator = Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID)
        proxy.seen.clear()
        taken = take_snapshot(coordinator, federation.chain.accounts[0])
        [asked] = proxy.seen
    assert asked["method"] == "eth_call"
    [call, block] = asked["params"]
    assert (set(call), block) == ({"data"}, "pending")
    assert taken.config == federation.coordinator().config()
    assert taken.account == federation.chain.accounts[0]
    assert len(load("lens_query")) // 2 + ARGUMENTS < INIT_CODE_LIMIT


def test_it_reads_old_blocks(federation: Deployed) -> None:
    coordinator, account = federation.coordinator(), federation.chain.accounts[0]
    before, ether = take_snapshot(coordinator, account), coordinator.web3.eth.get_balance(account)
    federation.account()
    assert take_snapshot(coordinator, account, before.block - 1).eth == ether
    assert take_snapshot(coordinator, account).block > before.block


def test_who_is_no_coordinator(federation: Deployed) -> None:
    for address in (federation.token.address, federation.chain.accounts[0]):
        coordinator = Coordinator(federation.coordinator().web3, address, CHAIN_ID)
        with pytest.raises((ContractReverted, NotACoordinator)):
            take_snapshot(coordinator, federation.chain.accounts[0])


SHAPES: dict[str, Any] = {
    "geth": lambda data: {"code": 3, "message": "execution reverted", "data": data},
    "Parity": lambda data: {"code": -32015, "message": "VM execution error.", "data": f"Reverted {data}"},
    "Hardhat": lambda data: {"code": -32603, "message": "Error: reverted", "data": {"message": "Error", "data": data}},
    "a gateway": lambda data: {"code": -32000, "message": "no", "data": {"originalError": {"code": 3, "data": data}}},
    "Ganache": lambda data: {"code": -32000, "message": "no", "data": {"hash": "0x01", "result": data}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_nodes_tell_what_a_call_reverted_with_in_their_own_ways(federation: Deployed, shape: str) -> None:
    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        error = answer.get("error")
        return {"jsonrpc": "2.0", "id": 1, "error": SHAPES[shape](error["data"])} if error else answer

    account = federation.chain.accounts[0]
    with Proxy(federation.chain.url, response=changed) as proxy:
        there = Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID)
        assert take_snapshot(there, account).config == federation.coordinator().config()


HIDES = "what a contract's creation reverts with: use another node"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": {"code": -32000, "message": "execution reverted"}}, HIDES),
        ({"result": "0x"}, HIDES),
        ({"error": {"code": -32000, "message": "no", "data": "something"}}, "the node refused: no$"),
        ({"error": "no"}, "the node refused: no$"),
    ],
)
def test_a_node_that_keeps_it_to_itself(federation: Deployed, answer: dict[str, Any], words: str) -> None:
    def silent(given: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": 1, **answer} if "error" in given else given

    with (
        Proxy(federation.chain.url, response=silent) as proxy,
        pytest.raises(RpcRefused, match=words),
    ):
        Coordinator.connect(proxy.url, federation.contract.address, CHAIN_ID)


def test_what_is_no_revert_data() -> None:
    deep: dict[str, Any] = {"data": "0x12"}
    for _ in range(9):
        deep = {"data": deep}
    for error in (None, {}, {"data": None}, {"data": 7}, {"data": "0xzz"}, {"data": ["0x12"]}, deep):
        assert revert_data(error) is None
    assert revert_data({"data": "0x"}) == b""
