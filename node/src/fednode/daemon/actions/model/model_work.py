"""The common part of all work with the base model, and when work that only this site wants has to wait."""

from __future__ import annotations

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.actions.action import Lane, Work
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import expected_prior, target_round
from fednode.data.plain_text import EncodingError
from fednode.training import TrainingError


class ModelWork(Work):
    """Work that needs the model, of which there is one: one piece at a time."""

    lane = Lane.MODEL

    def is_hopeless(self, error: Exception) -> bool:
        """Only a new round, other data or another program helps."""
        return isinstance(error, TrainingError | EncodingError)


class SiteWork(ModelWork):
    """Work that interests only this site. It uses the time in which the node waits."""

    is_waited_for = False

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        return not training_is_urgent(chain, facts)


def training_is_urgent(chain: Snapshot, facts: Facts) -> bool:
    """Whether the next update would come too late if the model did something else now."""
    target = target_round(chain)
    prior = None if target is None else expected_prior(chain, facts, target)
    own = None if target is None else facts.remembered.updates.get(target)
    if target is None or prior is None or (own is not None and own.prior_root == prior):
        return False
    state = chain.round(target)
    if state is None or state.view.phase.settled:
        return False
    if not facts.remembered.train_seconds:  # nobody knows how long it takes
        return True
    return chain.time + 2 * facts.remembered.train_seconds >= state.view.phase_end
