"""How good the globals are, as somebody measured them: the chain does not know it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """An evaluation of a round's global; round 0 is the genesis adapter.

    Args:
        loss: nats per answer token.
        accuracy: the share of test items that were answered rightly, 0 to 1; None where there are no classes.
        items: the number of test items.
    """

    round: int
    loss: float
    accuracy: float | None
    items: int
