"""An impeachment, done again: one leaf of all masked updates of a round adds up to what no honest ones do, so that the
round is void. Nothing here reads chain or store."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from fedaggregator.rules.masked_mean import MaskedMean
from fedprotocol.masks.limits import out_of_range
from fedprotocol.numbers import from_bytes
from fedprotocol.types import MASKED_BITS, FederationConfig
from numpy.typing import NDArray

from fedexplorer.content.inputs import RoundInputs
from fedexplorer.disputes.gathered import Gathered, ReplayError, accumulated, check_shares, summed


@dataclass(frozen=True)
class Impeached:
    """An impeachment of which every step was done again, and every path checked to a root on the chain.

    Args:
        bound: no value of an honest update is further from 0, for each unit of its weight; `limit`: no sum of them is.
        sums: int32 [K], of the leaf.
        outside: the places of those that are further from 0, in order; at least one.
    """

    found: Gathered
    weight: int
    bound: int
    limit: int
    sums: NDArray[np.int32]
    outside: tuple[int, ...]
    rule: MaskedMean = field(repr=False)

    def column(self, at: int) -> tuple[tuple[int, int], ...]:
        """What each update has at one value, and the sum of all up to it, modulo 2^32 and read as int32."""
        given = [int(from_bytes(share.opening.leaf, MASKED_BITS)[at]) for share in self.found.shares]
        running = [int(sums[0, at]) for _, sums in accumulated(self.rule, MASKED_BITS, self.found.shares)]
        return tuple(zip(given, running, strict=True))


def impeached(rule: MaskedMean, config: FederationConfig, inputs: RoundInputs, found: Gathered) -> Impeached:
    """Do an impeachment again. Raises ReplayError if anything in `found` does not lead to a root that the chain has, or
    if all sums of the leaf are within the range."""
    check_shares(config, inputs, found)
    weight, (sums,) = summed(rule, MASKED_BITS, found)
    _, bound = rule.parameters
    outside = np.flatnonzero(out_of_range(sums.view(np.uint32), weight, bound)).tolist()
    if not outside:
        raise ReplayError(f"all sums at leaf {found.leaf} are within the range")
    return Impeached(found, weight, bound, weight * bound, sums, tuple(outside), rule)
