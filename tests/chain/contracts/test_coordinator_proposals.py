"""Aggregate, Challenge, finality and payouts, by the clauses of docs/protocol.md; every call on model and contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fedprotocol.types import Phase
from support.contract_and_model import Play, names, one
from support.evm import Anvil
from support.federation import CONFIG, Call, Deployed
from support.histories import digests, global_root

ZERO = bytes(32)
HASH = b"\1" * 32


@pytest.fixture
def ready(play: Play) -> Play:
    """Round 1 at the start of Aggregate; the first three actors have weight 100 each."""
    play.to_aggregate(1, play.start())
    return play


# -------------------------------------------------------------------- propose


def test_a_proposal_opens_a_window_and_takes_a_bond(ready: Play) -> None:
    outsider = ready.actors[6]
    events = ready.do(outsider, "propose", *ready.page(1, 0, digests(0, 2)))
    assert names(events) == ["ProposalPaged", "Proposed"]
    assert one(events, "Proposed") == {
        "round": 1,
        "proposer": outsider,
        "root": global_root(0, 2),
        "bond": 251,
        "window_end": ready.model.now + 50,
    }
    assert ready.model.round_view(1).phase_end == ready.model.now + 50
    assert ready.refused("AlreadyProposed", outsider, "propose", *ready.page(1, 0, digests(1, 2))) == (outsider, 1)


def test_proposals_refuse(ready: Play) -> None:
    [a, b, c] = ready.actors[:3]
    assert ready.refused("WrongPhase", a, "propose", *ready.page(2, 0, digests(0, 2))) == (
        2,
        Phase.AGGREGATE,
        Phase.NONE,
    )
    for length in (0, 1, 3):
        assert ready.refused("WrongPageLength", a, "propose", *ready.page(1, 0, digests(0, length))) == (length, 2)
    assert ready.refused("WrongPage", a, "propose", *ready.page(1, 1, digests(0, 2))) == (1, 0)
    assert ready.refused("WrongPage", a, "propose", *ready.page(1, 2**256 - 1, digests(0, 2))) == (2**256 - 1, 0)
    ready.propose(1, a)
    assert ready.refused("DuplicateRoot", b, "propose", *ready.page(1, 0, digests(0, 2))) == (global_root(0, 2),)
    assert ready.model.pages_of(1, b) == 0
    ready.at(ready.model.now + 50)
    assert ready.refused("WrongPhase", c, "propose", *ready.page(1, 0, digests(1, 2)))[2] == Phase.FINAL


def test_a_proposal_binds_its_inputs(ready: Play) -> None:
    """Signed for other inputs, from the other side of a re-org, it is no proposal and costs no bond."""
    a = ready.actors[0]
    view = ready.model.round_view(1)
    other = b"\7" * 32
    assert ready.refused("WrongInputs", a, "propose", 1, other, view.accepted_mask, 0, digests(0, 2)) == (
        other,
        view.inputs_hash,
    )
    assert ready.refused("WrongAccepted", a, "propose", 1, view.inputs_hash, 0b011, 0, digests(0, 2)) == (0b011, 0b111)
    assert ready.model.balances().bonds == 0


def test_the_price_of_being_right_does_not_rise_with_others_lies(chain: Anvil) -> None:
    """Only with the proposer's own convictions; and the right one has room beside any number of lies."""
    play = Play(Deployed(chain, replace(CONFIG, max_clients=9)), actors=9)
    play.to_aggregate(1, play.start(members=2))
    lies = [play.propose(1, actor, label) for label, actor in enumerate(play.actors[:8])]
    right = play.propose(1, play.actors[8], 9)
    assert [p.bond for p in play.model.proposals(1, 256)] == [251] * 9
    play.convict(1, lies[3], play.actors[0])
    duplicate = play.page(1, 0, digests(3, 2))
    assert play.refused("DuplicateRoot", play.sponsor, "propose", *duplicate) == (lies[3],)
    assert play.refused("AlreadyProposed", play.actors[3], "propose", *duplicate) == (play.actors[3], 1)
    assert play.model.bond_of(play.actors[3]) == 2 * 251 and play.model.bond_of(play.actors[2]) == 251
    for lie in [*lies[:3], *lies[4:]]:
        play.convict(1, lie, play.actors[0])
    assert [p.root for p in play.model.proposals(1, 256)] == [right]
    play.at(play.end_of_phase(1)).do(play.actors[0], "settle", play.actors[8])
    assert play.model.latest_final() == (1, right) and play.model.balances().bonds == 0
    play.close()


