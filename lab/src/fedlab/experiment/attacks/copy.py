"""A free rider that copies. Lin et al. 2019, "Free-riders in Federated Learning: Attacks and Defenses"; that copies of
one site weigh it too much is the mimic attack of Karimireddy et al. 2022, "Byzantine-Robust Learning on Heterogeneous
Datasets via Bucketing"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from fedprotocol.numbers import join_leaves

from fedlab.experiment.attacks.base import Attack, Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHANGED = 0.99  # an update with the same root would be refused


class Copy(Attack):
    """Sends what the first site sent a round before, a hundredth smaller; nothing in the first round."""

    trains = False

    def update(self, seen: Seen) -> NDArray[np.float64] | None:
        """See `Attack.update`."""
        copied = next(iter(seen.earlier.values()), None)
        if copied is None:
            return None
        layout = seen.spec.layout
        leaves = (copied.leaves[index] for index in range(layout.leaf_count))
        mantissas = join_leaves(leaves, layout.mantissa_bits, layout.value_count)
        return CHANGED * np.ldexp(mantissas.astype(np.float64), copied.shift)
