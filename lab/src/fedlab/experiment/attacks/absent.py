"""Nothing is sent: what the honest sites reach alone, and what the best rule could reach against an attack."""

from __future__ import annotations

from fedlab.experiment.attacks.base import Attack, Seen


class Absent(Attack):
    """A member that is counted and sends nothing."""

    trains = False

    def update(self, seen: Seen) -> None:
        """See `Attack.update`."""
        del seen
