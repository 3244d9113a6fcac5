"""A round on a real chain with a lie in it that was convicted, and its content in a store, for the explorer's tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fedaggregator.disputes.convict import convict
from fedaggregator.disputes.price import Limits
from fedaggregator.rules import rule_named
from fedexplorer.content.content import Content, RuleName
from fedexplorer.content.inputs import Given, Proposed, RoundInputs
from fedexplorer.disputes.gather import Convicted
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.spec import spec_digest
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.open import open_store
from support.deployed import Deployed, sender
from support.disputed import Recomputed
from support.evm import Anvil
from support.leaf_round import INT32, LeafRound, LeafTree
from support.specs import small_spec

VALUES, K, LEAVES = 150, 32, 5  # the last leaf is padded
TENSORS = [{"name": "layers.0.q.lora_A", "shape": [10, 9]}, {"name": "layers.0.q.lora_B", "shape": [3, 20]}]
CLIENTS, REJECTED = 5, (1,)
WRONG = 2 * K + 7  # the value that the lie changes


class ConvictedRound:
    """Round 1 of five clients, one of whose updates was not accepted. Account 1 lies, account 0 proposes what is right;
    what everybody but the liar has is served in `store`. `document`: other fields of the spec."""

    def __init__(
        self,
        chain: Anvil,
        folder: Path,
        wrong: int = WRONG,
        limits: Limits | None = None,
        tensors: Sequence[dict[str, object]] = TENSORS,
        **document: object,
    ) -> None:
        self.chain, self.folder = chain, folder
        prior = np.random.default_rng(3).integers(*INT32, VALUES, endpoint=True, dtype=np.int32)
        genesis = MemoryLeaves(split_leaves(prior, K))
        self.spec = small_spec(
            layout={"tensors": list(tensors), "leaf_values": K, "mantissa_bits": 8, "parts": 1},
            bounds={"max_shift": 23, "max_norm": 1.5, "min_norm": 1e-3},
            genesis_root="0x" + genesis.root.hex(),
            **document,
        )
        own = {"genesisRoot": genesis.root, "specDigest": spec_digest(self.spec), "leafCount": LEAVES}
        self.federation = Deployed.on(chain, **own, minWindow=1, challengeLength=600, maxClients=8)
        self.game = game = LeafRound(self.federation, prior, CLIENTS, rejected=REJECTED)
        self.coordinator = self.federation.coordinator()
        self.values = game.right_global()
        lie = list(self.values)
        lie[wrong] += 1 if lie[wrong] < 0 else -1
        self.lie, self.right = game.tree_of(lie), game.tree_of(self.values)
        self.liar, self.honest = game.accounts[1], game.accounts[0]
        game.propose(self.lie, self.liar)
        game.propose(self.right, self.honest)
        self.store = DirectoryStore(folder / "store")
        self.store.put_block(self.spec)
        for kept in (game.prior_tree, self.right, *(game.updates[i].tree for i in game.accepted)):
            self.serve(kept)
        self.convict(limits or Limits())

    def serve(self, tree: LeafTree) -> None:
        """Put a tree into the store that everybody can read."""
        self.store.put(MemoryLeaves(tree.leaves))

    def convict(self, limits: Limits) -> None:
        """Prove the lie wrong, as a watchtower does."""
        self.challenger = self.federation.account()
        case = Recomputed(self.game).case(self.liar)
        assert case is not None
        self.leaf = case.leaf
        done = convict(
            self.coordinator, sender(self.chain, self.challenger, self.folder / "challenger.db"), case, limits
        )
        assert done.convicted
        self.calls = done.calls

    def finish(self) -> None:
        """Let the challenge window of the right proposal end."""
        self.chain.set_time(self.chain.now() + 1_000)

    def inputs(self) -> RoundInputs:
        """What the round follows from, by the contract's own views."""
        view = self.coordinator.round_view(1)
        updates = tuple(
            Given(i, u.client, u.root, u.weight, u.shift)
            for i, u in enumerate(self.coordinator.updates(1))
            if view.accepted_mask >> i & 1
        )
        proposals = (Proposed(self.liar, self.lie.root), Proposed(self.honest, self.right.root))
        return RoundInputs(1, view.prior_root, updates, proposals)

    def convicted(self) -> Convicted:
        with EventIndex(self.coordinator) as events:
            events.sync()
            [event] = events.events(("Convicted",))
            [opened] = events.events(("RoundOpened",))
        return Convicted(self.inputs(), event.tx_hash, event.block, opened.block, self.liar, self.lie.root)

    def content(self, name: str = "explorer", limit: int = 1 << 20) -> Content:
        """An explorer's content, with copies of its own in a new folder."""
        own = self.folder / name
        store = open_store(f"dir:{self.store.path}", own, only_reads=True)
        return Content(
            self.coordinator,
            EventIndex(self.coordinator),
            self.coordinator.config(),
            RuleName(self.coordinator.rule_name),
            store,
            own,
            limit,
        )


FEDAVG = rule_named("fedavg")
