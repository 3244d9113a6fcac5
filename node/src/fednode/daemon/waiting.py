"""What a node says while it has nothing to start: what it waits for, until when, and what comes then."""

from __future__ import annotations

from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.chain.types import Phase

from fednode.daemon import actions as do
from fednode.daemon.facts import Facts
from fednode.daemon.view import expected_prior, obstacle, target_round, unsettled


def waiting(chain: Snapshot, facts: Facts) -> do.Wait:
    """The sentence for the status, with the chain time at which the phase ends (0: no deadline)."""
    for work in sorted(facts.running, key=_importance):
        if not isinstance(work, do.TrainSolo | do.Evaluate | do.EvaluateSolo):
            return do.Wait(describe(work), _deadline(chain), _after(work), busy=True)
    states = unsettled(chain)
    if states and states[-1].view.phase is not Phase.AGGREGATE and states[-1].view.phase is not Phase.CHALLENGE:
        return _in_round(chain, states[-1])
    target = target_round(chain)
    if target is not None:
        if expected_prior(chain, facts, target) is None:
            return do.Wait(
                f"the updates of round {target - 1} that are missing here, or its final global",
                _deadline(chain),
                "train",
            )
        return do.Wait(f"a retry of what failed in round {target}", _deadline(chain), "train and commit")
    if states:
        return _in_round(chain, states[-1])
    if chain.my_seat.active_until <= chain.last_opened + 1 and not chain.my_seat.exited:
        return do.Wait("more stake: this account is suspended (`fednode join` adds what is missing)", 0, "train")
    if not chain.my_seat.active_in(chain.last_opened + 1):
        return do.Wait(f"round {chain.my_seat.active_from}, in which this account's seat begins", 0, "train")
    return do.Wait(f"the next round: {obstacle(chain)}", 0, "train and commit")


def describe(work: do.Action) -> str:
    """One action in words."""
    match work:
        case do.Train():
            return f"training for round {work.round}"
        case do.Evaluate():
            return f"evaluating the global of round {work.round}"
        case do.TrainSolo():
            return f"training the site's own model, round {work.round}"
        case do.EvaluateSolo():
            return "evaluating the site's own model"
        case do.CheckInputs():
            return f"fetching and checking the updates of round {work.round}"
        case do.Recompute():
            return f"recomputing the aggregate of round {work.round}"
        case do.FetchGlobal():
            return f"fetching the global of round {work.round}"
        case do.JudgeProposal():
            return f"checking a proposal of round {work.round}"
        case do.Release():
            return f"letting go of the updates of round {work.round}"
        case do.Commit() | do.Reveal() | do.Attest() | do.Propose() | do.Abandon():
            return f"{type(work).__name__.lower()} in round {work.round}"
        case do.Wait():
            return work.what if work.busy else f"waiting for {work.what}"
        case do.Finish():
            return work.reason
        case do.Interrupt():
            return f"stopping: {describe(work.work)}"
        case do.Settle() | do.Claim():
            return type(work).__name__.lower()


def _after(work: do.Action) -> str:
    match work:
        case do.Train():
            return "commit"
        case do.CheckInputs():
            return "attest"
        case do.Recompute():
            return "check the proposals and train on the result"
        case _:
            return ""


def _importance(work: do.Action) -> int:
    order = (do.CheckInputs, do.Train, do.Recompute)
    return next((rank for rank, kind in enumerate(order) if isinstance(work, kind)), len(order))


def _deadline(chain: Snapshot) -> int:
    states = unsettled(chain)
    return states[-1].view.phase_end if states else 0


def _in_round(chain: Snapshot, state: RoundState) -> do.Wait:
    number, view, end = state.number, state.view, state.view.phase_end
    match view.phase:
        case Phase.TRAIN:
            return do.Wait(f"the other commits of round {number} ({view.committed} of {view.active})", end, "reveal")
        case Phase.WAITING:
            before = chain.round(number - 1)
            until = before.view.phase_end if before is not None else 0
            return do.Wait(f"the settlement of round {number - 1}", until, f"reveal in round {number}")
        case Phase.REVEAL:
            return do.Wait(f"the other reveals of round {number} ({view.revealed} of {view.matching})", end, "attest")
        case Phase.ATTEST:
            what = f"the other attestations of round {number} ({view.attested} of {view.revealed})"
            return do.Wait(what, end, "recompute the aggregate")
        case Phase.AGGREGATE:
            return do.Wait(f"a proposal in round {number}", 0, "check it")
        case _:
            return do.Wait(f"the end of round {number}'s challenge window", end, "its settlement")
