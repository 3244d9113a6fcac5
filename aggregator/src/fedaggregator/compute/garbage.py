"""Whether the updates of a masked round add up to garbage: to sums that no honest updates have."""

from __future__ import annotations

import numpy as np
from fedprotocol.errors import FedError
from fedprotocol.masks.limits import out_of_range

from fedaggregator.rules.base import Rule, Sums
from fedaggregator.rules.masked_mean import MaskedMean


class Garbage(FedError):
    """The sum of all updates at `leaf` is out of range, so that nothing follows from them. Anybody can make the round
    void by that leaf (`disputes/impeachment.py`)."""

    def __init__(self, leaf: int) -> None:
        self.leaf = leaf
        super().__init__(
            f"the sum of all updates at leaf {leaf} is out of range: somebody sent something else than a masked update"
        )


def first_garbage(rule: Rule, sums: Sums, total_weight: int) -> int | None:
    """The first of the leaves in `sums` [leaves, K] that has a sum out of range; None if there is none, as always where
    updates are not masked. Raises RuleError if the bound is not known."""
    if not isinstance(rule, MaskedMean):
        return None
    _, bound = rule.parameters
    leaves = out_of_range(sums.view(np.uint32), total_weight, bound).any(axis=-1)
    return int(leaves.argmax()) if leaves.any() else None
