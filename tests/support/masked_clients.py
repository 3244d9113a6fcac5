"""Clients of a masked federation without a model: real keys, masks, stores and transactions, random deltas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from fednode.masking.keys import fresh_secret, public_key
from fednode.masking.masked import masked_leaves, pair_seeds
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.masks.document import MASKED_RULE
from fedprotocol.masks.transcript import transcript
from fedprotocol.numbers import from_bytes
from fedprotocol.spec import spec_digest
from numpy.typing import NDArray
from support.evm import Anvil
from support.live_federation import LiveFederation, random_genesis
from support.rule_formulas import clamped, rounded
from support.specs import small_spec
from support.synthetic import SyntheticClient

SCALE, BOUND, LEAVES = 4, 1000, 5
EXAMPLES = (100, 677, 30, 400, 5)


@dataclass
class MaskedRound:
    """A round whose inputs are fixed. `deltas`: what each client would add, int32 [values]."""

    number: int
    prior: NDArray[np.int32]
    deltas: list[NDArray[np.int32]]
    sent: list[MemoryLeaves]
    weights: list[int]

    def right(self, server_lr: int = 1 << 16) -> NDArray[np.int32]:
        """A step of the weighted mean of what was never published, in Python's integers."""
        total = np.sum(self.deltas, axis=0, dtype=np.int64).tolist()
        means = [rounded(t * 2**SCALE, sum(self.weights)) for t in total]
        moved = zip(self.prior.tolist(), means, strict=True)
        return np.array([clamped(old + rounded(mean * server_lr, 1 << 16)) for old, mean in moved], np.int32)


class MaskedFederation:
    """`clients` with seats, on a chain with the real contracts, and their homes in `folder`; `overrides` as for
    LiveFederation."""

    def __init__(self, chain: Anvil, folder: Path, clients: int = 3, **overrides: Any) -> None:
        self.folder = folder
        rule = chain.deploy("MaskedMean", SCALE, BOUND).address
        gate = chain.deploy("AllowlistGate", chain.accounts[0], [])
        self.document = small_spec(
            layout={"tensors": [{"name": "a", "shape": [10, 15]}], "leaf_values": 32, "mantissa_bits": 32, "parts": 1},
            bounds={"max_shift": 0, "max_norm": 1.5, "min_norm": 1e-3},
            rule=MASKED_RULE,
            masking={"scale": SCALE, "bound": BOUND},
            genesis_root="0x" + random_genesis(LEAVES, 32).root.hex(),
        )
        terms = {
            "rule_at": rule,
            "specDigest": spec_digest(self.document),
            "gate": gate.address,
            "mantissaBits": 32,
            "maxShift": 0,
            "minClients": 3,
        }
        self.federation = LiveFederation(chain, **{**terms, **overrides})
        self.coordinator = self.federation.coordinator
        self.clients = [
            SyntheticClient(self.federation, folder / f"client-{seed}", seed, EXAMPLES[seed]) for seed in range(clients)
        ]
        addresses = [client.address for client in self.clients]
        self.federation.transact(gate.functions.setAllowed(addresses, True))
        for client in self.clients:
            client.join()
        self.clients[0].store.put(self.federation.genesis)
        self.clients[0].store.put_block(self.document)
        self._rng = np.random.default_rng(17)

    @property
    def stores(self) -> list[Path]:
        return [client.store_path for client in self.clients]

    def play(self, number: int, prior: Sequence[bytes] | None = None, garbage_from: int | None = None) -> MaskedRound:
        """All commit, reveal and attest. `prior`: the leaves of the settled global, by default of the genesis.
        `garbage_from`: this client publishes random values in place of its update."""
        genesis = self.federation.genesis
        before = MemoryLeaves(list(prior) if prior else [genesis[leaf] for leaf in range(len(genesis))])
        secrets = {client.address: fresh_secret() for client in self.clients}
        for client in self.clients:
            self.commit(client, number, before.root, secrets[client.address])
        sent, deltas = self._masked(number, before, secrets, garbage_from)
        for client, leaves in zip(self.clients, sent, strict=True):
            self.reveal(client, number, leaves.root)
        for client, leaves in zip(self.clients, sent, strict=True):
            client.store.put(leaves)
            client.attest(number)
        values = from_bytes(b"".join(before[leaf] for leaf in range(len(before))), 32)
        return MaskedRound(number, values, deltas, sent, [client.examples for client in self.clients])

    def commit(self, client: SyntheticClient, number: int, prior_root: bytes, secret: bytes) -> None:
        """One of `clients` commits with the key that belongs to `secret`."""
        client.sender.send(self.coordinator.calls.commit(number, prior_root, public_key(secret)), f"commit {number}")

    def reveal(self, client: SyntheticClient, number: int, root: bytes) -> None:
        """One of `clients` names the root of its masked update."""
        call = self.coordinator.calls.reveal(number, root, 0, client.examples, bytes(32), 0, 0)
        client.sender.send(call, f"reveal {number}")

    def _masked(
        self, number: int, before: MemoryLeaves, secrets: dict[str, bytes], garbage_from: int | None
    ) -> tuple[list[MemoryLeaves], list[NDArray[np.int32]]]:
        k = before.shape.leaf_bytes // 4
        keys = {client.address: public_key(secrets[client.address]) for client in self.clients}
        bound_to = transcript(self.coordinator.chain_id, self.coordinator.address, number, before.root, keys)
        sent, deltas = [], []
        for index, client in enumerate(self.clients):
            most = client.examples * BOUND
            delta = self._rng.integers(-most, most, self.federation.values, endpoint=True, dtype=np.int32)
            seeds = pair_seeds(bound_to, secrets[client.address], client.address, keys)
            leaves = masked_leaves(delta, k, client.address, seeds)
            if index == garbage_from:
                leaves = [self._rng.bytes(4 * k) for _ in leaves]
            sent.append(MemoryLeaves(leaves))
            deltas.append(delta)
        return sent, deltas

    def close(self) -> None:
        for client in self.clients:
            client.close()
