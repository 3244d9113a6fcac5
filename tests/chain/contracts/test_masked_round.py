"""Rounds of masked updates on a real chain, with real keys and masks: convicted, impeached, or right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from fednode.masking.keys import fresh_secret, public_key
from fednode.masking.masked import masked_leaves, pair_seeds
from fedprotocol import tree
from fedprotocol.masks.limits import out_of_range
from fedprotocol.masks.transcript import transcript
from fedprotocol.numbers import split_leaves
from fedprotocol.types import Phase, VoidReason
from numpy.typing import NDArray
from support.deployed import Deployed
from support.evm import Anvil, compiled
from support.leaf_round import INT32, NO_SUMS, LeafTree
from support.rule_formulas import clamped, rounded
from web3.exceptions import ContractCustomError

K, LEAVES, CLIENTS = 32, 7, 5
SCALE, BOUND = 4, 1000
WEIGHTS = (1_201, 877, 30, 400, 5)


@dataclass
class MaskedRound:
    """Round 1 up to the end of Attest. `deltas`: what each client would add, int32 [7 * 32]; `sent`: its tree of masked
    values, or of what a test puts in its place."""

    federation: Deployed
    prior: NDArray[np.int32]
    deltas: list[NDArray[np.int32]]
    sent: list[LeafTree]

    @property
    def contract(self) -> Any:
        return self.federation.contract

    def view(self) -> Any:
        return self.federation.coordinator().round_view(1)

    def do(self, call: Any, account: int = 0) -> Any:
        return self.federation.chain.do(call, self.federation.chain.accounts[account])

    @property
    def disputes(self) -> Any:
        address = self.federation.coordinator().config().disputes
        return self.federation.chain.web3.eth.contract(address=address, abi=compiled("Disputes")["abi"])

    def right(self) -> LeafTree:
        """The weighted mean of what was never published, in Python's integers."""
        new = []
        for j, old in enumerate(self.prior.tolist()):
            total = sum(int(delta[j]) for delta in self.deltas)
            new.append(clamped(old + rounded(total * 2**SCALE, sum(WEIGHTS))))
        return LeafTree(split_leaves(np.array(new, np.int32), K))

    def propose(self, proposed: LeafTree, account: int) -> None:
        view = self.view()
        call = self.contract.functions.propose(1, view.inputs_hash, view.accepted_mask, 0, proposed.digests)
        self.do(call, account)

    def step(self, index: int) -> dict[str, Any]:
        return {
            "round": 1,
            "inputsHash": self.view().inputs_hash,
            "leafIndex": index,
            "start": NO_SUMS,
            "updates": [sent.opening(index) for sent in self.sent],
        }

    def proof(self, proposed: LeafTree, index: int) -> dict[str, Any]:
        prior = LeafTree(split_leaves(self.prior, K))
        claim = {
            "proposalRoot": proposed.root,
            "part": 0,
            "prior": [prior.opening(index)],
            "claimedDigest": proposed.digests[index],
            "claimedPath": tree.path(proposed.digests, index),
        }
        return {**self.step(index), **claim}

    def impeach(self, index: int) -> Any:
        return self.do(self.disputes.functions.impeach(self.contract.address, self.step(index)))

    def challenge(self, proposed: LeafTree, index: int) -> Any:
        return self.do(self.disputes.functions.challenge(self.contract.address, self.proof(proposed, index)))


@pytest.fixture(scope="module")
def chain() -> Iterator[Anvil]:
    with Anvil() as anvil:
        yield anvil


def played(chain: Anvil, garbage_from: int | None = None) -> MaskedRound:
    """`garbage_from`: this client sends random values in place of what it should."""
    rng = np.random.default_rng(11)
    prior = rng.integers(*INT32, LEAVES * K, endpoint=True, dtype=np.int32)
    federation = Deployed.on(
        chain,
        gate=chain.deploy("GateMock").address,
        rule=chain.deploy("MaskedMean", SCALE, BOUND).address,
        genesisRoot=LeafTree(split_leaves(prior, K)).root,
        leafCount=LEAVES,
        leafValues=K,
        mantissaBits=32,
        maxShift=0,
        minClients=3,
        maxClients=CLIENTS,
        penalty=1_000,
        minStake=13_000,
    )
    accounts, coordinator = chain.accounts[1 : CLIENTS + 1], federation.coordinator()
    deltas = [rng.integers(-w * BOUND, w * BOUND, len(prior), endpoint=True, dtype=np.int32) for w in WEIGHTS]
    token, contract = federation.token.functions, federation.contract.functions
    chain.send_all([(token.mint(account, 10**6), chain.accounts[0]) for account in chain.accounts[:8]])
    chain.send_all([(token.approve(federation.contract.address, 10**9), a) for a in chain.accounts[:8]])
    chain.send_all([(contract.fund(1_000), chain.accounts[0])])
    chain.send_all([(contract.join(13_000), account) for account in accounts])
    secrets = {account: fresh_secret() for account in accounts}
    root = coordinator.config().genesis_root
    chain.send_all([(contract.commit(1, root, public_key(secrets[a])), a) for a in accounts])
    assert coordinator.round_view(1).phase is Phase.REVEAL
    keys = {account: coordinator.commitment(1, account).hash for account in accounts}
    bound_to = transcript(chain.web3.eth.chain_id, federation.contract.address, 1, root, keys)
    sent = []
    for index, (account, delta) in enumerate(zip(accounts, deltas, strict=True)):
        leaves = masked_leaves(delta, K, account, pair_seeds(bound_to, secrets[account], account, keys))
        if index == garbage_from:
            leaves = [rng.bytes(4 * K) for _ in leaves]
        sent.append(LeafTree(leaves))
    reveals = zip(accounts, sent, WEIGHTS, strict=True)
    chain.send_all([(contract.reveal(1, t.root, 0, weight, bytes(32), 0, 0), a) for a, t, weight in reveals])
    inputs = coordinator.round_view(1).inputs_hash
    chain.send_all([(contract.attest(1, inputs, (1 << CLIENTS) - 1), account) for account in accounts])
    made = MaskedRound(federation, prior, deltas, sent)
    assert made.view().phase is Phase.AGGREGATE
    return made


