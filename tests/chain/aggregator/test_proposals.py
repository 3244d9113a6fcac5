"""Digests of proposals read back from a real chain's events, whoever proposed, and whatever else is in the log."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from fedaggregator.disputes.proposed_leaves import MAX_PAGES, ProposalUnreadable, assembled, proposed_digests
from fedprotocol.chain.abi import entry
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.tree import PAGE_LEAVES, page_root
from hexbytes import HexBytes
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.proxy import Proxy
from support.synthetic import SyntheticClient, play_inputs
from web3 import Web3
from web3.types import LogReceipt

LEAVES = 2_050  # two pages


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveFederation]:
    """Round 1's inputs are fixed."""
    with Anvil() as chain:
        federation = LiveFederation(chain, leaf_count=LEAVES, bondBase=25 * TOKEN)
        folder: Path = tmp_path_factory.mktemp("clients")
        clients = [SyntheticClient(federation, folder / str(seed), seed) for seed in range(2)]
        for client in clients:
            client.join()
        play_inputs(clients, 1, federation.genesis.root)
        yield federation
        for client in clients:
            client.close()


def tree(seed: int) -> MemoryLeaves:
    return MemoryLeaves([b"%d/%d" % (seed, i) + bytes(100) for i in range(1_000, 1_000 + LEAVES)])


def all_digests(leaves: MemoryLeaves) -> list[bytes]:
    return [leaves.digest(i) for i in range(len(leaves))]


def pages(leaves: MemoryLeaves) -> list[list[bytes]]:
    return [all_digests(leaves)[:PAGE_LEAVES], all_digests(leaves)[PAGE_LEAVES:]]


def page_call(federation: LiveFederation, page: int, digests: list[bytes]) -> Any:
    view = federation.coordinator.round_view(1)
    return federation.coordinator.calls.propose(1, view.inputs_hash, view.accepted_mask, page, digests)


def rich(federation: LiveFederation, index: int) -> str:
    """An account that can pay for a bond."""
    proposer = federation.chain.accounts[index]
    federation.mint(proposer, 1_000 * TOKEN)
    federation.transact(federation.token.functions.approve(federation.coordinator.address, 10**30), proposer)
    return proposer


def proposed(federation: LiveFederation, proposer: str, leaves: MemoryLeaves) -> None:
    for page, digests in enumerate(pages(leaves)):
        federation.transact(page_call(federation, page, digests), proposer)


def test_a_proposal_that_was_started_over(federation: LiveFederation) -> None:
    proposer, final = rich(federation, 1), tree(1)
    federation.transact(page_call(federation, 0, pages(tree(2))[0]), proposer)
    with pytest.raises(ProposalUnreadable, match="withheld"):
        proposed_digests(EventIndex(federation.coordinator), 1, proposer, final.root)
    proposed(federation, proposer, final)
    assert proposed_digests(EventIndex(federation.coordinator), 1, proposer, final.root) == all_digests(final)
    assert proposed_digests(EventIndex(federation.coordinator), 1, proposer.lower(), final.root) == all_digests(final)


def test_a_proposer_that_is_a_contract(federation: LiveFederation) -> None:
    coordinator, chain, lie = federation.coordinator, federation.chain, tree(10)
    puppet = chain.deploy("Puppet")
    federation.mint(puppet.address, 1_000 * TOKEN)
    approve = federation.token.functions.approve(coordinator.address, 10**30)
    for call in (approve, *(page_call(federation, *page) for page in enumerate(pages(lie)))):
        run = puppet.functions.run([(call.address, HexBytes(call._encode_transaction_data()))])
        chain.do(run, chain.accounts[2], gas=29_000_000)
    assert proposed_digests(EventIndex(coordinator), 1, puppet.address, lie.root) == all_digests(lie)


def test_somebody_who_proposed_nothing(federation: LiveFederation) -> None:
    with pytest.raises(ProposalUnreadable, match="the index of events lacks them"):
        proposed_digests(EventIndex(federation.coordinator), 1, federation.chain.accounts[5], tree(0).root)


# ------------------------------------------------------------ hostile endpoints

Change = Callable[[dict[str, Any]], Any]


