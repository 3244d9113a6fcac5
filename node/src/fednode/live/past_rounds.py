"""What earlier rounds gave, from the node's own figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fednode.tracking.chapters import AFTER, BEFORE, GLOBAL_ACCURACY, GLOBAL_LOSS, PAYOUT, Chapter


@dataclass(frozen=True)
class PastRound:
    """Losses in nats for each answer token, `accuracy` from 0 to 1, `payout` in whole tokens; None: not known here."""

    number: int
    before: float | None = None
    after: float | None = None
    loss: float | None = None
    accuracy: float | None = None
    payout: float | None = None


def past_rounds(chapters: Iterable[Chapter]) -> tuple[PastRound, ...]:
    """What the chapters say of each round, the oldest first."""
    found: dict[int, dict[str, float]] = {}
    for chapter in chapters:
        for point in chapter.points:
            if point.round == chapter.round:
                found.setdefault(chapter.round, {}).update(point.values)
    return tuple(
        PastRound(
            number,
            before=values.get(BEFORE),
            after=values.get(AFTER),
            loss=values.get(GLOBAL_LOSS),
            accuracy=values.get(GLOBAL_ACCURACY),
            payout=values.get(PAYOUT),
        )
        for number, values in sorted(found.items())
    )