def test_ones_own_convictions_make_the_next_bond_dearer(chain: Anvil) -> None:
    play = Play(Deployed(chain, replace(CONFIG, total_rounds=9, challenge_length=2_000, abandon_after=10)), actors=7)
    liar, *clients = play.actors[:3]
    play.start(members=0, rounds=9)
    play.together(*(Call(c, "join", (play.config.min_stake,)) for c in clients))
    for number in range(1, 9):
        play.to_aggregate(number, clients)
        assert play.model.bond_of(liar) == 251 << min(number - 1, 6)
        play.convict(number, play.propose(number, liar, number), clients[0])
        play.at(play.model.now + 10).do(clients[0], "abandon", number)
    assert play.model.bond_of(clients[0]) == 251
    play.close()


def test_every_proposal_before_it_gives_a_proposals_window_one_more_case(ready: Play) -> None:
    """A tenth of the shortest window each: so that a single verifier convicts any number one after the other."""
    start = ready.model.now
    for label, proposer in enumerate(ready.actors[:5]):
        ready.propose(1, proposer, label)
    assert [p.window_end for p in ready.model.proposals(1, 256)] == [start + 1 + i + 50 + 2 * i for i in range(5)]
    for label in range(4):
        ready.convict(1, global_root(label, 2), ready.actors[6])
    assert ready.end_of_phase(1) == start + 5 + 50 + 8, "convicted ones count: their cases took time"


def test_a_loser_collects_its_bond_itself(ready: Play) -> None:
    a, b, c, d, *_ = ready.actors
    ready.propose(1, a, 0)
    ready.propose(1, d, 1)
    ready.at(ready.end_of_phase(1)).do(b, "settle", b)
    assert ready.model.balances().bonds == 251 and ready.model.bond_due(d) == 251
    assert names(ready.do(c, "settle", d)) == ["Rewarded", "BondReturned"]
    assert ready.model.owed(d) == 251 and ready.model.bond_due(d) == 0
    assert names(ready.do(d, "claim")) == ["Claimed"]


@pytest.fixture(params=[2048, 2049, 2050, 4096, 4097])
def paged(chain: Anvil, request: pytest.FixtureRequest) -> Iterator[Play]:
    play = Play(Deployed(chain, replace(CONFIG, leaf_count=request.param)), actors=3)
    play.to_aggregate(1, play.start(members=2))
    yield play
    play.close()


def test_pages_come_in_order_and_start_over_at_zero(paged: Play) -> None:
    a, b, _ = paged.actors
    leaves = digests(5, paged.config.leaf_count)
    pages = [leaves[i : i + 2048] for i in range(0, len(leaves), 2048)]
    other = digests(6, paged.config.leaf_count)[:2048]
    if len(pages) > 1:
        assert names(paged.do(a, "propose", *paged.page(1, 0, other))) == ["ProposalPaged"]
        assert paged.refused("WrongPage", a, "propose", *paged.page(1, 2, pages[0])) == (2, 1)
        assert paged.refused("WrongPageLength", a, "propose", *paged.page(1, 1, leaves[:7])) == (7, len(pages[1]))
        assert paged.refused("WrongPage", b, "propose", *paged.page(1, 1, pages[1])) == (1, 0), (
            "everybody has pages of their own"
        )
    for number, page in enumerate(pages):
        events = paged.do(a, "propose", *paged.page(1, number, page))
    assert one(events, "Proposed")["root"] == global_root(5, paged.config.leaf_count)
    assert paged.model.pages_of(1, a) == 0
    assert paged.refused("AlreadyProposed", a, "propose", *paged.page(1, len(pages), pages[0])) == (a, 1)


