"""The text of an aggregator that has nothing to start: what it waits for, and whether a person should look at it."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.types import Phase

from fedaggregator.daemon.actions import Action, Claim, Wait, Work, describe
from fedaggregator.daemon.facts import Facts, RoundFacts
from fedaggregator.disputes.judge import has_right_proposal


def waiting(snapshot: Snapshot, facts: Facts, ahead: Sequence[Action]) -> Wait:
    """The sentence for the status. `ahead`: everything useful, the most urgent first, none of which can be started
    now."""
    unsettled = [state for state in snapshot.rounds if not state.view.phase.settled]
    waits = [_in_round(snapshot, facts, state, facts.round(state.number)) for state in unsettled]
    until = next((wait.until for wait in waits if wait.until), None)
    for wait in waits:
        if wait.problem:
            return wait
    for action in ahead:
        setback = facts.failing.get(action)
        if isinstance(action, Claim) and setback is not None:
            return Wait("what is owed could not be claimed; it is tried again", until, problem=True)
        if setback is not None:
            return Wait(f"the next try: {describe(action)}, which failed: {setback.why}", until, not setback.too_early)
    for action in ahead:
        if isinstance(action, Work) and action in facts.running:
            return Wait(describe(action), until)
    if waits:
        return waits[0]
    return Wait(f"round {snapshot.last_opened + 1} is not open yet")


def _in_round(snapshot: Snapshot, facts: Facts, state: RoundState, known: RoundFacts) -> Wait:
    n, view, end = state.number, state.view, state.view.phase_end or None
    if view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
        return Wait(f"round {n} is in {view.phase.name.capitalize()}, its inputs are not fixed yet", end)
    if known.garbage:
        return Wait(f"round {n}'s updates add up to garbage, so that it should become void", end, problem=True)
    if known.own_root is None:
        return Wait(f"round {n}'s right global is not computed yet", end)
    if known.stands or has_right_proposal(state, known.own_root):
        return Wait(f"round {n}'s right global is proposed, its window is open", end)
    if not facts.proposes:
        return Wait(f"watching: round {n}'s right global is not proposed yet", end)
    if any(proposal.proposer == snapshot.account for proposal in state.proposals):
        what = f"round {n}: another global that this account proposed is live, so that it cannot propose the right one"
        return Wait(what, end, problem=True)
    if snapshot.tokens < snapshot.bond:
        what = (
            f"round {n} needs a bond of {facts.amounts.needed(snapshot.bond)} and {snapshot.account} has "
            f"{facts.amounts(snapshot.tokens)}: send it {facts.amounts.needed(snapshot.bond - snapshot.tokens)}"
        )
        return Wait(what, end, problem=True)
    if not known.confirmed and view.live == 0:
        return Wait(f"round {n}'s inputs are fixed and wait for confirmations", end)
    return Wait(f"round {n}'s right global is about to be proposed", end)
