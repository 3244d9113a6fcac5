"""How far ahead sites begin a round in a federation whose sponsor says nothing about it."""

from __future__ import annotations

from fedaggregator.rules.fedavgm import RULE as WITH_MOMENTUM

USUAL = 0.5  # the best that was measured: docs/experiments.md


def usual_look_ahead(factors: str, rule: str, server_lr: float) -> float:
    """`USUAL`, or 0 where a spec must not have it (with factors in turn, or if each round would go farther than the one
    before) and where it would be momentum upon momentum. `factors`, `rule`: as in the spec; `server_lr`: 1 adds the
    whole mean update."""
    return 0.0 if factors == "alternating" or rule == WITH_MOMENTUM.name or USUAL * server_lr >= 1 else USUAL
