"""Sign flipping. Li et al. 2019, "RSA: Byzantine-Robust Stochastic Aggregation Methods for Distributed Learning from
Heterogeneous Datasets"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedlab.experiment.attacks.base import Attack, Seen
from fedlab.experiment.attacks.limits import enlarged

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SignFlip(Attack):
    """Trains honestly, and sends the opposite, as large as the bounds allow."""

    def update(self, seen: Seen) -> NDArray[np.float64] | None:
        """See `Attack.update`."""
        return None if seen.trained is None else enlarged(-seen.trained, seen.spec)
