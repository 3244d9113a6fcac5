"""A conviction, done again: from the leaves that the case put together to the leaf that is right. Nothing here reads
chain or store."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from fedaggregator.disputes.leaf_case import one_leaf
from fedaggregator.rules import Rule
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening
from fedprotocol.numbers import UNIT, from_bytes, to_bytes
from fedprotocol.types import FederationConfig
from numpy.typing import NDArray

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.disputes.gathered import (
    Gathered,
    ReplayError,
    Share,
    Source,
    accumulated,
    check_path,
    check_shares,
    summed,
)

GLOBAL_BITS = 32


@dataclass(frozen=True)
class Found(Gathered):
    """Everything that was read about a conviction.

    Args:
        part: of the leaf in a global, as the rule counts them.
        prior: every part of the leaf before the round.
    """

    part: int
    prior: tuple[Opening, ...]
    prior_source: Source
    claimed_digest: bytes
    claimed_path: tuple[bytes, ...]


@dataclass(frozen=True)
class Replay:
    """A conviction of which every step was done again, and every path checked to a root on the chain."""

    inputs: RoundInputs
    root: bytes
    found: Found
    weight: int
    right: bytes
    right_digest: bytes
    rule: Rule = field(repr=False)
    config: FederationConfig = field(repr=False)

    @property
    def leaf_in_global(self) -> int:
        """The number of the disputed leaf in the tree of a global."""
        return self.found.part * self.config.leaf_count + self.found.leaf

    @property
    def adds_up(self) -> bool:
        """Whether the rule's sums keep their length, because it adds the updates up."""
        one, two = (self.rule.sums_bytes(n, self.config.leaf_values, self.config.mantissa_bits) for n in (1, 2))
        return one == two

    def rights(self) -> NDArray[np.int32]:
        """The right values, int32 [K], units of 2^-24."""
        return from_bytes(self.right, GLOBAL_BITS)

    def priors(self) -> NDArray[np.int32]:
        """The values before the round, int32 [K]."""
        return from_bytes(self.found.prior[self.found.part].leaf, GLOBAL_BITS)

    def mantissas(self, share: Share) -> NDArray[np.signedinteger]:
        """What a client put in, int8 or int16 [K]; int32 if it is masked."""
        return from_bytes(share.opening.leaf, self.config.mantissa_bits)

    def column(self, at: int) -> Column:
        """One value of the leaf, from what each client put in to what is right. Raises IndexError."""
        if not 0 <= at < self.config.leaf_values:
            raise IndexError(f"a leaf has the values 0 to {self.config.leaf_values - 1}, not {at}")
        rows = [self._row(share, int(self.mantissas(share)[at])) for share in self.found.shares]
        running = tuple(
            tuple(int(v) for v in sums[..., -self.config.leaf_values :][..., at].flat)
            for _, sums in accumulated(self.rule, self.config.mantissa_bits, self.found.shares)
        )
        prior = tuple(int(from_bytes(opening.leaf, GLOBAL_BITS)[at]) for opening in self.found.prior)
        return Column(at, prior, tuple(rows), running, int(self.rights()[at]))

    def _row(self, share: Share, mantissa: int) -> Row:
        return Row(share, mantissa, None if self.config.is_masked else mantissa << share.update.shift)

    def claimed_values(self, claimed: bytes) -> NDArray[np.int32]:
        """The values that the proposal has, if `claimed` are the bytes behind its digest. Raises ReplayError."""
        if tree.leaf_digest(claimed) != self.found.claimed_digest:
            raise ReplayError("these are not the bytes behind the digest that was proposed")
        return from_bytes(claimed, GLOBAL_BITS)


@dataclass(frozen=True)
class Row:
    """What one client put in at one value: `mantissa` * 2^shift = `units`, which is None if it is masked."""

    share: Share
    mantissa: int
    units: int | None

    @property
    def real(self) -> float | None:
        return None if self.units is None else self.units * UNIT


@dataclass(frozen=True)
class Column:
    """One value of the disputed leaf.

    Args:
        prior: before the round, in units, one number for each part that the rule keeps.
        rows: what the clients put in, in the order in which the rule takes them.
        running: the rule's sums at this value after each of them; how many numbers that are depends on the rule.
        right: after the round, in units.
    """

    at: int
    prior: tuple[int, ...]
    rows: tuple[Row, ...]
    running: tuple[tuple[int, ...], ...]
    right: int


def replay(rule: Rule, config: FederationConfig, inputs: RoundInputs, root: bytes, found: Found) -> Replay:
    """Do a conviction again. Raises ReplayError if anything in `found` does not lead to a root that the chain has, or
    if the proposal turns out to be right at this leaf."""
    check_shares(config, inputs, found)
    _check_openings(config, rule, inputs, root, found)
    weight, sums = summed(rule, config.mantissa_bits, found)
    before = np.stack([one_leaf(opening.leaf, GLOBAL_BITS) for opening in found.prior])
    right = to_bytes(rule.finish(sums, before, weight, config.server_lr)[found.part])
    digest = tree.leaf_digest(right)
    if digest == found.claimed_digest:
        raise ReplayError("the leaf that was convicted is right")
    return Replay(inputs, root, found, weight, right, digest, rule, config)


def _check_openings(config: FederationConfig, rule: Rule, inputs: RoundInputs, root: bytes, found: Found) -> None:
    count = config.leaf_count
    if not 0 <= found.part < rule.parts or len(found.prior) != rule.parts:
        raise ReplayError(f"part {found.part} of leaf {found.leaf} is no leaf of this federation")
    at = found.part * count + found.leaf
    check_path(root, count * rule.parts, at, found.claimed_digest, found.claimed_path, "the digest that was proposed")
    for part, opening in enumerate(found.prior):
        digest = tree.leaf_digest(opening.leaf)
        where = part * count + found.leaf
        check_path(inputs.prior_root, count * rule.parts, where, digest, opening.path, "the leaf before the round")
