"""The daemon's decisions, on tables of snapshots and facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fednode.daemon import actions as do
from fednode.daemon.decide import candidates, decide
from fednode.daemon.facts import Checked, Facts, OwnUpdate, Verdict
from fednode.daemon.view import turn
from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.chain.types import (
    Balances,
    Commitment,
    FederationConfig,
    Phase,
    Proposal,
    RoundView,
    Seat,
    Update,
    VoidReason,
)

ME = "0x" + "Aa" * 20
OTHER = "0x" + "Bb" * 20
ZERO = bytes(32)
NOW = 1_000_000


def root(name: str) -> bytes:
    return name.encode().ljust(32, b"\1")


GENESIS = root("genesis")

CONFIG = FederationConfig(
    token=OTHER,
    rule=OTHER,
    gate=OTHER,
    disputes=OTHER,
    sponsor=OTHER,
    spec_digest=root("spec"),
    genesis_root=GENESIS,
    leaf_count=2,
    leaf_values=32,
    mantissa_bits=8,
    server_lr=1 << 16,
    min_clients=2,
    max_clients=4,
    total_rounds=3,
    aggregator_bps=1000,
    round_reward=100,
    min_stake=400,
    stake_per_example=1,
    penalty=100,
    bond_base=50,
    train_length=600,
    reveal_length=100,
    attest_length=100,
    challenge_length=100,
    min_window=10,
    abandon_after=5000,
)
VIEW = RoundView(
    phase=Phase.TRAIN,
    void_reason=VoidReason.NONE,
    opened_at=NOW - 100,
    phase_start=NOW - 100,
    phase_end=NOW + 500,
    settled_at=0,
    prior_root=GENESIS,
    global_root=ZERO,
    inputs_hash=root("inputs"),
    active=2,
    committed=1,
    matching=1,
    revealed=0,
    attested=0,
    total_weight=10,
    accepted_mask=0,
    aggregator=OTHER,
    convicted=0,
)
OWN = OwnUpdate(GENESIS, root("update"), root("hash"), frozenset({root("hash")}))
COMMITTED = Commitment(root("hash"), GENESIS)
SEAT = Seat(
    stake=1000, active_from=1, active_until=2**32 - 1, pending_old=0, pending_new=0, exited=False, last_commit=0
)


def state(number: int, phase: Phase, **changes: Any) -> RoundState:
    own = {k: changes.pop(k) for k in ("updates", "proposals", "my_commitment", "my_index", "bond") if k in changes}
    base = {"updates": (), "proposals": (), "my_commitment": None, "my_index": None, "my_pages": 0, "bond": 50}
    return RoundState(number=number, view=replace(VIEW, phase=phase, **changes), **{**base, **own})


def chain(*rounds: RoundState, **changes: Any) -> Snapshot:
    base = Snapshot(
        chain_id=1,
        block=10,
        time=NOW,
        config=CONFIG,
        rounds=rounds,
        latest_final=(0, GENESIS),
        final_count=0,
        last_opened=max((r.number for r in rounds), default=0),
        closed=False,
        active_count=2,
        account=ME,
        my_seat=SEAT,
        my_owed=0,
        balances=Balances(stakes=2000, bonds=0, owed=0, reserved=0, pool=1000, burned=0),
        eth=10**18,
        tokens=1000,
        allowance=0,
    )
    return replace(base, **changes)


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
STANDS = Proposal(OTHER, RIGHT, 50, NOW - 5)
STANDS_WRONG = Proposal(OTHER, WRONG, 50, NOW - 5)
JUDGED: dict[str, Any] = {"judged": {(1, RIGHT): True, (1, WRONG): False}}
LIE = frozenset({(1, WRONG)})
TRAINING = frozenset({do.Train(2, RIGHT)})
FINAL = state(1, Phase.FINAL, global_root=RIGHT, my_commitment=COMMITTED)

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
        chain(state(1, Phase.TRAIN, my_commitment=Commitment(root("lost"), GENESIS))),
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
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("older"), GENESIS))),
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
        do.Recompute(1),
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
        do.JudgeProposal(1, OTHER, WRONG),
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
        Facts(recomputed={1: RIGHT}),
        do.JudgeProposal(1, OTHER, RIGHT),
    ),
    "beside a wrong one the right one is proposed": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG,))),
        Facts(recomputed={1: RIGHT}, judged={(1, WRONG): False}),
        do.Propose(1),
    ),
    "not a second time by the same account": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, Proposal(ME, root("mine"), 50, NOW)))),
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
        Facts(fetched=GENESIS_HELD, resting=frozenset({do.Recompute(1)})),
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
        do.Finish("the federation is complete"),
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
        do.Finish("the federation is complete"),
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
        ("commits of round 1 (1 of 2)", VIEW.phase_end),
    ),
    "for a wrong prior nothing is revealed": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("hash"), WRONG))),
        Facts(updates={1: OWN}),
        ("reveals of round 1", VIEW.phase_end),
    ),
    "an open commitment that the journal does not know": (
        chain(state(1, Phase.REVEAL, my_commitment=Commitment(root("lost"), GENESIS))),
        Facts(updates={1: OWN}),
        ("reveals of round 1", VIEW.phase_end),
    ),
    "for more clients": (chain(active_count=1), Facts(), ("1 of at least 2 clients", 0)),
    "for money in the pool": (
        chain(balances=Balances(0, 0, 0, 0, 99, 0)),
        Facts(),
        ("the pool holds 99 token units", 0),
    ),
    "for one's seat to begin": (chain(my_seat=replace(SEAT, active_from=3)), Facts(), ("round 3", 0)),
    "for stake": (chain(my_seat=replace(SEAT, active_until=1)), Facts(), ("suspended", 0)),
    "for missing inputs": (
        chain(AGGREGATE),
        Facts(fetched=GENESIS_HELD, resting=frozenset({do.Recompute(1)})),
        ("missing", 0),
    ),
    "for a window in which a wrong proposal has no readable leaves": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS_WRONG, STANDS)), active_count=1),
        Facts(recomputed={1: RIGHT}, **JUDGED, resting=frozenset({do.JudgeProposal(1, OTHER, WRONG)})),
        ("challenge window", VIEW.phase_end),
    ),
    "for the end of a window after others convicted": (
        chain(state(1, Phase.CHALLENGE, proposals=(STANDS,)), active_count=1),
        Facts(recomputed={1: RIGHT}, **JUDGED, provable=LIE, cases=LIE),
        ("challenge window", VIEW.phase_end),
    ),
    "for its own training": (
        chain(state(1, Phase.TRAIN)),
        Facts(fetched=GENESIS_HELD, running=frozenset({do.Train(1, GENESIS)})),
        ("training for round 1", VIEW.phase_end),
    ),
}


@pytest.mark.parametrize("case", WAITS, ids=str)
def test_what_it_says_while_it_waits(case: str) -> None:
    snapshot, facts, (said, until) = WAITS[case]
    action = decide(snapshot, facts)
    assert isinstance(action, do.Wait), action
    assert said in action.what
    assert action.until == until


@pytest.mark.parametrize(("window", "length"), [(3600, 7200), (10, 100), (1, 1), (7200, 60)])
def test_the_clients_take_turns_to_challenge(window: int, length: int) -> None:
    clients, lie = 5, Proposal(OTHER, WRONG, 50, NOW)
    config = replace(CONFIG, min_window=window, challenge_length=length)
    round_state = state(1, Phase.CHALLENGE, proposals=(lie,), updates=updates(*[True] * clients))
    turns = [turn(chain(config=config), replace(round_state, my_index=i), lie) - NOW for i in range(clients)]
    assert min(turns) == 0 and max(turns) <= min(length, window) / 2
    assert len(set(turns)) == clients or min(length, window) < 2 * clients
    assert turn(chain(config=config), round_state, lie) == NOW  # no client of the round: at once


def test_one_model_and_one_fetcher_but_the_chain_never_waits_for_them() -> None:
    busy = frozenset({do.Evaluate(0, GENESIS), do.FetchGlobal(0, GENESIS)})
    facts = Facts(fetched=GENESIS_HELD, running=busy)
    assert isinstance(decide(chain(), facts), do.Wait)
    assert isinstance(decide(chain(ATTEST), facts), do.Wait)
    revealing = chain(state(1, Phase.REVEAL, my_commitment=COMMITTED))
    assert decide(revealing, replace(facts, updates={1: OWN})) == do.Reveal(1)


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


def test_nothing_finishes_while_something_runs() -> None:
    facts = Facts(recomputed={1: RIGHT}, running=frozenset({do.Evaluate(1, RIGHT)}))
    assert isinstance(decide(chain(FINAL, closed=True), facts), do.Wait)


def test_an_old_round_is_let_go_once_a_later_global_is_final() -> None:
    kept = Facts(
        checked={1: Checked(root("inputs"), {0: GOOD})},
        recomputed={1: RIGHT, 2: root("second")},
        fetched={0: GENESIS},
        evaluated=frozenset({0, 1, 2}),
        keep_rounds=1,
        updates={3: OwnUpdate(root("second"), root("update"), root("hash"), frozenset())},
    )
    second = state(2, Phase.FINAL, global_root=root("second"))
    third = state(3, Phase.TRAIN, prior_root=root("second"), my_commitment=COMMITTED)
    release = do.Release(1, RIGHT)
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
