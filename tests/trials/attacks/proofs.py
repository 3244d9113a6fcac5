"""Proofs from what is public, made by hand: of any leaf against any tree, true ones and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedaggregator.compute.inputs import accepted
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening, Proof, Step, Sums
from fedprotocol.chain.read.snapshot import take_snapshot
from fedprotocol.leaves import Leaves
from fedprotocol.numbers import from_bytes
from support.synthetic import SyntheticClient

from attacks.arena import Arena

SUM_BYTES = 8


@dataclass(frozen=True)
class Evidence:
    """A round whose inputs are fixed: its prior and its accepted updates, by index."""

    round: int
    inputs_hash: bytes
    prior: Leaves
    updates: tuple[Leaves, ...]
    weights: tuple[int, ...]
    shifts: tuple[int, ...]
    bits: int

    @classmethod
    def of(cls, arena: Arena, clients: Sequence[SyntheticClient], round_number: int, prior: Leaves) -> Evidence:
        """Of a round of `clients`, who made its updates."""
        state = take_snapshot(arena.coordinator, arena.coordinator.address).round(round_number)
        assert state is not None and prior.root == state.view.prior_root
        trees = {client.address: client.updates[round_number].leaves for client in clients}
        given = accepted(state)
        return cls(
            round_number,
            state.view.inputs_hash,
            prior,
            tuple(trees[update.client] for update in given),
            tuple(update.weight for update in given),
            tuple(update.shift for update in given),
            arena.coordinator.config().mantissa_bits,
        )

    def openings(self, leaf: int, start: int = 0, stop: int | None = None) -> tuple[Opening, ...]:
        return tuple(opening(update, leaf) for update in self.updates[start:stop])

    def sums(self, leaf: int, count: int) -> Sums:
        """The partial sums after `count` accepted updates, in Python's integers."""
        if count == 0:
            return Sums()
        given = zip(self.updates[:count], self.weights, self.shifts, strict=False)
        parts = [(from_bytes(u[leaf], self.bits).astype(object) << shift) * weight for u, weight, shift in given]
        values = b"".join(int(value).to_bytes(SUM_BYTES, "big", signed=True) for value in sum(parts))
        return Sums(count, sum(self.weights[:count]), values)

    def step(self, leaf: int, start: int, stop: int) -> Step:
        return Step(self.round, self.inputs_hash, leaf, self.sums(leaf, start), self.openings(leaf, start, stop))

    def proof(self, claimed: Leaves, leaf: int, start: int = 0) -> Proof:
        """That leaf `leaf` of `claimed` is wrong, whether or not it is."""
        digests = [claimed.digest(index) for index in range(len(claimed))]
        return Proof(
            self.round,
            claimed.root,
            self.inputs_hash,
            leaf,
            0,
            (opening(self.prior, leaf),),
            digests[leaf],
            tuple(tree.path(digests, leaf)),
            self.sums(leaf, start),
            self.openings(leaf, start),
        )


def opening(leaves: Leaves, index: int) -> Opening:
    digests = [leaves.digest(i) for i in range(len(leaves))]
    return Opening(leaves[index], tuple(tree.path(digests, index)))
