"""Nesterov's momentum from public globals: a site begins a round ahead of the global, where the last round was going.

Begun at g + b (g - g'), with g' the global before g, and counted from g, the mean of what sites send is b (g - g') and
the mean of their steps: the next global is Nesterov's, with momentum b (Nesterov 1983; Sutskever et al. 2013, "On the
importance of initialization and momentum in deep learning"). Nothing of it is on the chain.
"""

from __future__ import annotations

import numpy as np
from fedprotocol.numbers import UNIT
from numpy.typing import NDArray


def ahead(units: NDArray[np.int32], before: NDArray[np.int32], share: float) -> NDArray[np.float32]:
    """Where a site begins: real values, float32 [value_count]. `units` is the global to train, `before` the one before
    it, both int32 [value_count] in units of 2^-24."""
    now = units.astype(np.float64)
    return ((now + share * (now - before)) * UNIT).astype(np.float32)
