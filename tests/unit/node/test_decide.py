"""The daemon's decisions, on tables of snapshots and facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fednode.daemon import actions as do
from fednode.daemon.cause import Cause
from fednode.daemon.data.time_to_check import gives_up_at
from fednode.daemon.decide import candidates, decide
from fednode.daemon.facts import Checked, Facts, OwnUpdate, Verdict
from fednode.daemon.view import turn
from fedprotocol.program.backoff import Setback
from fedprotocol.types import Balances, Commitment, Phase, Proposal, Update
from support.snapshots import COMMITTED, CONFIG, GENESIS, ME, NOW, OTHER, OWN, SEAT, VIEW, ZERO, chain, root, state


def updates(*attested: bool) -> tuple[Update, ...]:
    return tuple(
        Update(ME if i == 0 else OTHER, root(f"update{i}"), 10, 3, attested=done, yes=10)
        for i, done in enumerate(attested)
    )


def checked(**verdicts: Verdict) -> dict[int, Checked]:
    return {1: Checked(root("inputs"), {int(name[1:]): verdict for name, verdict in verdicts.items()})}


GENESIS_HELD = {0: GENESIS}
GOOD, ABSENT, BAD = Verdict.GOOD, Verdict.ABSENT, Verdict.BAD
ATTEST = state(1, Phase.ATTEST, updates=updates(False, False), my_index=0, my_commitment=COMMITTED, revealed=2)
AGGREGATE = state(1, Phase.AGGREGATE, my_commitment=COMMITTED, accepted_mask=3, phase_end=0)
RIGHT, WRONG = root("right"), root("wrong")
STANDS = Proposal(OTHER, RIGHT, 50, NOW - 5, NOW + 500)
STANDS_WRONG = Proposal(OTHER, WRONG, 50, NOW - 5, NOW + 500)
WORSE = Proposal(OTHER, root("worse"), 50, NOW - 5, NOW + 500)
WAITS_FOR_PROPOSAL = "the chain's node to show what came of proposing the aggregate of round 1"
JUDGED: dict[str, Any] = {"judged": {(1, RIGHT): True, (1, WRONG): False}}
LIE = frozenset({(1, WRONG)})
TRAINING = frozenset({do.Train(2, RIGHT)})
FINAL = state(1, Phase.FINAL, global_root=RIGHT, my_commitment=COMMITTED)


def not_done(action: do.Action, setback: Setback) -> dict[str, Any]:
    return {"resting": frozenset({action}), "failing": {action: setback}}


TABLE = {
    "before the first round the genesis is fetched": (chain(), Facts(), do.FetchGlobal(0, GENESIS)),
    "then trained on, before anybody opens the round": (
        chain(),
        Facts(fetched=GENESIS_HELD),
        do.Train(1, GENESIS),
    ),
    "a trained update is committed": (
        chain(state(1, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}),
        do.Commit(1),
    ),
    "also when the commit opens the round": (
        chain(),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}),
        do.Commit(1),
    ),
    "a commitment that the journal cannot open is replaced": (
        chain(state(1, Phase.TRAIN, my_commitment=Commitment(root("lost"), GENESIS, 10))),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}),
        do.Commit(1),
    ),
    "an update on another prior is trained again": (
        chain(state(1, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, updates={1: replace(OWN, prior_root=WRONG)}),
        do.Train(1, GENESIS),
    ),
    "reveal": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        Facts(updates={1: OWN}),
        do.Reveal(1),
    ),
    "reveal with an older record of the round": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("older"), GENESIS, 10))),
        Facts(updates={1: replace(OWN, revealable=frozenset({root("older"), root("hash")}))}),
        do.Reveal(1),
    ),
    "what was revealed is checked": (chain(ATTEST), Facts(), do.CheckInputs(1, root("inputs"))),
    "what is absent is asked for again": (
        chain(ATTEST),
        Facts(checked=checked(_0=GOOD, _1=ABSENT)),
        do.CheckInputs(1, root("inputs")),
    ),
    "all good: attest": (
        chain(ATTEST),
        Facts(checked=checked(_0=GOOD, _1=GOOD)),
        do.Attest(1, root("inputs"), 0b11),
    ),
    "a bad one is not vouched for, and not waited for": (
        chain(ATTEST),
        Facts(checked=checked(_0=GOOD, _1=BAD)),
        do.Attest(1, root("inputs"), 0b01),
    ),
    "an absent one is given up shortly before the deadline": (
        chain(ATTEST, time=ATTEST.view.phase_end - 60),
        Facts(checked=checked(_0=GOOD, _1=ABSENT), attest_margin=60),
        do.Attest(1, root("inputs"), 0b01),
    ),
    "verdicts on another input set count for nothing": (
        chain(ATTEST),
        Facts(checked={1: Checked(root("before the re-org"), {0: GOOD, 1: GOOD})}),
        do.CheckInputs(1, root("inputs")),
    ),
    "the aggregate is recomputed before anything is trained": (
        chain(AGGREGATE),
        Facts(fetched=GENESIS_HELD),
        do.Recompute(1, AGGREGATE.view.inputs),
    ),
    "without the prior, that comes first": (chain(AGGREGATE), Facts(), do.FetchGlobal(0, GENESIS)),
    "training goes on on the own global while the window is open": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,))),
        Facts(fetched=GENESIS_HELD, recomputed={1: RIGHT}, judged={(1, RIGHT): True}),
        do.Train(2, RIGHT),
    ),
    "training goes on before a wrong proposal is challenged": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, cases=LIE),
        do.Train(2, RIGHT),
    ),
    "the case is built while the model trains": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, running=TRAINING),
        do.BuildCase(1, OTHER, WRONG),
    ),
    "and its calls are sent": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, cases=LIE, running=TRAINING),
        do.Challenge(1, WRONG),
    ),
    "not before the right one stands beside it": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        Facts(recomputed={1: RIGHT}, judged={(1, WRONG): False}, provable=LIE, cases=LIE, running=TRAINING),
        do.Propose(1),
    ),
    "but also if the bond is missing": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        Facts(
            recomputed={1: RIGHT},
            judged={(1, WRONG): False},
            provable=LIE,
            cases=LIE,
            running=TRAINING,
            resting=frozenset({do.Propose(1)}),
        ),
        do.Challenge(1, WRONG),
    ),
    "a commit comes before a challenge": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS)), state(2, Phase.TRAIN, prior_root=ZERO)),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, cases=LIE, updates={2: replace(OWN, prior_root=RIGHT)}),
        do.Commit(2),
    ),
    "a broken model does not keep the node from convicting": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, cases=LIE, failure="no model"),
        do.Challenge(1, WRONG),
    ),
    "what could not be read is looked at again": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, **JUDGED, running=TRAINING),
        do.JudgeProposal(1, OTHER, WRONG, RIGHT),
    ),
    "the bounty is collected at once": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), my_owed=25),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, has_bounty=True, running=TRAINING),
        do.Claim(),
    ),
    "also while a wrong proposal and the right one stand": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, judged={(1, RIGHT): True, (1, WRONG): False}),
        do.Train(2, RIGHT),
    ),
    "every proposal is judged": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,))),
        Facts(recomputed={1: RIGHT}, running=TRAINING),
        do.JudgeProposal(1, OTHER, RIGHT, RIGHT),
    ),
    "beside a wrong one the right one is proposed at once, nothing is judged before": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        Facts(recomputed={1: RIGHT}),
        do.Propose(1),
    ),
    "also if judging it fails": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        Facts(recomputed={1: RIGHT}, **not_done(do.JudgeProposal(1, OTHER, WRONG, RIGHT), Setback("504"))),
        do.Propose(1),
    ),
    "also beside more than the snapshot shows": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,), live=300)),
        Facts(recomputed={1: RIGHT}, judged={(1, WRONG): False}),
        do.Propose(1),
    ),
    "unless it stands among these": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,), live=300)),
        Facts(recomputed={1: RIGHT}, unseen=frozenset({1}), running=TRAINING),
        do.JudgeProposal(1, OTHER, WRONG, RIGHT),
    ),
    "the window that ends first comes first": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS, replace(WORSE, window_end=NOW + 600), STANDS_WRONG))),
        Facts(recomputed={1: RIGHT}, running=TRAINING),
        do.JudgeProposal(1, OTHER, WRONG, RIGHT),
    ),
    "a lie that cannot be judged does not keep another from being convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, WORSE, STANDS))),
        Facts(
            recomputed={1: RIGHT},
            judged={(1, WORSE.root): False},
            provable=frozenset({(1, WORSE.root)}),
            cases=frozenset({(1, WORSE.root)}),
            running=TRAINING,
            **not_done(do.JudgeProposal(1, OTHER, WRONG, RIGHT), Setback("504")),
        ),
        do.Challenge(1, WORSE.root),
    ),
    "before its turn no case is built": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS))),
        Facts(recomputed={1: RIGHT}, judged={(1, RIGHT): True}, provable=LIE, challenge_after=60, running=TRAINING),
        do.Wait(Cause.WORK, "training for round 2", VIEW.phase_end, "commit"),
    ),
    "a bond that lay beside the winner's is collected at the end": (
        chain(FINAL, closed=True),
        Facts(recomputed={1: RIGHT}, auto_claim=True, proposed=frozenset({1})),
        do.Settle(),
    ),
    "nobody ends while a lie stands that is yet to be convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        Facts(
            recomputed={1: RIGHT},
            failure="no model",
            resting=frozenset({do.Propose(1), do.JudgeProposal(1, OTHER, WRONG, RIGHT)}),
        ),
        do.Wait(Cause.SENT, WAITS_FOR_PROPOSAL, VIEW.phase_end, ""),
    ),
    "not a second time by the same account": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, Proposal(ME, root("mine"), 50, NOW, NOW + 500)))),
        Facts(recomputed={1: RIGHT}, judged={(1, WRONG): False, (1, root("mine")): False}),
        do.Train(2, RIGHT),
    ),
    "nobody proposes: after a while this node does": (
        chain(AGGREGATE, time=VIEW.phase_start + 120),
        Facts(recomputed={1: RIGHT}, propose_after=120),
        do.Propose(1),
    ),
    "not before": (
        chain(AGGREGATE, time=VIEW.phase_start + 119),
        Facts(recomputed={1: RIGHT}, propose_after=120),
        do.Train(2, RIGHT),
    ),
    "inputs nobody serves: the round is abandoned in the end": (
        chain(AGGREGATE, time=VIEW.phase_start + 5000),
        Facts(fetched=GENESIS_HELD, resting=frozenset({do.Recompute(1, AGGREGATE.view.inputs)})),
        do.Abandon(1),
    ),
    "a late joiner fetches the last final global": (
        chain(FINAL, latest_final=(1, RIGHT), final_count=1),
        Facts(),
        do.FetchGlobal(1, RIGHT),
    ),
    "a wrong global that became final is the prior nevertheless": (
        chain(
            state(1, Phase.FINAL, global_root=WRONG),
            state(2, Phase.TRAIN, prior_root=WRONG),
            latest_final=(1, WRONG),
            final_count=1,
        ),
        Facts(recomputed={1: RIGHT}, fetched={1: WRONG}),
        do.Train(2, WRONG),
    ),
    "after a void round the next starts from the last final global": (
        chain(state(1, Phase.VOID), state(2, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, recomputed={1: RIGHT}, updates={2: replace(OWN, prior_root=RIGHT)}),
        do.Train(2, GENESIS),
    ),
    "globals are scored while nothing else is to do": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}, has_test=True),
        do.Evaluate(0, GENESIS),
    ),
    "a global that a re-org changed is scored again": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}, has_test=True, evaluated={0: RIGHT}),
        do.Evaluate(0, GENESIS),
    ),
    "then the site's own model is trained": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}, trained=frozenset({1}), solo=True),
        do.TrainSolo(1),
    ),
    "at the end the account is settled": (
        chain(FINAL, closed=True, my_seat=replace(SEAT, pending_new=1)),
        Facts(recomputed={1: RIGHT}, auto_claim=True),
        do.Settle(),
    ),
    "then claimed": (
        chain(FINAL, closed=True, my_owed=7),
        Facts(recomputed={1: RIGHT}, auto_claim=True),
        do.Claim(),
    ),
    "then the node is done": (
        chain(FINAL, closed=True),
        Facts(recomputed={1: RIGHT}, auto_claim=True),
        do.Finish("the sponsor closed the federation after 0 final rounds"),
    ),
    "not before the site's own model is scored": (
        chain(FINAL, closed=True),
        Facts(recomputed={1: RIGHT}, trained=frozenset({1}), solo=True, solo_test=True, solo_trained=frozenset({1})),
        do.EvaluateSolo(1),
    ),
    "and then it is scored once, however many rounds it was trained for": (
        chain(FINAL, closed=True),
        Facts(
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
        Facts(updates={1: OWN}),
        do.Reveal(1),
    ),
    "a broken model ends the node": (chain(), Facts(failure="no model"), do.Finish("no model", failure=True)),
    "but not while a commitment is open": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        Facts(updates={1: OWN}, failure="no model"),
        do.Reveal(1),
    ),
}


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_the_next_action(case: str) -> None:
    snapshot, facts, expected = TABLE[case]
    assert decide(snapshot, facts) == expected


WAITS = {
    "for others to commit": (
        chain(state(1, Phase.TRAIN, my_commitment=COMMITTED)),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}),
        (Cause.COMMITS, "commits of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for a wrong prior nothing is revealed": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("hash"), WRONG, 10))),
        Facts(updates={1: OWN}),
        (Cause.FORFEIT, "builds on another global", VIEW.phase_end),
    ),
    "an open commitment that the journal does not know": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("lost"), GENESIS, 10))),
        Facts(updates={1: OWN}),
        (Cause.FORFEIT, "not in the journal", VIEW.phase_end),
    ),
    "for others to reveal": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED, my_index=0, revealed=1, matching=2)),
        Facts(updates={1: OWN}),
        (Cause.REVEALS, "reveals of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for blocks on top": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        Facts(updates={1: OWN}, **not_done(do.Reveal(1), Setback("3 blocks on top", too_early=True))),
        (Cause.DEPTH, "3 blocks on top", VIEW.phase_end),
    ),
    "for another try": (
        chain(state(1, Phase.REVEAL, my_commitment=COMMITTED)),
        Facts(updates={1: OWN}, **not_done(do.Reveal(1), Setback("has 0 ETH"))),
        (Cause.RETRY, "the next try at sending its reveal of round 1, which failed: has 0 ETH", VIEW.phase_end),
    ),
    "for a round in which it can train": (
        chain(state(1, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, **not_done(do.Train(1, GENESIS), Setback("the loss is nan", for_good=True))),
        (Cause.GIVEN_UP, "another round or a restart: training for round 1 failed", VIEW.phase_end),
    ),
    "for its own commit to be seen": (
        chain(state(1, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, updates={1: OWN}, resting=frozenset({do.Commit(1)})),
        (Cause.SENT, "sending its commit of round 1", VIEW.phase_end),
    ),
    "for updates that nobody serves": (
        chain(ATTEST),
        Facts(checked=checked(_0=GOOD, _1=ABSENT), resting=frozenset({do.CheckInputs(1, root("inputs"))})),
        (Cause.ABSENT, "nobody serves (1 of 2 are checked)", gives_up_at(ME, ATTEST, 60)),
    ),
    "for others to attest": (
        chain(state(1, Phase.ATTEST, updates=updates(True, False), my_index=0, revealed=2, attested=1)),
        Facts(),
        (Cause.ATTESTATIONS, "attestations of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for the round before": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), state(2, Phase.WAITING, my_commitment=COMMITTED)),
        Facts(recomputed={1: RIGHT}, **JUDGED),
        (Cause.PRIOR, "the settlement of round 1", VIEW.phase_end),
    ),
    "for a proposal": (
        chain(state(1, Phase.AGGREGATE, accepted_mask=3, phase_end=0), active_count=1),
        Facts(recomputed={1: RIGHT}, propose_after=120),
        (Cause.PROPOSAL, "a proposal in round 1", VIEW.phase_start + 120),
    ),
    "for a round that it did not commit to": (
        chain(state(1, Phase.REVEAL)),
        Facts(),
        (Cause.ASIDE, "it did not commit", VIEW.phase_end),
    ),
    "for the round after the one it joined in": (
        chain(state(1, Phase.TRAIN), my_seat=replace(SEAT, active_from=2)),
        Facts(),
        (Cause.ASIDE, "its seat begins with round 2", VIEW.phase_end),
    ),
    "for a round without its reveal": (
        chain(state(1, Phase.ATTEST, updates=updates(False)[:0], my_commitment=COMMITTED)),
        Facts(updates={1: OWN}),
        (Cause.ASIDE, "did not reveal in time", VIEW.phase_end),
    ),
    "for the end of the round after it left": (
        chain(state(1, Phase.REVEAL), my_seat=replace(SEAT, exited=True, active_until=2)),
        Facts(),
        (Cause.LEFT, "the end of round 1", VIEW.phase_end),
    ),
    "for more clients": (chain(active_count=1), Facts(), (Cause.CLIENTS, "1 of at least 2 clients", 0)),
    "for money in the pool": (
        chain(balances=Balances(0, 0, 0, 0, 99, 0)),
        Facts(),
        (Cause.POOL, "the pool holds 99 token units and a round needs 100 token units", 0),
    ),
    "for one's seat to begin": (chain(my_seat=replace(SEAT, active_from=3)), Facts(), (Cause.SEAT, "round 3", 0)),
    "for stake": (
        chain(my_seat=replace(SEAT, active_until=1, stake=300)),
        Facts(),
        (Cause.SUSPENDED, "100 token units more stake", 0),
    ),
    "for stake while others go on": (
        chain(state(1, Phase.TRAIN), my_seat=replace(SEAT, active_until=1, stake=300)),
        Facts(),
        (Cause.SUSPENDED, "`fednode join`", 0),
    ),
    "for missing inputs": (
        chain(AGGREGATE),
        Facts(
            fetched=GENESIS_HELD,
            **not_done(do.Recompute(1, AGGREGATE.view.inputs), Setback("round 1: accepted updates are missing")),
        ),
        (Cause.RETRY, "recomputing the aggregate of round 1, which failed: round 1: accepted updates are missing", 0),
    ),
    "for a window in which a wrong proposal has no readable leaves": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS)), active_count=1),
        Facts(recomputed={1: RIGHT}, **JUDGED, resting=frozenset({do.JudgeProposal(1, OTHER, WRONG, RIGHT)})),
        (Cause.WINDOW, "challenge window", VIEW.phase_end),
    ),
    "for the end of a window after others convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), active_count=1),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, cases=LIE),
        (Cause.WINDOW, "challenge window", VIEW.phase_end),
    ),
    "for its own training": (
        chain(state(1, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, running=frozenset({do.Train(1, GENESIS)})),
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


@pytest.mark.parametrize(("window", "length"), [(3600, 7200), (10, 100), (1, 1), (7200, 60)])
def test_the_clients_take_turns_to_challenge(window: int, length: int) -> None:
    clients, lie = 5, Proposal(OTHER, WRONG, 50, NOW, NOW + 500)
    config = replace(CONFIG, min_window=window, challenge_length=length)
    round_state = state(1, Phase.CHALLENGE, proposals=(lie,), updates=updates(*[True] * clients))
    turns = [turn(chain(config=config), replace(round_state, my_index=i), lie) - NOW for i in range(clients)]
    assert min(turns) == 0 and max(turns) <= min(length, window) / 2
    assert len(set(turns)) == clients or min(length, window) < 2 * clients
    assert turn(chain(config=config), round_state, lie) == NOW  # no client of the round: at once


def test_a_lane_has_one_piece_of_work_and_the_chain_never_waits_for_it() -> None:
    busy = frozenset({do.Evaluate(0, GENESIS), do.FetchGlobal(0, GENESIS)})
    facts = Facts(fetched=GENESIS_HELD, running=busy, train_seconds=1)
    assert isinstance(decide(chain(), facts), do.Wait)
    revealing = chain(state(1, Phase.REVEAL, my_commitment=COMMITTED))
    assert decide(revealing, replace(facts, updates={1: OWN})) == do.Reveal(1)


def test_what_an_obligation_needs_has_its_lane_at_once() -> None:
    fetch, check = do.FetchGlobal(7, WRONG), do.CheckInputs(1, root("inputs"))
    facts = Facts(fetched=GENESIS_HELD, running=frozenset({fetch}))
    assert decide(chain(ATTEST), facts) == do.Interrupt(fetch)
    assert decide(chain(ATTEST), replace(facts, stopped=frozenset({fetch}))) == check  # also if it hangs
    judging = do.JudgeProposal(7, OTHER, WRONG, RIGHT)
    assert decide(chain(ATTEST), replace(facts, running=frozenset({judging}), stopped=frozenset({judging}))) == check


def test_checking_is_stopped_when_it_is_of_no_use_any_more() -> None:
    check = do.CheckInputs(1, root("inputs"))
    facts = Facts(fetched=GENESIS_HELD, running=frozenset({check}))
    assert isinstance(decide(chain(ATTEST), facts), do.Wait)
    attested = replace(ATTEST, updates=updates(True, False))
    changed = state(1, Phase.ATTEST, updates=updates(False, False), my_index=0, revealed=2, inputs_hash=root("others"))
    over = state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,), my_commitment=COMMITTED, accepted_mask=3)
    for useless in (attested, changed, over):
        assert decide(chain(useless), facts) == do.Interrupt(check)
    stopped = replace(facts, stopped=frozenset({check}))
    assert decide(chain(over), stopped) == do.Recompute(1, over.view.inputs)


def test_merging_other_inputs_is_stopped() -> None:
    facts = Facts(fetched=GENESIS_HELD, running=frozenset({do.Recompute(1, "others")}))
    assert decide(chain(AGGREGATE), facts) == do.Interrupt(do.Recompute(1, "others"))


def test_judging_that_hangs_gives_way_to_another() -> None:
    judging = do.JudgeProposal(1, OTHER, WRONG, RIGHT)
    lies = chain(state(1, Phase.CHALLENGE, proposals=(STANDS, STANDS_WRONG, WORSE)), active_count=1)
    facts = Facts(recomputed={1: RIGHT}, judged={(1, RIGHT): True}, running=frozenset({judging}))
    assert isinstance(decide(lies, facts), do.Wait)
    assert decide(lies, replace(facts, overdue=frozenset({judging}))) == do.Interrupt(judging)
    stopped = replace(facts, stopped=frozenset({judging}))
    assert decide(lies, stopped) == do.JudgeProposal(1, OTHER, WORSE.root, RIGHT)


def test_where_training_takes_unknown_time_the_site_gives_way_at_once() -> None:
    facts = Facts(fetched=GENESIS_HELD, running=frozenset({do.Evaluate(0, GENESIS)}), has_test=True)
    assert decide(chain(state(1, Phase.TRAIN)), facts) == do.Interrupt(do.Evaluate(0, GENESIS))
    assert isinstance(decide(chain(state(1, Phase.TRAIN)), replace(facts, train_seconds=10)), do.Wait)


def test_training_for_a_round_that_is_past_or_on_another_prior_is_stopped() -> None:
    work = do.Train(1, GENESIS)
    facts = Facts(fetched=GENESIS_HELD, running=frozenset({work}))
    assert decide(chain(state(1, Phase.WAITING)), facts) == do.Interrupt(work)
    stale = do.Train(2, RIGHT)
    voided = chain(state(1, Phase.VOID))
    assert decide(voided, replace(facts, running=frozenset({stale}))) == do.Interrupt(stale)
    assert isinstance(decide(chain(state(1, Phase.TRAIN)), facts), do.Wait)


def test_the_sites_own_model_gives_way_only_when_training_would_be_late() -> None:
    solo = do.TrainSolo(1)
    facts = Facts(fetched=GENESIS_HELD, running=frozenset({solo}), solo=True, train_seconds=100)
    open_round = state(1, Phase.TRAIN)
    assert isinstance(decide(chain(open_round), facts), do.Wait)
    assert decide(chain(open_round, time=VIEW.phase_end - 150), facts) == do.Interrupt(solo)


def test_an_update_on_a_prior_that_a_reorg_changed_is_none() -> None:
    """Its round is trained again in time, as if there were no update."""
    solo = do.TrainSolo(1)
    open_round = state(1, Phase.TRAIN, my_commitment=COMMITTED, phase_end=NOW + 100)
    facts = Facts(fetched=GENESIS_HELD, train_seconds=60, running=frozenset({solo}))
    assert isinstance(decide(chain(open_round), replace(facts, updates={1: OWN})), do.Wait)
    stale = replace(OWN, prior_root=WRONG)
    assert decide(chain(open_round), replace(facts, updates={1: stale})) == do.Interrupt(solo)


def test_nothing_finishes_while_something_runs() -> None:
    facts = Facts(recomputed={1: RIGHT}, running=frozenset({do.Evaluate(1, RIGHT)}))
    assert isinstance(decide(chain(FINAL, closed=True), facts), do.Wait)


def test_an_old_round_is_let_go_once_a_later_global_is_final() -> None:
    kept = Facts(
        checked={1: Checked(root("inputs"), {0: GOOD})},
        recomputed={1: RIGHT, 2: root("second")},
        merged={1: frozenset({RIGHT, WRONG}), 2: frozenset({root("second")})},
        fetched={0: GENESIS},
        evaluated={0: GENESIS, 1: RIGHT, 2: root("second")},
        keep_rounds=1,
        updates={3: OwnUpdate(root("second"), root("update"), root("hash"), frozenset())},
    )
    second = state(2, Phase.FINAL, global_root=root("second"))
    third = state(3, Phase.TRAIN, prior_root=root("second"), my_commitment=COMMITTED)
    release = do.Release(1, frozenset({RIGHT, WRONG}))
    later = chain(second, third, latest_final=(2, root("second")), final_count=2)
    assert decide(later, kept) == release
    assert release not in candidates(later, replace(kept, keep_rounds=2))
    # A void round after it: its global is what the next round starts from.
    void = state(2, Phase.VOID)
    still = chain(void, third, latest_final=(1, RIGHT), final_count=1)
    assert not [action for action in candidates(still, kept) if isinstance(action, do.Release)]


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.REVEAL, Phase.ATTEST])
def test_an_update_that_came_too_late_is_not_sent(phase: Phase) -> None:
    """Neither its commit, nor a reveal without one: the next round is waited for."""
    late = chain(state(1, phase, active=2, committed=1))
    assert isinstance(decide(late, Facts(fetched=GENESIS_HELD, updates={1: OWN})), do.Wait)
