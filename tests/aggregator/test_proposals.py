"""Digests of proposals read back from a real chain, also from proposers that hide them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fedaggregator.proposals import ProposalUnreadable, page_in, proposed_digests
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.event_index import EventIndex
from fedprotocol.tree import page_root
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.synthetic import SyntheticClient, play_inputs
from web3 import Web3

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
    return [all_digests(leaves)[:2_048], all_digests(leaves)[2_048:]]


def propose_directly(federation: LiveFederation, proposer: str, page: int, digests: list[bytes]) -> None:
    federation.transact(federation.coordinator.calls.propose(1, page, digests), proposer)


def test_a_proposal_that_was_started_over(federation: LiveFederation) -> None:
    proposer = federation.chain.accounts[1]
    federation.mint(proposer, 1_000 * TOKEN)
    federation.transact(federation.token.functions.approve(federation.coordinator.address, 10**30), proposer)
    final = tree(1)
    propose_directly(federation, proposer, 0, pages(tree(2))[0])
    with pytest.raises(ProposalUnreadable, match="no whole proposal"):
        proposed_digests(EventIndex(federation.coordinator), 1, proposer)
    for page, digests in enumerate(pages(final)):
        propose_directly(federation, proposer, page, digests)
    assert proposed_digests(EventIndex(federation.coordinator), 1, proposer) == all_digests(final)
    assert proposed_digests(EventIndex(federation.coordinator), 1, proposer.lower()) == all_digests(final)


@pytest.mark.parametrize("mask", [b"\x00", b"\xff"], ids=["inside other calldata", "not in any calldata"])
def test_a_proposer_that_is_a_contract(federation: LiveFederation, mask: bytes) -> None:
    coordinator = federation.coordinator
    contract = federation.chain.deploy("HidingProposer")
    federation.mint(contract.address, 1_000 * TOKEN)

    def run(target: str, data: str) -> None:
        masked = bytes(byte ^ mask[0] for byte in Web3.to_bytes(hexstr=data))  # type: ignore[arg-type]
        call = contract.functions.run(target, masked, mask)
        receipt = federation.chain.web3.eth.wait_for_transaction_receipt(
            call.transact({"from": federation.chain.accounts[2], "gas": 29_000_000})
        )
        assert receipt["status"] == 1

    run(federation.token.address, federation.token.encode_abi("approve", [coordinator.address, 10**30]))
    hidden = tree(10 + mask[0])
    for page, digests in enumerate(pages(hidden)):
        run(coordinator.address, coordinator.contract.encode_abi("propose", [1, page, digests]))
    assert proposed_digests(EventIndex(coordinator), 1, contract.address) == all_digests(hidden)


def test_calldata_full_of_calls_costs_a_bounded_effort(federation: LiveFederation) -> None:
    """A thousand calls point to the same 2,048 digests, which are not those; only so often are they hashed."""
    digests = pages(tree(3))[0]
    call = Web3.to_bytes(hexstr=federation.coordinator.contract.encode_abi("propose", [1, 0, digests]))
    assert page_in(call, 1, 0, page_root(digests)) == digests
    decoys = b"".join(call[:68] + (100_000 - 100 * i - 4).to_bytes(32) for i in range(1_000))
    assert page_in(decoys + call[100:], 1, 0, page_root(digests)) == digests
    start = time.thread_time()
    assert page_in(decoys + call[100:], 1, 0, b"\xff" * 32) is None
    assert time.thread_time() - start < 3


def test_somebody_who_proposed_nothing(federation: LiveFederation) -> None:
    with pytest.raises(ProposalUnreadable, match="no whole proposal"):
        proposed_digests(EventIndex(federation.coordinator), 1, federation.chain.accounts[5])