def changing_logs(federation: LiveFederation, change: Change) -> Proxy:
    """An endpoint that changes each log of a proposal's."""

    def changed(answer: dict[str, Any]) -> dict[str, Any]:
        if proxy.seen[-1]["method"] != "eth_getLogs":
            return answer
        logs = (change(log) if log["topics"][0] in topics else log for log in answer["result"])
        return {**answer, "result": [log for log in logs if log]}

    topics = {topic("ProposalPaged"), topic("Proposed")}
    proxy = Proxy(federation.chain.url, response=changed)
    return proxy


def topic(name: str) -> str:
    inputs = ",".join(i["type"] for i in entry("coordinator", "event", name)["inputs"])
    return Web3.to_hex(Web3.keccak(text=f"{name}({inputs})"))


def forged(log: dict[str, Any]) -> dict[str, Any]:
    return {**log, "data": log["data"][:-64] + 64 * "f"}


@pytest.mark.parametrize("change", [lambda _: None, forged], ids=["withholds", "forges"])
def test_one_endpoint_that_tells_the_truth_is_enough(federation: LiveFederation, change: Change) -> None:
    index = 3 if change is forged else 4
    proposer, lie = rich(federation, index), tree(20 + index)
    proposed(federation, proposer, lie)
    address, chain_id = federation.coordinator.address, federation.coordinator.chain_id
    with changing_logs(federation, change) as liar:
        alone = EventIndex(Coordinator.connect([liar.url], address, chain_id))
        with pytest.raises(ProposalUnreadable, match=f"withheld.*{liar.url} lacks them.*add an RPC endpoint"):
            proposed_digests(alone, 1, proposer, lie.root)
        both = EventIndex(Coordinator.connect([liar.url, federation.chain.url], address, chain_id))
        assert proposed_digests(both, 1, proposer, lie.root) == all_digests(lie)


def test_an_index_that_cannot_follow_is_done_without(federation: LiveFederation, tmp_path: Path) -> None:
    proposer, lie = rich(federation, 6), tree(30)
    proposed(federation, proposer, lie)
    broken = EventIndex(federation.coordinator, tmp_path)  # a folder is no database
    assert proposed_digests(broken, 1, proposer, lie.root) == all_digests(lie)


# ---------------------------------------------------------------- hostile logs


def paged(page: int, digests: list[bytes]) -> LogReceipt:
    data = encode(("uint256", "bytes32", "bytes32[]"), (page, page_root(digests), digests))
    return log_entry([topic("ProposalPaged"), 1, 2], data)


def completed(root: bytes) -> LogReceipt:
    return log_entry([topic("Proposed"), 1, 2, int.from_bytes(root)], encode(("uint256", "uint64"), (1, 1)))


def log_entry(topics: list[Any], data: bytes) -> LogReceipt:
    words = [HexBytes(t) if isinstance(t, str) else HexBytes(t.to_bytes(32)) for t in topics]
    where = {"blockNumber": 1, "logIndex": 1, "transactionIndex": 1, "address": "0x"}
    hashes = {"blockHash": bytes(32), "transactionHash": bytes(32)}
    return {"topics": words, "data": HexBytes(data), **where, **hashes}  # type: ignore[return-value,typeddict-item]


def test_pages_without_end_are_not_kept() -> None:
    """Started over and over, out of order, too long, never completed: 128 MiB of digests went by."""
    lie = tree(40)
    first, second = (paged(i, page) for i, page in enumerate(pages(lie)))
    full = paged(0, pages(lie)[0])["data"]

    def stream() -> Iterator[LogReceipt]:
        for i in range(2_000):
            yield log_entry([topic("ProposalPaged"), 1, 2], (i % 3).to_bytes(32) + full[32:] + bytes(1 - i % 2))
        yield from (first, second, completed(b"\7" * 32))
        yield from (first, second, second, completed(lie.root))

    tracemalloc.start()
    try:
        assert assembled(stream(), lie.root) == all_digests(lie)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_no_more_pages_than_a_tree_has() -> None:
    small = paged(0, [bytes(32)])["data"]
    endless = (log_entry([topic("ProposalPaged"), 1, 2], i.to_bytes(32) + small[32:]) for i in range(3 * MAX_PAGES))
    assert assembled(endless, tree(1).root) is None
