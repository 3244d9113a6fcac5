"""A client without a model: real key, journal, store and transactions, random integer deltas."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fedprotocol.car import MemoryLeaves
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.send.sender import Sender
from fedprotocol.journal import Journal
from fedprotocol.numbers import split_leaves
from fedprotocol.store.open import open_store
from numpy.typing import NDArray
from support.live_federation import LiveFederation, directory_url


@dataclass(frozen=True)
class SyntheticUpdate:
    """What a client commits to in one round."""

    prior_root: bytes
    leaves: MemoryLeaves
    mantissas: NDArray[np.signedinteger[Any]]
    shift: int
    examples: int
    salt: bytes


class SyntheticClient:
    """One client with a home of its own; every step is one call."""

    def __init__(
        self, federation: LiveFederation, home: Path, seed: int, examples: int = 100, store: Path | None = None
    ) -> None:
        """`store`: the folder it publishes in, by default one of its own."""
        self.federation = federation
        self.home = home
        self.examples = examples
        self.account = federation.new_account()
        self.store_path = store or home / "store"
        self.store = open_store(directory_url(self.store_path), home / "cache")
        self.journal = Journal(home / "journal.sqlite")
        self.sender = Sender(federation.coordinator.web3, self.account, self.journal)
        self.updates: dict[int, SyntheticUpdate] = {}
        self._rng = np.random.default_rng(seed)

    @property
    def address(self) -> str:
        return self.account.address

    @property
    def coordinator(self) -> Coordinator:
        return self.federation.coordinator

    def join(self) -> None:
        """Take a seat with the federation's minimum stake."""
        coordinator = self.federation.coordinator
        stake = coordinator.config().min_stake
        coordinator.token.ensure_allowance(self.sender, coordinator.address, stake)
        self.sender.send(coordinator.calls.join(stake), "join")

    def commit(self, round_number: int, prior_root: bytes) -> SyntheticUpdate:
        """Make a random update on `prior_root` and commit to it."""
        coordinator, config = self.federation.coordinator, self.federation.coordinator.config()
        bits = config.mantissa_bits
        mantissas = self._rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), self.federation.values).astype(
            f"i{bits // 8}"
        )
        update = SyntheticUpdate(
            prior_root=prior_root,
            leaves=MemoryLeaves(split_leaves(mantissas, config.leaf_values)),
            mantissas=mantissas,
            shift=int(self._rng.integers(5, 12)),  # within the bounds of `support.sites.choices`
            examples=self.examples,
            salt=os.urandom(32),
        )
        commitment = coordinator.commit_hash(
            round_number, self.address, prior_root, update.leaves.root, update.shift, update.examples, update.salt
        )
        self.sender.send(coordinator.calls.commit(round_number, prior_root, commitment), f"commit {round_number}")
        self.updates[round_number] = update
        return update

    def reveal(self, round_number: int, publish: bool = True) -> None:
        """Put the update into the own store (unless it is to be withheld) and reveal it."""
        update = self.updates[round_number]
        if publish:
            self.store.put(update.leaves)
        self.sender.send(
            self.federation.coordinator.calls.reveal(
                round_number, update.leaves.root, update.shift, update.examples, update.salt, 2_000_000, 1_000_000
            ),
            f"reveal {round_number}",
        )

    def attest(self, round_number: int, absent: Collection[int] = ()) -> None:
        """Vouch for every revealed update but those at the indices in `absent`."""
        coordinator = self.federation.coordinator
        view = coordinator.round_view(round_number)
        bitmap = sum(1 << index for index in range(view.revealed) if index not in absent)
        self.sender.send(coordinator.calls.attest(round_number, view.inputs_hash, bitmap), f"attest {round_number}")

    def propose(self, round_number: int, values: NDArray[np.int32]) -> bytes:
        """Publish and propose the global of `values`, int32 [value_count]; returns its root."""
        coordinator, view = self.coordinator, self.coordinator.round_view(round_number)
        leaves = MemoryLeaves(split_leaves(values, coordinator.config().leaf_values))
        self.store.put(leaves)
        coordinator.token.ensure_allowance(self.sender, coordinator.address, 10**24)
        digests = [leaves.digest(index) for index in range(len(leaves))]
        call = coordinator.calls.propose(round_number, view.inputs_hash, view.accepted_mask, 0, digests)
        self.sender.send(call, f"propose {round_number}")
        return leaves.root

    def close(self) -> None:
        self.journal.close()


def play_inputs(clients: Collection[SyntheticClient], round_number: int, prior_root: bytes) -> None:
    """All of `clients` commit, reveal and attest, so that the round's inputs are fixed at once."""
    for client in clients:
        client.commit(round_number, prior_root)
    for client in clients:
        client.reveal(round_number)
    for client in clients:
        client.attest(round_number)


def expected_global(
    federation: LiveFederation, prior: NDArray[np.int32], clients: Collection[SyntheticClient], round_number: int
) -> NDArray[np.int32]:
    """FedAvg over whole vectors in Python's own integers (server_lr 1), all of `clients` accepted."""
    updates = [client.updates[round_number] for client in clients]
    weights = {u.client: u.weight for u in federation.coordinator.updates(round_number)}
    total = sum(weights[client.address] for client in clients)
    sums = sum(
        (u.mantissas.astype(object) << u.shift) * weights[c.address] for u, c in zip(updates, clients, strict=True)
    )
    mean = np.array([(2 * abs(s) + total) // (2 * total) * (1 if s >= 0 else -1) for s in sums], dtype=object)
    return np.clip(prior.astype(object) + mean, -(2**31), 2**31 - 1).astype(np.int32)
