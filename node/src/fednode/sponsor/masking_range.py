"""How finely a masked federation counts the values of an update: what `fednode spec new --private` writes."""

from __future__ import annotations

import math

from fedprotocol.masks.document import Masking
from fedprotocol.masks.limits import MAX_BOUND, MAX_SCALE
from fedprotocol.numbers import UNIT


def masking_for(largest: float) -> Masking:
    """The finest steps with which `largest`, real and above 0, is still within the bound; the coarsest if none are.

    A value of an update is then about as exact as one of 16 bits. A smaller bound with larger steps would make garbage
    easier to see, but one leaf of random values is missed once in 2^32 at worst, where a leaf has 32 of them.
    """
    units = largest / UNIT
    scale = next((s for s in range(MAX_SCALE) if units <= MAX_BOUND << s), MAX_SCALE)
    return Masking(scale=scale, bound=max(1, min(MAX_BOUND, math.ceil(units / (1 << scale)))))