@pytest.fixture(scope="module")
def honest_module(chain: Anvil) -> MaskedRound:
    return played(chain)


@pytest.fixture
def honest(chain: Anvil, honest_module: MaskedRound) -> Iterator[MaskedRound]:
    snapshot = chain.rpc("evm_snapshot")
    yield honest_module
    chain.rpc("evm_revert", snapshot)


def error_of(name: str) -> str:
    return "0x" + keccak(text=name)[:4].hex()


def test_the_mean_of_what_nobody_published_stands_and_one_unit_beside_it_is_convicted(honest: MaskedRound) -> None:
    right = honest.right()
    wrong = LeafTree([*right.leaves[:3], right.leaves[3][:-1] + bytes([right.leaves[3][-1] ^ 1]), *right.leaves[4:]])
    honest.propose(wrong, 6)
    honest.propose(right, 7)
    for index in range(LEAVES):
        with pytest.raises(ContractCustomError) as caught:
            honest.challenge(right, index)
        assert caught.value.data == error_of("LeafIsCorrect()")
    honest.challenge(wrong, 3)
    assert [p.root for p in honest.federation.coordinator().proposals(1)] == [right.root]
    honest.federation.chain.rpc("evm_increaseTime", 700)
    honest.federation.chain.rpc("evm_mine")  # so that gas is estimated at the later time
    honest.do(honest.contract.functions.settle(honest.federation.chain.accounts[1]))
    assert honest.federation.coordinator().latest_final() == (1, right.root)


def test_an_honest_round_cannot_be_impeached(honest: MaskedRound) -> None:
    for index in range(LEAVES):
        with pytest.raises(ContractCustomError) as caught:
            honest.impeach(index)
        assert caught.value.data == error_of("SumsAreInRange()")
    short = honest.step(0)
    short["updates"] = short["updates"][:-1]
    with pytest.raises(ContractCustomError) as caught:
        honest.do(honest.disputes.functions.impeach(honest.contract.address, short))
    assert caught.value.data.startswith(error_of("WrongCount(uint256,uint256)")), "a part of the sum proves nothing"


def test_what_is_published_tells_nothing_of_a_delta(honest: MaskedRound) -> None:
    """Not of one, and not of all but one together: their sum is as noise as each of them is."""
    published = [np.frombuffer(b"".join(sent.leaves), ">u4").astype(np.uint32) for sent in honest.sent]
    for values in (*published, np.sum(published[1:], axis=0, dtype=np.uint32)):
        assert out_of_range(values, sum(WEIGHTS), BOUND).mean() > 0.98
    total = np.sum(published, axis=0, dtype=np.uint32).view(np.int32)
    assert (total == np.sum(honest.deltas, axis=0)).all()


@pytest.mark.parametrize("step", ["before", "after"])
def test_garbage_is_impeached_before_a_proposal_and_after_it(chain: Anvil, step: str) -> None:
    spoiled = played(chain, garbage_from=2)
    if step == "after":
        spoiled.propose(spoiled.right(), 6)
    receipt = spoiled.impeach(4)
    view = spoiled.view()
    assert (view.phase, view.void_reason) == (Phase.VOID, VoidReason.GARBAGE)
    assert receipt["gasUsed"] < 1_000_000
    if step == "after":
        balances = spoiled.federation.coordinator().balances()
        spoiled.do(spoiled.contract.functions.claim(), 6)
        assert balances.bonds == 250 and spoiled.federation.coordinator().balances().bonds == 0


def test_a_wrong_path_or_other_inputs_impeach_nothing(chain: Anvil) -> None:
    spoiled = played(chain, garbage_from=0)
    for change, error in (
        ({"leafIndex": 5}, "WrongPath(bytes32,bytes32)"),
        ({"inputsHash": bytes(32)}, "WrongInputs(bytes32,bytes32)"),
    ):
        with pytest.raises(ContractCustomError) as caught:
            spoiled.do(spoiled.disputes.functions.impeach(spoiled.contract.address, {**spoiled.step(4), **change}))
        assert caught.value.data.startswith(error_of(error))
    assert spoiled.view().phase is Phase.AGGREGATE
