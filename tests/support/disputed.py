"""What a program that recomputed a `LeafRound` knows, and the case it makes of a wrong proposal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from fedaggregator.compute.inputs import rule_of
from fedaggregator.compute.merge import Contribution
from fedaggregator.disputes.case import Case, build
from fedaggregator.disputes.judge import Claim, Wrong, judge
from fedaggregator.disputes.proposed_leaves import proposed_digests
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.snapshot import RoundState, take_snapshot
from fedprotocol.leaves import MemoryLeaves
from support.leaf_round import LeafRound


class Recomputed:
    """Own copies of the round's inputs and its right global; everything else is read from the chain."""

    def __init__(self, game: LeafRound) -> None:
        self.game = game
        self.coordinator = game.federation.coordinator()
        self.events = EventIndex(self.coordinator)
        self.config = self.coordinator.config()
        self.rule = rule_of(self.coordinator)
        self.prior = MemoryLeaves(game.prior_tree.leaves)
        self.contributions = [
            Contribution(MemoryLeaves(u.tree.leaves), u.weight, u.shift)
            for u in (game.updates[i] for i in game.accepted)
        ]

    @cached_property
    def own(self) -> MemoryLeaves:
        return MemoryLeaves(self.game.tree_of(self.game.right_global()).leaves)

    def state(self) -> RoundState:
        state = take_snapshot(self.coordinator, self.game.accounts[0]).round(1)
        assert state
        return state

    def case(self, proposer: str) -> Case | None:
        """Against the proposal of `proposer`, by the events of its pages."""
        root = next(p.root for p in self.state().proposals if p.proposer == proposer)
        return self.case_of(proposed_digests(self.events, 1, proposer, root), root)

    def case_of(self, digests: Sequence[bytes], root: bytes) -> Case | None:
        claim = Claim(root, digests)
        verdict = judge(claim, self.own)
        if not isinstance(verdict, Wrong) or verdict.first is None:
            return None
        return build(self.rule, self.config, self.state(), self.prior, self.contributions, claim, verdict.first)
