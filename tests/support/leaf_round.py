"""A round played to the end of Attest on a deployed federation, with random leaves, and what it takes to dispute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fedprotocol import tree
from fedprotocol.hashes import commit_hash
from fedprotocol.numbers import split_leaves, to_bytes
from numpy.typing import NDArray
from support.deployed import Deployed
from support.rule_formulas import rounded, stepped
from support.rule_rounds import most_shift, most_weight

INT32 = (-(2**31), 2**31 - 1)
NO_SUMS: tuple[int, int, bytes] = (0, 0, b"")  # `IDisputes.Sums`: the beginning


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

    In a masked federation values are random, as masked values are, and their sum is one that honest updates can have.

    Everybody vouches for all updates but those in `rejected`, which weigh a third or less. With `only`, that leaf of
    an update is random and the others are zero: a large tree that costs little here, and on the chain as much as any.
    `parts`: of the rule; `prior` holds them all, each of whole leaves.
    """

    def __init__(
        self,
        federation: Deployed,
        prior: NDArray[np.int32],
        clients: int,
        seed: int = 0,
        rejected: Sequence[int] = (),
        only: int | None = None,
        parts: int = 1,
    ) -> None:
        self.federation, self.chain, self.contract = federation, federation.chain, federation.contract
        self.config = federation.coordinator().config()
        self.prior = prior
        self.values = len(prior) // parts  # of an update
        self.prior_tree = LeafTree(split_leaves(prior, self.config.leaf_values))
        assert self.prior_tree.root == self.config.genesis_root
        self.accounts = list(self.chain.accounts[1 : clients + 1])
        rng = np.random.default_rng(seed)
        self.updates = [self._random_update(rng, only) for _ in self.accounts]
        if self.config.is_masked and only is None:
            self._bring_into_range(rng)
        self.accepted = [i for i in range(clients) if i not in rejected]
        for i in rejected:  # more than a third together would make the round void
            most = sum(self.updates[j].weight for j in self.accepted) // (2 * len(rejected))
            self.updates[i].weight = min(self.updates[i].weight, most)
        self._play()

    def _random_update(self, rng: np.random.Generator, only: int | None) -> Update:
        bits, k = self.config.mantissa_bits, self.config.leaf_values
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        count = self.values if only is None else k
        random = rng.integers(low, high, count, endpoint=True, dtype=f"int{bits}")
        random[rng.random(count) < 0.1] = low
        shift = int(rng.integers(0, most_shift(bits), endpoint=True))
        weight = int(rng.integers(1, most_weight(bits, self.config.max_clients), endpoint=True))
        if only is None:
            return Update(random, LeafTree(split_leaves(random, k)), shift, weight)
        mantissas = np.zeros(self.values, random.dtype)
        mantissas[only * k : (only + 1) * k] = random
        leaves = [bytes(k * bits // 8)] * self.config.leaf_count
        leaves[only] = to_bytes(random)
        return Update(mantissas, LeafTree(leaves), shift, weight)

    def _bring_into_range(self, rng: np.random.Generator) -> None:
        """Change the last update so that the sum of all is at most the rule's bound times their weight."""
        *others, last = self.updates
        most = self.federation.coordinator().rule_parameters[1] * sum(u.weight for u in self.updates)
        total = rng.integers(-most, most, self.values, endpoint=True, dtype=np.int32)
        last.mantissas = total - np.sum([u.mantissas for u in others], axis=0, dtype=np.int32)
        last.tree = LeafTree(split_leaves(last.mantissas, self.config.leaf_values))

    def _play(self) -> None:
        token, contract, config = self.federation.token.functions, self.contract.functions, self.config
        chain, here, sponsor, salt = self.chain, self.contract.address, self.chain.accounts[0], bytes(32)
        chain_id, prior_root = chain.web3.eth.chain_id, self.prior_tree.root
        players = list(zip(self.accounts, self.updates, strict=True))
        stakes = [max(config.min_stake, u.weight * config.stake_per_example) for u in self.updates]
        chain.send_all(
            [(token.mint(a, 10 * (s + config.bond_base)), sponsor) for a, s in zip(self.accounts, stakes, strict=True)]
        )
        chain.send_all([(token.mint(sponsor, config.round_reward), sponsor)])
        chain.send_all([(token.approve(here, 2**255), account) for account in [sponsor, *self.accounts]])
        chain.send_all([(contract.join(s), account) for account, s in zip(self.accounts, stakes, strict=True)])
        chain.send_all([(contract.fund(config.round_reward), sponsor)])
        hashes = [
            commit_hash(chain_id, here, 1, a, prior_root, u.tree.root, u.shift, u.weight, salt) for a, u in players
        ]
        chain.send_all([(contract.commit(1, prior_root, h), a) for a, h in zip(self.accounts, hashes, strict=True)])
        losses = (0, 0) if config.is_masked else (2, 1)
        chain.send_all([(contract.reveal(1, u.tree.root, u.shift, u.weight, salt, *losses), a) for a, u in players])
        self.inputs_hash = self.federation.coordinator().round_view(1).inputs_hash
        self.accepted_by_all = self.accepted
        bitmap = sum(1 << i for i in self.accepted)
        chain.send_all([(contract.attest(1, self.inputs_hash, bitmap), account) for account in self.accounts])

    def send(self, call: Any, account: str) -> Any:
        """The receipt of a successful transaction."""
        return self.chain.do(call, account)

    def right_global(self) -> list[int]:
        """FedAvg of the accepted updates in Python's integers, the values of the tree's padding left out."""
        accepted = [self.updates[i] for i in self.accepted]
        total = sum(u.weight for u in accepted)
        touched = np.zeros(len(self.prior), bool)
        for update in accepted:
            touched |= update.mantissas != 0
        result: list[int] = self.prior.tolist()
        for j in np.flatnonzero(touched).tolist():
            mean = rounded(sum(u.weight * 2**u.shift * int(u.mantissas[j]) for u in accepted), total)
            result[j] = stepped(result[j], mean, self.config.server_lr)
        return result

    def tree_of(self, values: Sequence[int]) -> LeafTree:
        return LeafTree(split_leaves(np.array(values, np.int32), self.config.leaf_values))

    def propose(self, proposed: LeafTree, account: str) -> None:
        self.propose_digests(proposed.digests, account)

    def propose_digests(self, digests: Sequence[bytes], account: str, page: int = 0) -> None:
        bitmap = sum(1 << i for i in self.accepted_by_all)
        self.send(self.contract.functions.propose(1, self.inputs_hash, bitmap, page, digests), account)

    def proof(self, proposed: LeafTree, index: int) -> dict[str, Any]:
        """`IDisputes.Proof` against leaf `index` of the proposal."""
        return {
            "round": 1,
            "proposalRoot": proposed.root,
            "inputsHash": self.inputs_hash,
            "leafIndex": index,
            "part": 0,
            "prior": [self.prior_tree.opening(index)],
            "claimedDigest": proposed.digests[index],
            "claimedPath": tree.path(proposed.digests, index),
            "start": NO_SUMS,
            "updates": [self.updates[i].tree.opening(index) for i in self.accepted],
        }
