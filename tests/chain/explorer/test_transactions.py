"""Transactions, receipts and blocks of a real federation with a convicted lie, compared with what the chain says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from fedexplorer.arguments import Kind
from fedexplorer.transactions.calls import Way, decoded, said
from fedexplorer.transactions.gas import ELSEWHERE, gas_by_call
from fedexplorer.transactions.records import Header, Transaction
from fedexplorer.transactions.shelf import Soon, Transactions
from fedexplorer.transactions.table import Mined
from fedprotocol.chain.endpoint import rpc
from support.evm import Anvil
from support.ledger_world import World
from support.node_kinds import MISSING, RECEIPT, node, without
from support.proxy import Proxy

PATIENCE = 20.0
NOBODY_KNOWS = bytes([0xAB]) * 32
OPTIONAL = ("effectiveGasPrice", "type", "contractAddress", "transactionIndex", "cumulativeGasUsed", "logsBloom")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Anvil("--order", "fifo") as chain:
        yield World(chain)


@pytest.fixture
def shelf(world: World) -> Iterator[Transactions]:
    with world.opened() as opened:
        yield opened


def test_every_transaction_is_what_the_chain_says(world: World, shelf: Transactions) -> None:
    eth = world.chain.web3.eth
    looked = shelf.look(world.mined, PATIENCE)
    assert (looked.waiting, looked.trouble, looked.asked) == (0, "", len(world.mined))
    for tx_hash, found in looked.found.items():
        told, receipt = eth.get_transaction("0x" + tx_hash.hex()), eth.get_transaction_receipt("0x" + tx_hash.hex())
        assert found.receipt is not None
        assert (found.sender, found.to, found.nonce) == (told["from"], told["to"], told["nonce"])
        assert (found.input, found.value, found.gas_limit) == (bytes(told["input"]), told["value"], told["gas"])
        assert (found.block, found.block_hash) == (receipt["blockNumber"], bytes(receipt["blockHash"]))
        assert (found.position, found.receipt.succeeded) == (receipt["transactionIndex"], True)
        assert found.receipt.gas_used == receipt["gasUsed"]
        assert found.receipt.cost == receipt["gasUsed"] * receipt["effectiveGasPrice"] > 0


def test_calls_are_decoded_with_their_arguments(world: World, shelf: Transactions) -> None:
    calls = {h: decoded(world.contracts, t.to, t.input) for h, t in shelf.look(world.mined, PATIENCE).found.items()}
    by_event = {(e.name, e.args.get("client")): calls[e.tx_hash] for e in world.events}
    for account, update in zip(world.game.accounts, world.game.updates, strict=True):
        call = by_event["Revealed", account]
        arguments = {a.name: a.value for a in call.arguments}
        assert (call.contract, call.name, call.round) == ("coordinator", "reveal", 1)
        assert arguments["root"] == update.tree.root and arguments["shift"] == update.shift
        assert (arguments["examples"], arguments["loss_before"], arguments["loss_after"]) == (update.weight, 2, 1)
    challenge = calls[bytes(world.challenge["transactionHash"])]
    arguments = {a.name: a for a in challenge.arguments}
    assert (challenge.way, challenge.contract, challenge.name, challenge.round) == (
        Way.CALL,
        "disputes contract",
        "challenge",
        1,
    )
    assert arguments["proof.proposal_root"].kind is Kind.ROOT
    assert arguments["proof.proposal_root"].value == world.proof["proposalRoot"]
    assert arguments["proof.leaf_index"].value == 0 and arguments["proof.updates.length"].value == 3
    assert arguments["proof.updates[2].leaf"].value == world.proof["updates"][2][0]


def test_another_contract_between_is_said(world: World, shelf: Transactions) -> None:
    tx_hash, block_hash = (bytes(world.through[key]) for key in ("transactionHash", "blockHash"))
    found = shelf.look([(tx_hash, block_hash)], PATIENCE).found[tx_hash]
    call = decoded(world.contracts, found.to, found.input)
    assert (call.way, call.contract, call.name) == (Way.OTHER, None, None)
    assert found.receipt is not None
    told = [said(world.contracts, entry) for entry in found.receipt.logs]
    assert ("token", "Transfer") in [(one.contract, one.name) for one in told]
    names = [e.name for e in world.events if e.tx_hash == tx_hash]
    assert names == ["Funded"]


@pytest.mark.parametrize("is_exact", [True, False])
def test_why_a_call_failed(world: World, is_exact: bool) -> None:
    """Nodes without traces tell what the call would have returned before its block."""
    refuses = without(None if is_exact else MISSING, "debug_traceTransaction")
    with node(world.chain.url, refuses) as proxy, world.opened(url=proxy.url) as shelf:
        found = shelf.find(world.failed, PATIENCE)
        assert isinstance(found, Transaction) and found.receipt is not None and found.revert is not None
        assert found.receipt.succeeded is False and found.block_hash is not None
        assert (found.revert.name, found.revert.is_exact) == ("WrongPhase", is_exact)
        assert "round 1 is in" in found.revert.text
        assert decoded(world.contracts, found.to, found.input).name == "commit"


def test_the_tokens_errors_and_texts_are_told_too(world: World, shelf: Transactions) -> None:
    chain, token = world.chain, world.federation.token.functions
    without_allowance = token.transferFrom(chain.accounts[8], world.puppet.address, 1)
    with_text = chain.deploy("BatchReader").functions.read([world.coordinator.address], [b"nonsense"])
    for call, name, words in (
        (without_allowance, "ERC20InsufficientAllowance", "approve more"),
        (with_text, "Error", "a view reverted"),
    ):
        found = shelf.find(world.fails(call), PATIENCE)
        assert isinstance(found, Transaction) and found.revert is not None
        assert found.revert.name == name and words in found.revert.text


def test_what_the_chain_does_not_have(shelf: Transactions) -> None:
    assert shelf.find(NOBODY_KNOWS, PATIENCE) is None
    assert shelf.block(NOBODY_KNOWS, PATIENCE) is None
    assert shelf.block(10**9, PATIENCE) is None
    looked = shelf.look([(NOBODY_KNOWS, NOBODY_KNOWS)], PATIENCE)
    assert looked.waiting == 1 and "does not have transaction" in looked.trouble


def test_ten_viewers_cost_as_much_as_one_and_a_restart_nothing(world: World, tmp_path: Path) -> None:
    path = tmp_path / "home" / "transactions.sqlite"
    with Proxy(world.chain.url) as proxy:
        with world.opened(path, proxy.url) as shelf:
            viewers = [threading.Thread(target=shelf.look, args=(world.mined, PATIENCE)) for _ in range(10)]
            for viewer in viewers:
                viewer.start()
            for viewer in viewers:
                viewer.join(60)
            assert shelf.look(world.mined).waiting == 0
        asked = [request["method"] for request in proxy.seen]
        assert asked.count(RECEIPT) == len(world.mined)
        with world.opened(path, proxy.url) as again:
            proxy.seen.clear()
            assert again.look(world.mined).waiting == 0
        assert proxy.seen == []


def test_a_page_does_not_wait_for_a_slow_node(world: World) -> None:
    held = threading.Event()

    def slow(answer: dict[str, Any]) -> dict[str, Any]:
        if "blockHash" in (answer.get("result") or {}):
            held.wait(30)
        return answer

    with Proxy(world.chain.url, response=slow) as proxy, world.opened(url=proxy.url) as shelf:
        looked = shelf.look(world.mined, 0.1)
        assert (len(looked.found), looked.waiting) == (0, len(world.mined))
        assert isinstance(shelf.find(world.failed, 0.05), Soon)
        held.set()
        assert shelf.look(world.mined, PATIENCE).waiting == 0


@pytest.mark.parametrize("null", [True, False])
def test_nodes_that_leave_out_what_is_optional(world: World, null: bool) -> None:
    lacking = (*OPTIONAL, "status", "gasUsed")

    def less(answer: dict[str, Any]) -> dict[str, Any]:
        result = answer["result"]
        if "logs" not in (result or ()):
            return answer
        kept = {k: None if k in lacking else v for k, v in result.items() if null or k not in lacking}
        return {**answer, "result": kept}

    with Proxy(world.chain.url, response=less) as proxy, world.opened(url=proxy.url) as shelf:
        looked = shelf.look(world.mined, PATIENCE)
        assert (looked.waiting, looked.trouble) == (0, "")
        receipts = [one.receipt for one in looked.found.values()]
        assert {(r.succeeded, r.gas_used, r.cost) for r in receipts if r is not None} == {(None, None, None)}
        assert gas_by_call(world.contracts, looked.found.values(), {}) == []


def test_gas_of_the_round_by_call(world: World, shelf: Transactions) -> None:
    """Compared with the receipts, added up apart."""
    of_round = [(e.tx_hash, e.block_hash) for e in world.events if e.args.get("round") == 1]
    names: dict[bytes, list[str]] = {}
    for event in world.events:
        names.setdefault(event.tx_hash, []).append(event.name)
    found = shelf.look([*of_round, *through(world)], PATIENCE).found
    by_call = {one.call: one for one in gas_by_call(world.contracts, found.values(), names)}
    assert set(by_call) == {
        "commit",
        "commit, the first of a round",
        "reveal",
        "attest",
        "propose",
        "challenge",
        ELSEWHERE,
    }
    assert by_call["reveal"].count == by_call["attest"].count == 3 and by_call["commit"].count == 2
    receipt = world.chain.web3.eth.get_transaction_receipt
    gas = [int(receipt("0x" + e.tx_hash.hex())["gasUsed"]) for e in world.events if e.name == "Revealed"]
    reveal = by_call["reveal"]
    assert (reveal.least, reveal.most, reveal.total) == (min(gas), max(gas), sum(gas))
    assert by_call["challenge"].total == world.challenge["gasUsed"]


def through(world: World) -> list[Mined]:
    return [(bytes(world.through["transactionHash"]), bytes(world.through["blockHash"]))]


def test_blocks_and_the_federations_transactions_in_them(world: World, shelf: Transactions) -> None:
    event = next(e for e in world.events if e.name == "Revealed")
    told = world.chain.web3.eth.get_block(event.block)
    by_hash, by_number = shelf.block(event.block_hash, PATIENCE), shelf.block(event.block, PATIENCE)
    assert isinstance(by_hash, Header) and by_hash == by_number
    assert (by_hash.number, by_hash.hash, by_hash.parent) == (event.block, event.block_hash, bytes(told["parentHash"]))
    assert (by_hash.time, by_hash.gas_used, by_hash.base_fee) == (event.time, told["gasUsed"], told["baseFeePerGas"])
    assert by_hash.lines is not None and by_hash.transactions == len(told["transactions"]) == 3
    assert [line.hash for line in by_hash.lines] == [bytes(tx) for tx in told["transactions"]]
    assert {line.selector for line in by_hash.lines} == {
        keccak(text="reveal(uint256,bytes32,uint8,uint32,bytes32,uint64,uint64)")[:4]
    }


def test_a_block_that_is_too_long_is_read_without_its_transactions(
    world: World, shelf: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = next(e for e in world.events if e.name == "Revealed")
    whole, bare = (len(str(world.chain.rpc("eth_getBlockByNumber", hex(event.block), full))) for full in (True, False))
    monkeypatch.setitem(rpc.LARGEST, "eth_getBlockByHash", (whole + bare) // 2)
    found = shelf.block(event.block_hash, PATIENCE)
    assert isinstance(found, Header)
    assert (found.lines, found.transactions, found.hash) == (None, 3, event.block_hash)


def test_a_reorg_leaves_nothing_wrong(world: World, tmp_path: Path) -> None:
    """The same transaction in another block is another entry, and the old one is never shown again."""
    chain, token = world.chain, world.federation.token.functions
    with world.opened(tmp_path / "transactions.sqlite") as shelf:
        receipt = chain.do(token.mint(chain.accounts[7], 1))
        old = bytes(receipt["transactionHash"]), bytes(receipt["blockHash"])
        assert shelf.look([old], PATIENCE).waiting == 0
        raw = chain.rpc("eth_getTransactionByHash", "0x" + old[0].hex())
        chain.rpc("anvil_reorg", 1, [])
        chain.rpc("evm_increaseTime", 5)
        same = {
            key: raw[key] for key in ("from", "to", "input", "nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas")
        }
        chain.rpc("anvil_dropAllTransactions")
        sent = bytes.fromhex(chain.rpc("eth_sendTransaction", same)[2:])
        again = chain.web3.eth.wait_for_transaction_receipt(sent)
        new = sent, bytes(again["blockHash"])
        assert new[1] != old[1]
        assert sent == old[0]
        found = shelf.find(sent, PATIENCE)
        assert isinstance(found, Transaction) and found.block_hash == new[1]
        moved = shelf.look([new], PATIENCE)
        assert moved.waiting == 0 and moved.found[sent].block_hash == new[1]


def test_strangers_do_not_crowd_out_the_federations_own(world: World, shelf: Transactions) -> None:
    for number in range(500):
        shelf.find(number.to_bytes(32))
    assert shelf.look(world.mined, PATIENCE).waiting == 0