# ------------------------------------------------------------------- finality


def test_the_window_is_open_to_before_its_end(ready: Play) -> None:
    root = ready.propose(1, ready.actors[0])
    end = ready.end_of_phase(1)
    assert ready.phase(1, end - 1) == "CHALLENGE" and ready.phase(1, end) == "FINAL"
    assert ready.deployed.read([("latest_final", ()), ("final_count", ())], at=end) == [(1, root), 1]
    assert ready.at(end).refused("WrongPhase", ready.config.disputes, "convict", 1, root, ready.actors[1]) == (
        1,
        Phase.CHALLENGE,
        Phase.FINAL,
    )


def test_only_disputes_convicts_and_only_what_is_live(ready: Play) -> None:
    a, b, *_ = ready.actors
    disputes = ready.config.disputes
    assert ready.refused("WrongPhase", disputes, "convict", 1, HASH, a)[2] == Phase.AGGREGATE
    root = ready.propose(1, a)
    assert ready.refused("NotDisputes", b, "convict", 1, root, b) == (b,)
    assert ready.refused("NoSuchProposal", disputes, "convict", 1, HASH, a) == (1, HASH)
    before = ready.model.balances()
    event = one(ready.convict(1, root, b), "Convicted")
    assert event == {"round": 1, "proposer": a, "challenger": b, "root": root, "bounty": 125}
    assert ready.model.owed(b) == 125
    assert ready.model.balances().burned - before.burned == 126
    assert ready.phase(1) == "AGGREGATE"
    assert ready.model.round_view(1).phase_start == ready.model.now


def test_the_oldest_survivor_wins_and_the_others_get_their_bonds_back(ready: Play) -> None:
    a, b, c, d, *_ = ready.actors
    wrong = ready.propose(1, a, 0)
    right = ready.propose(1, b, 1)
    second = ready.model.now
    ready.propose(1, c, 2)
    ready.convict(1, wrong, d)
    assert ready.end_of_phase(1) == second + 52, "a window of its own, from its own completion"
    events = ready.at(second + 52).do(d, "settle", d)
    assert one(events, "RoundFinalized")["root"] == right
    returned = [(e.args["proposer"], e.args["amount"]) for e in events if e.name == "BondReturned"]
    assert returned == [(b, 251)], "the winner's; a loser's comes with its own next call"
    assert names(ready.do(c, "claim")) == ["Rewarded", "BondReturned", "Claimed"]


def test_a_survivor_has_its_own_window_after_a_late_conviction(ready: Play) -> None:
    a, b, c, *_ = ready.actors
    wrong = ready.propose(1, a, 0)
    end = ready.end_of_phase(1)
    right = ready.at(ready.model.now + 1).propose(1, b, 1)
    ready.at(end - 1).convict(1, wrong, c)
    assert ready.phase(1, end + 2) == "CHALLENGE" and ready.phase(1, end + 3) == "FINAL"
    assert ready.deployed.view("latest_final", at=end + 3) == (1, right)


def next_round(play: Play, named: dict[str, bytes]) -> int:
    """Commits of round 2 that name these priors, and its Train to the end; returns that."""
    for client, prior in named.items():
        play.commits(2, client, prior=prior)
    r = play.model.rounds[2]
    return r.train_end


