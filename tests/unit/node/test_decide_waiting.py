"""What a node says while it waits: every cause, on tables of snapshots and facts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fednode.daemon.actions import registry as do
from fednode.daemon.actions.content.check_order import gives_up_at
from fednode.daemon.decide import decide
from fednode.daemon.wait_reason import Cause
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Balances, Commitment, Phase
from support.decisions import (
    ABSENT,
    AGGREGATE,
    ATTEST,
    GENESIS_HELD,
    GOOD,
    JUDGED,
    LIE,
    PROVEN,
    RIGHT,
    STANDS,
    STANDS_WRONG,
    WRONG,
    checked,
    not_done,
    updates,
)
from support.node_facts import node_facts
from support.snapshots import COMMITTED, GENESIS, ME, NOW, OTHER, OWN, SEAT, VIEW, chain, root, state

WAITS = {
    "for others to commit": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}),
        (Cause.COMMITS, "commits of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for a wrong prior nothing is revealed": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("hash"), WRONG, 10))),
        node_facts(updates={1: OWN}),
        (Cause.FORFEIT, "builds on another global", VIEW.phase_end),
    ),
    "an open commitment that the journal does not know": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("lost"), GENESIS, 10))),
        node_facts(updates={1: OWN}),
        (Cause.FORFEIT, "not in the journal", VIEW.phase_end),
    ),
    "for others to reveal": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED, my_index=0, revealed=1, matching=2)),
        node_facts(updates={1: OWN}),
        (Cause.REVEALS, "reveals of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for blocks on top": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        node_facts(updates={1: OWN}, **not_done(do.Reveal(1), Setback("3 blocks on top", too_early=True))),
        (Cause.DEPTH, "3 blocks on top", VIEW.phase_end),
    ),
    "for another try": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        node_facts(updates={1: OWN}, **not_done(do.Reveal(1), Setback("has 0 ETH"))),
        (Cause.RETRY, "the next try at sending its reveal of round 1, which failed: has 0 ETH", VIEW.phase_end),
    ),
    "for a round in which it can train": (
        chain(state(1, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, **not_done(do.Train(1, GENESIS), Setback("the loss is nan", for_good=True))),
        (Cause.GIVEN_UP, "another round or a restart: training for round 1 failed", VIEW.phase_end),
    ),
    "for its own commit to be seen": (
        chain(state(1, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, updates={1: OWN}, paused=frozenset({do.Commit(1)})),
        (Cause.SENT, "sending its commit of round 1", VIEW.phase_end),
    ),
    "for updates that nobody serves": (
        chain(ATTEST),
        node_facts(checked=checked(_0=GOOD, _1=ABSENT), paused=frozenset({do.CheckInputs(1, root("inputs"))})),
        (Cause.ABSENT, "nobody serves (1 of 2 are checked)", gives_up_at(ME, ATTEST, 60)),
    ),
    "for others to attest": (
        chain(state(1, Phase.ATTEST, updates=updates(True, False), my_index=0, revealed=2, attested=1)),
        node_facts(),
        (Cause.ATTESTATIONS, "attestations of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for the round before": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), state(2, Phase.WAITING, my_commitment=COMMITTED)),
        node_facts(recomputed={1: RIGHT}, verdicts=JUDGED),
        (Cause.PRIOR, "the settlement of round 1", VIEW.phase_end),
    ),
    "for a proposal": (
        chain(state(1, Phase.AGGREGATE, accepted_mask=3, phase_end=0), active_count=1),
        node_facts(recomputed={1: RIGHT}, propose_after=120),
        (Cause.PROPOSAL, "a proposal in round 1", VIEW.phase_start + 120),
    ),
    "for another's turn to impeach": (
        chain(
            state(1, Phase.AGGREGATE, updates=updates(True, True), my_index=1, phase_start=NOW, inputs_hash=bytes(32))
        ),
        node_facts(garbage=frozenset({1}), impeachable=frozenset({1})),
        (Cause.GARBAGE, "round 1 to become void, because its updates add up to garbage", VIEW.phase_end),
    ),
    "for a person, after garbage became final": (
        chain(state(1, Phase.FINAL, global_root=RIGHT), latest_final=(1, RIGHT)),
        node_facts(fetched={**GENESIS_HELD, 1: RIGHT}, garbage=frozenset({1})),
        (Cause.GARBAGE, "a person: round 1 became final although its updates add up to garbage", 0),
    ),
    "for a round that it did not commit to": (
        chain(state(1, Phase.REVEAL)),
        node_facts(),
        (Cause.ASIDE, "it did not commit", VIEW.phase_end),
    ),
    "for the round after the one it joined in": (
        chain(state(1, Phase.TRAIN), my_seat=replace(SEAT, active_from=2)),
        node_facts(),
        (Cause.ASIDE, "its seat begins with round 2", VIEW.phase_end),
    ),
    "for a round without its reveal": (
        chain(state(1, Phase.ATTEST, updates=updates(False)[:0], my_commitment=COMMITTED)),
        node_facts(updates={1: OWN}),
        (Cause.ASIDE, "did not reveal in time", VIEW.phase_end),
    ),
    "for the end of the round after it left": (
        chain(state(1, Phase.REVEAL), my_seat=replace(SEAT, exited=True, active_until=2)),
        node_facts(),
        (Cause.LEFT, "the end of round 1", VIEW.phase_end),
    ),
    "for more clients": (chain(active_count=1), node_facts(), (Cause.CLIENTS, "1 of at least 2 clients", 0)),
    "for money in the pool": (
        chain(balances=Balances(0, 0, 0, 0, 99, 0)),
        node_facts(),
        (Cause.POOL, "the pool holds 99 smallest units and a round needs 100 smallest units", 0),
    ),
    "for one's seat to begin": (chain(my_seat=replace(SEAT, active_from=3)), node_facts(), (Cause.SEAT, "round 3", 0)),
    "for the site's policy": (
        chain(state(1, Phase.TRAIN)),
        node_facts(forbidden="nobody has approved it"),
        (Cause.FORBIDDEN, "policy to let updates leave: nobody has approved it", VIEW.phase_end),
    ),
    "for its own peers": (
        chain(state(1, Phase.TRAIN)),
        node_facts(alone="1 of at least 2 of its own peers"),
        (Cause.ALONE, "peers, before it trains and commits: 1 of at least 2", VIEW.phase_end),
    ),
    "for stake": (
        chain(my_seat=replace(SEAT, active_until=1, stake=300)),
        node_facts(),
        (Cause.SUSPENDED, "100 smallest units more stake", 0),
    ),
    "for stake while others go on": (
        chain(state(1, Phase.TRAIN), my_seat=replace(SEAT, active_until=1, stake=300)),
        node_facts(),
        (Cause.SUSPENDED, "`fednode join`", 0),
    ),
    "for missing inputs": (
        chain(AGGREGATE),
        node_facts(
            fetched=GENESIS_HELD,
            **not_done(do.Recompute(1, AGGREGATE.view.inputs), Setback("round 1: accepted updates are missing")),
        ),
        (Cause.RETRY, "recomputing the aggregate of round 1, which failed: round 1: accepted updates are missing", 0),
    ),
    "for a window in which a wrong proposal has no readable leaves": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS)), active_count=1),
        node_facts(
            recomputed={1: RIGHT}, verdicts=JUDGED, paused=frozenset({do.JudgeProposal(1, OTHER, WRONG, RIGHT)})
        ),
        (Cause.WINDOW, "challenge window", VIEW.phase_end),
    ),
    "for the end of a window after others convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), active_count=1),
        node_facts(recomputed={1: RIGHT}, verdicts=PROVEN, cases=LIE),
        (Cause.WINDOW, "challenge window", VIEW.phase_end),
    ),
    "for its own training": (
        chain(state(1, Phase.TRAIN)),
        node_facts(fetched=GENESIS_HELD, running=frozenset({do.Train(1, GENESIS)})),
        (Cause.WORK, "training for round 1", VIEW.phase_end),
    ),
}


@pytest.mark.parametrize("case", WAITS, ids=str)
def test_what_it_says_while_it_waits(case: str) -> None:
    snapshot, facts, (cause, said, until) = WAITS[case]
    action = decide(snapshot, facts)
    assert isinstance(action, do.Wait), action
    assert action.cause is cause
    assert said in action.what
    assert action.until == until


def test_every_cause_of_waiting_has_its_case() -> None:
    assert {cause for _, _, (cause, _, _) in WAITS.values()} == set(Cause)
