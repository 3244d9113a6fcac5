"""A member of a masked federation that the row acts for: real key, masks, store and transactions, and no program."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np
from fednode.masking.keys import fresh_secret, public_key
from fednode.masking.masked import masked_leaves, pair_seeds
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.masks.transcript import transcript
from fedprotocol.store.base import Store
from support.synthetic import SyntheticClient

STEPS = 100  # the largest value of an update, for each unit of weight


@dataclass
class MaskedHand:
    """`client` has its seat; its `examples` are the weight. Each step is one call."""

    client: SyntheticClient
    secrets: dict[int, bytes] = field(default_factory=dict)
    made: dict[int, MemoryLeaves] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.client.address

    def commit(self, number: int, prior_root: bytes, before: Callable[[bytes], object] = lambda _: None) -> None:
        """With a fresh key, which `before` is called with before anybody sees it."""
        self.secrets[number] = fresh_secret()
        key = public_key(self.secrets[number])
        before(key)
        self.client.sender.send(self.client.coordinator.calls.commit(number, prior_root, key), f"commit {number}")

    def mask(self, number: int) -> MemoryLeaves:
        """A random update of the round under the masks that it shares with all who committed on the round's prior."""
        coordinator, examples = self.client.coordinator, self.client.examples
        prior, config = coordinator.round_view(number).prior_root, coordinator.config()
        found = {account: coordinator.commitment(number, account) for account in coordinator.clients()}
        keys = {account: one.hash for account, one in found.items() if one.prior_root == prior}
        bound_to = transcript(coordinator.chain_id, coordinator.address, number, prior, keys)
        most, rng = examples * STEPS, np.random.default_rng(number)
        values = rng.integers(-most, most, self.client.federation.values, endpoint=True, dtype=np.int32)
        seeds = pair_seeds(bound_to, self.secrets[number], self.address, keys)
        self.made[number] = MemoryLeaves(masked_leaves(values, config.leaf_values, self.address, seeds))
        return self.made[number]

    def noise(self, number: int) -> MemoryLeaves:
        """Random bytes in place of an update of the round."""
        config, rng = self.client.coordinator.config(), np.random.default_rng(number)
        self.made[number] = MemoryLeaves([rng.bytes(4 * config.leaf_values) for _ in range(config.leaf_count)])
        return self.made[number]

    def reveal(self, number: int, root: bytes | None = None) -> None:
        """The root alone: of what `mask` or `noise` made, or another."""
        named = self.made[number].root if root is None else root
        call = self.client.coordinator.calls.reveal(number, named, 0, self.client.examples, bytes(32), 0, 0)
        self.client.sender.send(call, f"reveal {number}")

    def publish(self, number: int, store: Store | None = None) -> None:
        """In the store of all clients by hand, or in `store`."""
        (store or self.client.store).put(self.made[number])

    def attest(self, number: int, absent: Collection[int] = ()) -> None:
        """Vouch for every update but those at the indices in `absent`."""
        self.client.attest(number, absent)
