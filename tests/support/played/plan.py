"""What goes wrong in one round of a played federation, and who does it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Clients are named by their numbers; those without a seat in the round do nothing anyhow.

    `absent` do not commit. `hidden` commit and do not reveal. `mute` reveal and do not attest. For the update of a
    `refused` client nobody else votes. `divided`: nobody votes for any update but the own, so that none is accepted.
    `misled` commit to the first lie of the round before while it stands; every second of them commits again, to what
    is right.

    `lies`: wrong proposals before the right one, each convicted. `carried`: the first of them by a leaf whose sums were
    carried. `late_lie`: a wrong proposal beside the right one, which is final before anybody convicts the other.
    `abandoned`: nobody proposes; the next round, which is open by then, is void with this one.
    """

    absent: Collection[int] = ()
    hidden: Collection[int] = ()
    mute: Collection[int] = ()
    refused: Collection[int] = ()
    divided: bool = False
    misled: Collection[int] = ()
    lies: int = 0
    carried: bool = False
    late_lie: bool = False
    abandoned: bool = False


ORDINARY = Plan()
