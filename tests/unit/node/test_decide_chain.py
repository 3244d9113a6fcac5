"""When a node sends what, and when it ends, on tables of snapshots and facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.decide import decide
from fednode.daemon.snapshot_questions import turn
from fednode.daemon.wait_reason import Cause
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Commitment, Phase, Proposal
from support.decisions import (
    ABSENT,
    AGGREGATE,
    ATTEST,
    BAD,
    FINAL,
    GENESIS_HELD,
    GOOD,
    LIE,
    PROVABLE,
    PROVEN,
    RIGHT,
    STANDS,
    STANDS_WRONG,
    TRAINING,
    UNREADABLE,
    WAITS_FOR_PROPOSAL,
    WORSE,
    WRONG,
    checked,
    not_done,
    updates,
)
from support.node_facts import node_facts
from support.snapshots import COMMITTED, CONFIG, GENESIS, NOW, OTHER, OWN, SEAT, VIEW, ZERO, chain, root, state

TABLE = {
    "a trained update is committed": (
        chain(state(1, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}),
        do.Commit(1),
    ),
    "also when the commit opens the round": (
        chain(),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}),
        do.Commit(1),
    ),
    "a commitment that the journal cannot open is replaced": (
        chain(state(1, Phase.TRAIN, my_commitment=Commitment(root("lost"), GENESIS, 10))),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}),
        do.Commit(1),
    ),
    "reveal": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        node_facts(updates={1: OWN}),
        do.Reveal(1),
    ),
    "reveal with an older record of the round": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("older"), GENESIS, 10))),
        node_facts(updates={1: replace(OWN, revealable=frozenset({root("older"), root("hash")}))}),
        do.Reveal(1),
    ),
    "all good: attest": (
        chain(ATTEST),
        node_facts(checked=checked(_0=GOOD, _1=GOOD)),
        do.Attest(1, root("inputs"), 0b11),
    ),
    "a bad one is not vouched for, and not waited for": (
        chain(ATTEST),
        node_facts(checked=checked(_0=GOOD, _1=BAD)),
        do.Attest(1, root("inputs"), 0b01),
    ),
    "an absent one is given up shortly before the deadline": (
        chain(ATTEST, time=ATTEST.view.phase_end - 60),
        node_facts(checked=checked(_0=GOOD, _1=ABSENT), attest_margin=60),
        do.Attest(1, root("inputs"), 0b01),
    ),
    "and its calls are sent": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, cases=LIE, running=TRAINING),
        do.Challenge(1, WRONG),
    ),
    "not before the right one stands beside it": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        node_facts(recomputed={1: RIGHT}, verdicts={(1, WRONG): PROVABLE}, cases=LIE, running=TRAINING),
        do.Propose(1),
    ),
    "but also if the bond is missing": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        node_facts(
            recomputed={1: RIGHT},
            verdicts={(1, WRONG): PROVABLE},
            cases=LIE,
            running=TRAINING,
            paused=frozenset({do.Propose(1)}),
        ),
        do.Challenge(1, WRONG),
    ),
    "garbage is impeached": (
        chain(state(1, Phase.AGGREGATE, phase_start=NOW - 600, phase_end=0)),
        node_facts(garbage=frozenset({1}), impeachable=frozenset({1}), running=TRAINING),
        do.Impeach(1),
    ),
    "also if something that follows from it is proposed": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,))),
        node_facts(garbage=frozenset({1}), impeachable=frozenset({1}), running=TRAINING),
        do.Impeach(1),
    ),
    "a commit comes before a challenge": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS)), state(2, Phase.TRAIN, prior_root=ZERO)),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, cases=LIE, updates={2: replace(OWN, prior_root=RIGHT)}),
        do.Commit(2),
    ),
    "a broken model does not keep the node from convicting": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, cases=LIE, failure="no model"),
        do.Challenge(1, WRONG),
    ),
    "the bounty is collected at once": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), my_owed=25),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, has_bounty=True, running=TRAINING),
        do.Claim(),
    ),
    "beside a wrong one the right one is proposed at once, nothing is judged before": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        node_facts(recomputed={1: RIGHT}),
        do.Propose(1),
    ),
    "also if judging it fails": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        node_facts(recomputed={1: RIGHT}, **not_done(do.JudgeProposal(1, OTHER, WRONG, RIGHT), Setback("504"))),
        do.Propose(1),
    ),
    "also beside more than the snapshot shows": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,), live=300)),
        node_facts(recomputed={1: RIGHT}, verdicts={(1, WRONG): UNREADABLE}),
        do.Propose(1),
    ),
    "a lie that cannot be judged does not keep another from being convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, WORSE, STANDS))),
        node_facts(
            recomputed={1: RIGHT},
            verdicts={(1, WORSE.root): PROVABLE},
            cases=frozenset({(1, WORSE.root)}),
            running=TRAINING,
            **not_done(do.JudgeProposal(1, OTHER, WRONG, RIGHT), Setback("504")),
        ),
        do.Challenge(1, WORSE.root),
    ),
    "a bond that lay beside the winner's is collected at the end": (
        chain(FINAL, closed=True),
        node_facts(recomputed={1: RIGHT}, auto_claim=True, proposed=frozenset({1})),
        do.Settle(),
    ),
    "nobody ends while a lie stands that is yet to be convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        node_facts(
            recomputed={1: RIGHT},
            failure="no model",
            paused=frozenset({do.Propose(1), do.JudgeProposal(1, OTHER, WRONG, RIGHT)}),
        ),
        do.Wait(Cause.SENT, WAITS_FOR_PROPOSAL, VIEW.phase_end, ""),
    ),
    "nobody proposes: after a while this node does": (
        chain(AGGREGATE, time=VIEW.phase_start + 120),
        node_facts(recomputed={1: RIGHT}, propose_after=120),
        do.Propose(1),
    ),
    "inputs nobody serves: the round is abandoned in the end": (
        chain(AGGREGATE, time=VIEW.phase_start + 5000),
        node_facts(fetched=GENESIS_HELD, paused=frozenset({do.Recompute(1, AGGREGATE.view.inputs)})),
        do.Abandon(1),
    ),
    "at the end the account is settled": (
        chain(FINAL, closed=True, my_seat=replace(SEAT, pending_new=1)),
        node_facts(recomputed={1: RIGHT}, auto_claim=True),
        do.Settle(),
    ),
    "then claimed": (
        chain(FINAL, closed=True, my_owed=7),
        node_facts(recomputed={1: RIGHT}, auto_claim=True),
        do.Claim(),
    ),
    "then the node is done": (
        chain(FINAL, closed=True),
        node_facts(recomputed={1: RIGHT}, auto_claim=True),
        do.Finish("the sponsor closed the federation after 0 final rounds"),
    ),
    "and then it is scored once, however many rounds it was trained for": (
        chain(FINAL, closed=True),
        node_facts(
            recomputed={1: RIGHT},
            trained=frozenset({1, 2, 3}),
            solo=True,
            solo_test=True,
            solo_trained=frozenset({1, 2, 3}),
            solo_evaluated=frozenset({3}),
        ),
        do.Finish("the sponsor closed the federation after 0 final rounds"),
    ),
    "an account that has left goes on until its rounds are over": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED), my_seat=replace(SEAT, active_until=2, exited=True)),
        node_facts(updates={1: OWN}),
        do.Reveal(1),
    ),
    "a broken model ends the node": (chain(), node_facts(failure="no model"), do.Finish("no model", failure=True)),
    "but not while a commitment is open": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        node_facts(updates={1: OWN}, failure="no model"),
        do.Reveal(1),
    ),
}


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_the_next_action(case: str) -> None:
    snapshot, facts, expected = TABLE[case]
    assert decide(snapshot, facts) == expected


@pytest.mark.parametrize(("window", "length"), [(3600, 7200), (10, 100), (1, 1), (7200, 60)])
def test_the_clients_take_turns_to_challenge(window: int, length: int) -> None:
    clients, lie = 5, Proposal(OTHER, WRONG, 50, NOW, NOW + 500)
    config = replace(CONFIG, min_window=window, challenge_length=length)
    round_state = state(1, Phase.CHALLENGE, proposals=(lie,), updates=updates(*[True] * clients))
    turns = [turn(chain(config=config), replace(round_state, my_index=i), lie) - NOW for i in range(clients)]
    assert min(turns) == 0 and max(turns) <= min(length, window) / 2
    assert len(set(turns)) == clients or min(length, window) < 2 * clients
    assert turn(chain(config=config), round_state, lie) == NOW  # no client of the round: at once


def test_nothing_finishes_while_something_runs() -> None:
    facts = node_facts(recomputed={1: RIGHT}, running=frozenset({do.Evaluate(1, RIGHT)}))
    assert isinstance(decide(chain(FINAL, closed=True), facts), do.Wait)


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.REVEAL, Phase.ATTEST])
def test_an_update_that_came_too_late_is_not_sent(phase: Phase) -> None:
    """Neither its commit, nor a reveal without one: the next round is waited for."""
    late = chain(state(1, phase, active=2, committed=1))
    assert isinstance(decide(late, node_facts(fetched=GENESIS_HELD, updates={1: OWN})), do.Wait)