def test_all_who_committed_upon_it_make_a_proposal_final_after_the_minimum(ready: Play) -> None:
    a, b, c, *_ = ready.actors
    root = ready.propose(1, a)
    proposed = ready.model.now
    train_end = next_round(ready, {a: root, b: root, c: root})
    assert train_end < proposed + 20
    assert ready.phase(1, proposed + 19) == "CHALLENGE" and ready.phase(1, proposed + 20) == "FINAL"
    assert ready.phase(2, proposed + 20) == "REVEAL"
    assert ready.model.round_view(1).phase_end == proposed + 50, "the window is what it promises"


def test_two_thirds_of_the_weight_are_enough_and_silence_does_not_block(chain: Anvil) -> None:
    play = Play(Deployed(chain, replace(CONFIG, train_length=30)), actors=7)
    a, b, *_ = clients = play.start()
    play.to_aggregate(1, clients)
    root = play.propose(1, a)
    proposed = play.model.now
    train_end = next_round(play, {a: root, b: root})
    assert train_end > proposed + 20
    assert play.phase(1, train_end - 1) == "CHALLENGE" and play.phase(1, train_end) == "FINAL"
    play.close()


@pytest.mark.parametrize(("weight", "early"), [(100, True), (99, False)])
def test_just_two_thirds_of_the_weight(chain: Anvil, weight: int, early: bool) -> None:
    """a and b stand for 200 of 300, or for 199 of 299."""
    play = Play(Deployed(chain, replace(CONFIG, train_length=30)), actors=7)
    weights = dict(zip(play.start(), (100, weight, 100), strict=True))
    for advance in (play.commits, play.reveals):
        for client, examples in weights.items():
            advance(1, client, examples=examples)
    play.attests(1, *weights)
    a, b, _ = weights
    root = play.propose(1, a)
    train_end = next_round(play, {a: root, b: root})
    assert (play.phase(1, train_end) == "FINAL") is early
    play.close()


@pytest.mark.parametrize("case", ["dissent", "too light", "nobody"])
def test_anything_less_means_the_full_window(chain: Anvil, case: str) -> None:
    play = Play(Deployed(chain, replace(CONFIG, train_length=30)), actors=7)
    a, b, c, *_ = clients = play.start()
    play.to_aggregate(1, clients)
    root = play.propose(1, a)
    proposed = play.model.now
    if case == "nobody":
        play.do(a, "open")
    else:
        next_round(play, {a: root, b: root, c: HASH} if case == "dissent" else {a: root})
    assert play.phase(1, proposed + 49) == "CHALLENGE" and play.phase(1, proposed + 50) == "FINAL"
    play.close()


def test_the_survivor_of_a_conviction_can_be_final_early_too(chain: Anvil) -> None:
    play = Play(Deployed(chain, replace(CONFIG, train_length=30, challenge_length=1_000)), actors=7)
    a, b, c, d, *_ = clients = [*play.start(), play.actors[3]]
    play.to_aggregate(1, clients[:3])
    wrong = play.propose(1, d, 0)
    right = play.propose(1, a, 1)
    train_end = next_round(play, {a: right, b: right, c: right})
    assert play.phase(1, train_end + 500) == "CHALLENGE", "the older, wrong one stands in the way"
    play.at(play.model.now + 300).convict(1, wrong, b)
    assert play.phase(1) == "FINAL", "from the moment of the conviction"
    assert play.model.status(1).start == play.model.now
    play.close()


def test_the_shorter_window_too_is_a_case_longer_for_each_proposal_before(ready: Play) -> None:
    a, b, c, *_ = ready.actors
    older, younger = ready.propose(1, a, 0), ready.propose(1, b, 1)
    proposed = ready.model.now
    next_round(ready, {a: younger, b: younger, c: younger})
    ready.at(proposed + 20).convict(1, older, c)
    assert ready.phase(1, proposed + 21) == "CHALLENGE" and ready.phase(1, proposed + 22) == "FINAL"


