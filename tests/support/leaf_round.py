"""A round played to the end of Attest on a deployed federation, with random leaves, and what it takes to dispute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fedprotocol import tree
from fedprotocol.hashes import commit_hash
from fedprotocol.numbers import split_leaves
from numpy.typing import NDArray
from support.deployed import Deployed

INT32 = (-(2**31), 2**31 - 1)


@dataclass
class LeafTree:
    """Leaves and digests of one tree."""

    leaves: list[bytes]

    def __post_init__(self) -> None:
        self.digests = [tree.leaf_digest(leaf) for leaf in self.leaves]
        self.root = tree.root(self.digests)

    def opening(self, index: int) -> tuple[bytes, list[bytes]]:
        return self.leaves[index], tree.path(self.digests, index)


@dataclass
class Update:
    mantissas: NDArray[np.signedinteger[Any]]
    tree: LeafTree
    shift: int
    weight: int


class LeafRound:
    """Round 1 over `prior` (int32 [n], the genesis of `federation`), with one update per client, in index order.

    Everybody vouches for all updates but those in `rejected`.
    """

    def __init__(
        self, federation: Deployed, prior: NDArray[np.int32], clients: int, seed: int = 0, rejected: Sequence[int] = ()
    ) -> None:
        self.federation, self.chain, self.contract = federation, federation.chain, federation.contract
        self.config = federation.coordinator().config()
        self.prior = prior
        self.prior_tree = LeafTree(split_leaves(prior, self.config.leaf_values))
        assert self.prior_tree.root == self.config.genesis_root
        self.accounts = list(self.chain.accounts[1 : clients + 1])
        rng = np.random.default_rng(seed)
        self.updates = [self._random_update(rng) for _ in self.accounts]
        self.accepted = [i for i in range(clients) if i not in rejected]
        self._play()

    def _random_update(self, rng: np.random.Generator) -> Update:
        bits = self.config.mantissa_bits
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        mantissas = rng.integers(low, high, len(self.prior), endpoint=True, dtype=f"int{bits}")
        mantissas[rng.random(len(mantissas)) < 0.1] = low
        shift, weight = int(rng.integers(0, 31 - bits, endpoint=True)), int(rng.integers(1, 2**20))
        return Update(mantissas, LeafTree(split_leaves(mantissas, self.config.leaf_values)), shift, weight)

    def _play(self) -> None:
        token, contract, config = self.federation.token, self.contract, self.config
        salt = bytes(32)
        for account, update in zip(self.accounts, self.updates, strict=True):
            stake = max(config.min_stake, update.weight * config.stake_per_example)
            self.send(token.functions.mint(account, 10 * (stake + config.bond_base)), self.chain.accounts[0])
            self.send(token.functions.approve(contract.address, 2**255), account)
            self.send(contract.functions.join(stake), account)
        sponsor = self.chain.accounts[0]
        self.send(token.functions.mint(sponsor, config.round_reward), sponsor)
        self.send(token.functions.approve(contract.address, config.round_reward), sponsor)
        self.send(contract.functions.fund(config.round_reward), sponsor)
        for account, u in zip(self.accounts, self.updates, strict=True):
            digest = commit_hash(
                self.chain.web3.eth.chain_id, contract.address, 1, account, self.prior_tree.root, u.tree.root, u.shift,
                u.weight, salt,
            )  # fmt: skip
            self.send(contract.functions.commit(1, self.prior_tree.root, digest), account)
        for account, u in zip(self.accounts, self.updates, strict=True):
            self.send(contract.functions.reveal(1, u.tree.root, u.shift, u.weight, salt, 2, 1), account)
        self.inputs_hash = self.federation.coordinator().round_view(1).inputs_hash
        bitmap = sum(1 << i for i in self.accepted)
        for account in self.accounts:
            self.send(contract.functions.attest(1, self.inputs_hash, bitmap), account)

    def send(self, call: Any, account: str) -> Any:
        """The receipt of a successful transaction."""
        receipt = self.chain.web3.eth.wait_for_transaction_receipt(call.transact({"from": account}))
        assert receipt["status"] == 1
        return receipt

    def right_global(self) -> list[int]:
        """FedAvg of the accepted updates in Python's integers, the values of the tree's padding left out."""
        accepted = [self.updates[i] for i in self.accepted]
        total = sum(u.weight for u in accepted)
        result = []
        for j, old in enumerate(self.prior.tolist()):
            mean = _rounded(sum(u.weight * 2**u.shift * int(u.mantissas[j]) for u in accepted), total)
            step = _rounded(mean * self.config.server_lr, 2**16)
            result.append(min(max(old + step, INT32[0]), INT32[1]))
        return result

    def tree_of(self, values: Sequence[int]) -> LeafTree:
        return LeafTree(split_leaves(np.array(values, np.int32), self.config.leaf_values))

    def propose(self, proposed: LeafTree, account: str) -> None:
        self.send(self.contract.functions.propose(1, 0, proposed.digests), account)

    def proof(self, proposed: LeafTree, index: int) -> dict[str, Any]:
        """`IDisputes.Proof` against leaf `index` of the proposal."""
        return {
            "round": 1,
            "proposalRoot": proposed.root,
            "inputsHash": self.inputs_hash,
            "leafIndex": index,
            "prior": self.prior_tree.opening(index),
            "claimedDigest": proposed.digests[index],
            "claimedPath": tree.path(proposed.digests, index),
            "updates": [self.updates[i].tree.opening(index) for i in self.accepted],
        }


def _rounded(a: int, b: int) -> int:
    quotient = (2 * abs(a) + b) // (2 * b)
    return -quotient if a < 0 else quotient
