"""What clients of a played federation learn: each walks towards its own optimum, so that losses fall as they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fedaggregator.rules import Rule
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import UNIT, encode_delta, split_leaves
from fedprotocol.types import FederationConfig
from numpy.typing import NDArray

FLOOR, HEIGHT = 0.43, 3.74  # the loss at an optimum, and how much higher it is at global 0


@dataclass(frozen=True)
class Learned:
    """An update, and the client's losses before and after it in units of 1e-6."""

    mantissas: NDArray[np.signedinteger[Any]]
    shift: int
    leaves: MemoryLeaves
    loss_before: int
    loss_after: int


class Landscape:
    """A loss for each client: the squared distance to an optimum of its own, as where sites have different data.

    `pace`: the share of its distance that a client goes in a round. `values` lists how many values each tensor has and
    the size (standard deviation, real) of what there is to learn.
    """

    def __init__(self, values: Sequence[tuple[int, float]], clients: int, pace: float, seed: int) -> None:
        self.pace = pace
        self.rng = np.random.default_rng(seed)
        sizes = np.concatenate([np.full(count, size) for count, size in values])
        self.genesis = (self.rng.normal(0, 0.02, len(sizes)) / UNIT).astype(np.int32)
        common = self.genesis * UNIT + self.rng.normal(0, 1, len(sizes)) * sizes
        self._optima = common + self.rng.normal(0, 0.25, (clients, len(sizes))) * sizes
        self._start = ((self._optima - self.genesis * UNIT) ** 2).sum(axis=1)
        self._sizes = sizes

    def first_global(self, parts: int) -> NDArray[np.int32]:
        """int32 [parts, values], in units: the weights of the genesis, and zeros."""
        return np.stack([self.genesis, *(np.zeros_like(self.genesis) for _ in range(1, parts))])

    def learn(self, client: int, prior: NDArray[np.int32], config: FederationConfig) -> Learned:
        """What client number `client` makes of the weights `prior`, int32 [values], in units."""
        here = prior * UNIT
        delta = (
            self.pace * (self._optima[client] - here) + self.rng.normal(0, 0.05, len(here)) * self._sizes * self.pace
        )
        encoded = encode_delta(delta / UNIT, config.mantissa_bits, self.rng)
        leaves = MemoryLeaves(split_leaves(encoded.mantissas, config.leaf_values))
        before, after = self.loss(client, here), self.loss(client, here + delta)
        return Learned(encoded.mantissas, encoded.shift, leaves, _micro(before), _micro(after))

    def loss(self, client: int, weights: NDArray[np.float64]) -> float:
        distance = float(((self._optima[client] - weights) ** 2).sum())
        return FLOOR + 0.03 * client % 0.2 + HEIGHT * distance / float(self._start[client])


def tree_of(values: NDArray[np.int32], leaf_values: int) -> MemoryLeaves:
    """The tree of a global, int32 [parts, values]."""
    return MemoryLeaves([leaf for part in values for leaf in split_leaves(part, leaf_values)])


def next_global(
    rule: Rule, prior: NDArray[np.int32], updates: Sequence[tuple[Learned, int]], config: FederationConfig
) -> NDArray[np.int32]:
    """The right global, int32 [parts, values], of updates with their weights. The values fill whole leaves."""
    sums = None
    for learned, weight in updates:
        sums = rule.accumulate(sums, learned.mantissas.reshape(-1, config.leaf_values), weight, learned.shift)
    assert sums is not None
    before = prior.reshape(rule.parts, -1, config.leaf_values)
    after = rule.finish(sums, before, sum(weight for _, weight in updates), config.server_lr)
    return after.reshape(prior.shape)


def _micro(loss: float) -> int:
    return round(loss * 1e6)