def test_convictions_and_proposals_may_go_on(ready: Play) -> None:
    """Back to Aggregate after the last live one; abandonment counts from the last conviction."""
    a, b, c, *_ = ready.actors
    wrong = ready.propose(1, a, 0)
    ready.at(ready.model.now + 40).convict(1, wrong, c)
    convicted = ready.model.now
    assert ready.at(convicted + 299).refused("NotAbandoned", a, "abandon", 1) == (1,)
    right = ready.at(convicted + 400).propose(1, b, 1)  # late, but nobody had given up
    assert ready.refused("NotAbandoned", a, "abandon", 1) == (1,)
    ready.at(ready.end_of_phase(1)).do(a, "settle", a)
    assert ready.model.latest_final() == (1, right)


# -------------------------------------------------------------------- payouts


def test_the_reward_is_split_by_weight_and_the_dust_returns(ready: Play) -> None:
    a, b, _, proposer, *_ = ready.actors
    pool = ready.model.balances().pool
    ready.propose(1, proposer)
    events = ready.at(ready.model.now + 50).do(a, "claim")
    assert one(events, "RoundFinalized") == {
        "round": 1,
        "aggregator": proposer,
        "root": global_root(0, 2),
        "at": ready.model.now,
        "aggregator_reward": 100,
        "client_rewards": 903,
        "returned_to_pool": 1,
    }
    assert one(events, "Claimed")["amount"] == 301
    assert ready.model.balances().pool == pool + 1
    assert ready.model.owed(proposer) == 100 + 251
    assert ready.model.owed(b) == 0, "computed when b's account is settled"
    assert one(ready.do(proposer, "settle", b), "Rewarded")["amount"] == 301


def test_no_attestation_and_no_acceptance_mean_no_share(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a, b, c)
    play.reveals(1, a, b, c)
    play.attests(1, a, bitmap=0b011)
    play.attests(1, b, bitmap=0b011)
    play.at(play.end_of_phase(1)).propose(1, a)
    events = play.at(play.model.now + 50).together(*(Call(x, "settle", (x,)) for x in (a, b, c)))
    assert one(events, "RoundFinalized")["client_rewards"] == 602
    assert [e.args["client"] for e in events if e.name == "Rewarded"] == [a, b]
    assert one(events, "Penalized")["reason"].name == "NOT_ATTESTED"


def test_one_accepted_that_did_not_attest_forfeits_its_share(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a, b, c)
    play.reveals(1, a, b, c)
    play.attests(1, a, b)
    play.at(play.end_of_phase(1)).propose(1, a)
    assert play.model.round_view(1).accepted_mask == 0b111
    events = play.at(play.model.now + 50).together(*(Call(x, "settle", (x,)) for x in (a, b, c)))
    assert one(events, "RoundFinalized")["returned_to_pool"] == 302


def test_at_most_three_penalties_between_two_moments_of_a_full_stake(play: Play) -> None:
    """c commits in three rounds in a row and pays for each of them, though the first one suspends it."""
    [a, b, c] = play.start()
    play.commits(1, a, b, c)
    play.reveals(1, a, b)
    play.at(play.end_of_phase(1)).attests(1, a, b)
    root = play.propose(1, a)
    play.commits(2, a, b, c, prior=root)  # by c too, before round 1 is settled
    play.at(play.model.now + 60).reveals(2, a, b)
    play.at(play.end_of_phase(2)).attests(2, a, b)
    second = play.propose(2, a, 1)
    play.do(a, "open")
    assert names(play.commits(3, c, prior=second)) == ["Penalized", "Suspended", "Committed"]
    assert play.model.seat(c).active_until == 4
    play.commits(3, a, b, prior=second)
    play.at(play.model.now + 60).reveals(3, a, b)
    play.at(play.end_of_phase(3)).attests(3, a, b)
    play.propose(3, a, 2)
    events = play.at(play.model.now + 50).do(c, "settle", c)
    assert names(events).count("Penalized") == 2
    assert play.model.seat(c).stake == 100
