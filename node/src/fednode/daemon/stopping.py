"""Which work in the background should be stopped: it is no longer wanted, or something more urgent needs its place."""

from __future__ import annotations

from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.types import Phase

from fednode.daemon import actions as do
from fednode.daemon.facts import Facts
from fednode.daemon.view import expected_prior, target_round


def still_wanted(chain: Snapshot, facts: Facts, work: do.Work) -> bool:
    """Whether `work` should go on, whatever else there is to do."""
    match work:
        case do.Train():
            return _is_trained_for(chain, facts, work)
        case do.Evaluate() | do.TrainSolo() | do.EvaluateSolo():
            return not _training_is_urgent(chain, facts)
        case do.CheckInputs():
            state = chain.round(work.round)
            if state is None or state.view.phase is not Phase.ATTEST or state.view.inputs_hash != work.inputs_hash:
                return False
            return state.my_index is not None and not state.updates[state.my_index].attested
        case do.Recompute():
            state = chain.round(work.round)
            return state is None or state.view.inputs == work.inputs
        case do.JudgeProposal() | do.BuildCase():
            state = chain.round(work.round)
            live = () if state is None or state.view.phase.settled else state.proposals
            return any(proposal.root == work.root for proposal in live)
        case do.FetchGlobal() | do.Release():
            return True


def _is_trained_for(chain: Snapshot, facts: Facts, work: do.Train) -> bool:
    """Whether the round still takes the commit of what is trained, on the prior that it has."""
    state = chain.round(work.round)
    if state is not None and state.view.phase is not Phase.TRAIN:
        return False
    target = target_round(chain)
    prior = None if target is None else expected_prior(chain, facts, target)
    return target is None or prior is None or (target, prior) == (work.round, work.prior_root)


def _training_is_urgent(chain: Snapshot, facts: Facts) -> bool:
    """Whether the next update would come too late if the model did something else now."""
    target = target_round(chain)
    prior = None if target is None else expected_prior(chain, facts, target)
    own = None if target is None else facts.updates.get(target)
    if target is None or prior is None or (own is not None and own.prior_root == prior):
        return False
    state = chain.round(target)
    if state is None or state.view.phase.settled:
        return False
    if not facts.train_seconds:  # nobody knows how long it takes
        return True
    return chain.time + 2 * facts.train_seconds >= state.view.phase_end
