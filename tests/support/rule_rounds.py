"""Random rounds for any rule: a leaf of every update, and a prior, with the limits of the protocol among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from fedaggregator.rules.base import Rule, Sums
from fedprotocol.numbers import to_bytes
from numpy.typing import NDArray
from support.rule_formulas import INT32, Update
from web3.contract import Contract

MAX_WEIGHT = 2**20 - 1
MASKED_WEIGHT = 2**15  # of all updates together
PATTERNS = ("any", "any", "any", "close", "ties", "limits", "lowest", "highest", "zero")


@dataclass(frozen=True)
class Round:
    """`mantissas`: int8, int16 or, of masked values, int32 [n, K]. `prior`: int32 [parts, K]."""

    bits: int
    mantissas: NDArray[np.signedinteger[Any]]
    weights: list[int]
    shifts: list[int]
    prior: NDArray[np.int32]
    server_lr: int

    @property
    def updates(self) -> list[Update]:
        return [Update(m, w, s) for m, w, s in zip(self.mantissas, self.weights, self.shifts, strict=True)]

    def first(self, values: int) -> Round:
        """The round of a leaf that has only the first values."""
        return replace(self, mantissas=self.mantissas[:, :values], prior=self.prior[:, :values])

    def sums(self, rule: Rule, count: int | None = None) -> Sums | None:
        """The partial sums over the first `count` updates, over all of them by default."""
        sums = None
        for update in self.updates[:count]:
            sums = rule.accumulate(sums, update.mantissas[np.newaxis], update.weight, update.shift)
        return sums

    def finished(self, rule: Rule) -> NDArray[np.int32]:
        """int32 [parts, K] by NumPy."""
        sums = self.sums(rule)
        assert sums is not None
        return rule.finish(sums, self.prior[:, np.newaxis], sum(self.weights), self.server_lr)[:, 0]

    def finished_on_chain(self, rule: Rule, contract: Contract) -> NDArray[np.int32]:
        """int32 [parts, K] by the contract, from sums of which it made the last step; the others are NumPy's."""
        before, after, last = self.sums(rule, len(self.weights) - 1), self.sums(rule), self.updates[-1]
        assert after is not None
        given = b"" if before is None else to_bytes(before)
        sums = contract.functions.accumulate(given, to_bytes(last.mantissas), self.bits, last.weight, last.shift).call()
        assert sums == to_bytes(after)
        result = contract.functions.finish(sums, to_bytes(self.prior), sum(self.weights), self.server_lr).call()
        return np.frombuffer(result, ">i4").astype(np.int32).reshape(self.prior.shape)


def drawn(rng: np.random.Generator, rule: Rule, clients: int, values: int, bits: int | None = None) -> Round:
    """A round of `clients` updates; weights and shifts at their limits, or all the same, half of the time."""
    bits = bits or int(rng.choice(rule.bits))
    limits = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    kind = str(rng.choice(PATTERNS))
    mantissas = np.stack([integers(rng, kind, limits, values) for _ in range(clients)]).astype(f"int{bits}")
    weights = _mixed(rng, clients, (1, most_weight(bits, clients)))
    shifts = _mixed(rng, clients, (0, most_shift(bits)))
    prior = np.stack([integers(rng, str(rng.choice(PATTERNS)), INT32, values) for _ in range(rule.parts)])
    server_lr = int(rng.choice([1, 2**16, 2**17, rng.integers(1, 2**17)]))
    return Round(bits, mantissas, weights, shifts, prior.astype(np.int32), server_lr)


def most_weight(bits: int, clients: int) -> int:
    """The largest weight that each of `clients` updates can have at once."""
    return MASKED_WEIGHT // clients if bits == 32 else MAX_WEIGHT


def most_shift(bits: int) -> int:
    return max(0, 31 - bits)


def integers(rng: np.random.Generator, kind: str, limits: tuple[int, int], count: int) -> NDArray[np.int64]:
    """`count` integers within `limits`, both ends included."""
    if kind == "any":
        extremes = rng.choice([*limits, 0, -1, 1], count)
        return np.where(rng.random(count) < 0.3, extremes, rng.integers(*limits, count, endpoint=True))
    if kind == "close":
        return rng.integers(-3, 3, count, endpoint=True)
    if kind == "ties":
        return rng.choice([limits[0], limits[1], 0], count)
    patterns = {"limits": limits, "lowest": limits[:1], "highest": limits[1:], "zero": (0,)}
    return np.resize(np.array(patterns[kind], np.int64), count)


def _mixed(rng: np.random.Generator, count: int, limits: tuple[int, int]) -> list[int]:
    if rng.random() < 0.25:
        return [int(rng.choice([*limits, rng.integers(*limits, endpoint=True)]))] * count
    values = rng.integers(*limits, count, endpoint=True)
    return np.where(rng.random(count) < 0.3, rng.choice(limits, count), values).tolist()
