"""A conviction, done again: from the leaves that the case put together to the leaf that is right. Nothing here reads
chain or store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from fedaggregator.disputes.leaf_case import one_leaf
from fedaggregator.rules import Rule
from fedaggregator.rules.base import Sums as RuleSums
from fedprotocol import tree
from fedprotocol.chain.read.disputes import Opening, Sums
from fedprotocol.numbers import UNIT, from_bytes, to_bytes
from fedprotocol.types import FederationConfig
from numpy.typing import NDArray

from fedexplorer.content.inputs import Given, RoundInputs
from fedexplorer.content.told import Told
from fedexplorer.disputes.calls import Call

GLOBAL_BITS = 32


class ReplayError(Told):
    """What was read about a conviction does not fit together. The message says where."""


class Source(StrEnum):
    """Where a leaf was read."""

    CALLDATA = "the transaction"
    STORE = "the store"


@dataclass(frozen=True)
class Share:
    """What one accepted update has at the disputed leaf."""

    update: Given
    opening: Opening
    source: Source


@dataclass(frozen=True)
class Part:
    """One call of the case, and which accepted updates it brought: those from number `start` up to `stop`, counted as
    they are accepted; `start` is None where the transaction does not show it."""

    call: Call
    name: str  # carry or challenge
    start: int | None
    stop: int


@dataclass(frozen=True)
class Found:
    """Everything that was read about a conviction.

    Args:
        leaf: of the updates' trees.
        part: of the leaf in a global, as the rule counts them.
        leaf_is_known: whether the calls name the leaf; otherwise it is the first one that is wrong.
        prior: every part of the leaf before the round.
        kept: the sums that the challenge started from, as its caller gave them; None if it started from nothing.
        calls: in the order of the chain.
    """

    leaf: int
    part: int
    leaf_is_known: bool
    prior: tuple[Opening, ...]
    prior_source: Source
    claimed_digest: bytes
    claimed_path: tuple[bytes, ...]
    shares: tuple[Share, ...]
    kept: Sums | None
    calls: tuple[Part, ...]


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

    @property
    def gas(self) -> int:
        return sum(part.call.gas for part in self.found.calls)

    @property
    def fee(self) -> int:
        """Wei."""
        return sum(part.call.fee for part in self.found.calls)

    def rights(self) -> NDArray[np.int32]:
        """The right values, int32 [K], units of 2^-24."""
        return from_bytes(self.right, GLOBAL_BITS)

    def priors(self) -> NDArray[np.int32]:
        """The values before the round, int32 [K]."""
        return from_bytes(self.found.prior[self.found.part].leaf, GLOBAL_BITS)

    def mantissas(self, share: Share) -> NDArray[np.signedinteger]:
        """What a client put in, int8 or int16 [K]."""
        return from_bytes(share.opening.leaf, self.config.mantissa_bits)

    def column(self, at: int) -> Column:
        """One value of the leaf, from what each client put in to what is right. Raises IndexError."""
        if not 0 <= at < self.config.leaf_values:
            raise IndexError(f"a leaf has the values 0 to {self.config.leaf_values - 1}, not {at}")
        rows = [
            Row(share, int(mantissa := self.mantissas(share)[at]), int(mantissa) << share.update.shift)
            for share in self.found.shares
        ]
        running = tuple(
            tuple(int(v) for v in sums[..., -self.config.leaf_values :][..., at].flat)
            for _, sums in accumulated(self.rule, self.config.mantissa_bits, self.found.shares)
        )
        prior = tuple(int(from_bytes(opening.leaf, GLOBAL_BITS)[at]) for opening in self.found.prior)
        return Column(at, prior, tuple(rows), running, int(self.rights()[at]))

    def claimed_values(self, claimed: bytes) -> NDArray[np.int32]:
        """The values that the proposal has, if `claimed` are the bytes behind its digest. Raises ReplayError."""
        if tree.leaf_digest(claimed) != self.found.claimed_digest:
            raise ReplayError("these are not the bytes behind the digest that was proposed")
        return from_bytes(claimed, GLOBAL_BITS)


@dataclass(frozen=True)
class Row:
    """What one client put in at one value: `mantissa` * 2^shift = `units`."""

    share: Share
    mantissa: int
    units: int

    @property
    def real(self) -> float:
        return self.units * UNIT


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
    _check_openings(config, rule, inputs, root, found)
    sums: RuleSums | None = None
    weight = 0
    for count, (total, running) in enumerate(accumulated(rule, config.mantissa_bits, found.shares), 1):
        sums, weight = running, total
        kept = found.kept
        if kept is not None and kept.count == count and (kept.weight, kept.values) != (total, to_bytes(running)):
            raise ReplayError(f"the sums over {count} updates that the challenge started from are not what they sum to")
    if sums is None:
        raise ReplayError("the round accepted no update")
    before = np.stack([one_leaf(opening.leaf, GLOBAL_BITS) for opening in found.prior])
    right = to_bytes(rule.finish(sums, before, weight, config.server_lr)[found.part])
    digest = tree.leaf_digest(right)
    if digest == found.claimed_digest:
        raise ReplayError("the leaf that was convicted is right")
    return Replay(inputs, root, found, weight, right, digest, rule, config)


def accumulated(rule: Rule, bits: int, shares: Sequence[Share]) -> Iterator[tuple[int, RuleSums]]:
    """The weight and the rule's sums after each update; the next step may change the sums."""
    sums, weight = None, 0
    for share in shares:
        mantissas = one_leaf(share.opening.leaf, bits)
        sums = rule.accumulate(sums, mantissas, share.update.weight, share.update.shift)
        weight += share.update.weight
        yield weight, sums


def _check_openings(config: FederationConfig, rule: Rule, inputs: RoundInputs, root: bytes, found: Found) -> None:
    count = config.leaf_count
    if not 0 <= found.leaf < count or not 0 <= found.part < rule.parts or len(found.prior) != rule.parts:
        raise ReplayError(f"part {found.part} of leaf {found.leaf} is no leaf of this federation")
    if tuple(share.update for share in found.shares) != inputs.updates:
        raise ReplayError("these are not the accepted updates of the round")
    at = found.part * count + found.leaf
    _check(root, count * rule.parts, at, found.claimed_digest, found.claimed_path, "the digest that was proposed")
    for part, opening in enumerate(found.prior):
        digest = tree.leaf_digest(opening.leaf)
        where = part * count + found.leaf
        _check(inputs.prior_root, count * rule.parts, where, digest, opening.path, "the leaf before the round")
    for share in found.shares:
        digest = tree.leaf_digest(share.opening.leaf)
        _check(share.update.root, count, found.leaf, digest, share.opening.path, f"the leaf of {share.update.client}")


def _check(root: bytes, leaf_count: int, index: int, digest: bytes, path: Sequence[bytes], what: str) -> None:
    try:
        reached = tree.root_from_path(leaf_count, index, digest, path)
    except tree.TreeError as error:
        raise ReplayError(f"{what} has no path to its root: {error}") from error
    if reached != root:
        raise ReplayError(f"{what} does not lead to its root {tree.cid(root)}")
