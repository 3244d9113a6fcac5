"""Noise, as Blanchard et al. 2017, "Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent", but
with random signs in place of Gaussian values, so that no value is clipped and the norm is exactly at the bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fedlab.experiment.attacks.base import Attack, Seen
from fedlab.experiment.attacks.limits import enlarged

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Noise(Attack):
    """Sends random signs, other ones in each round, as large as the bounds allow."""

    trains = False

    def update(self, seen: Seen) -> NDArray[np.float64]:
        """See `Attack.update`."""
        signs = seen.rng.choice([-1.0, 1.0], seen.spec.layout.value_count)
        return enlarged(signs.astype(np.float64), seen.spec)
