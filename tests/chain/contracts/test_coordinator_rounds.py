"""Opening, Train, Reveal, Attest, by the clauses of docs/protocol.md; every call on model and contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fedprotocol.hashes import inputs_genesis, inputs_step
from fedprotocol.types import Phase
from support.contract_and_model import Play, names, one
from support.evm import Anvil
from support.federation import CONFIG, Call, Deployed
from support.histories import digests

ZERO = bytes(32)
HASH = b"\1" * 32


# -------------------------------------------------------------------- opening


def test_opening_reserves_the_reward_and_fixes_the_active(play: Play) -> None:
    play.start()
    [event] = play.do(play.actors[6], "open")
    assert event.args == {"round": 1, "active": 3, "reserved": 1_004, "train_end": play.model.now + 100}
    assert play.model.balances().reserved == 1_004
    assert play.refused("RoundNotOpenable", play.actors[6], "open") == (2,)


def test_opening_refuses(play: Play) -> None:
    a, b, *_ = play.actors
    play.do(a, "join", 400)
    assert play.refused("TooFewActive", a, "open") == (1, 2)
    play.do(b, "join", 400)
    assert play.refused("PoolTooLow", a, "open") == (0, 1_004)
    play.do(a, "fund", 1_003)
    assert play.refused("PoolTooLow", a, "commit", 1, play.prior(1), HASH) == (1_003, 1_004)
    assert play.refused("WrongPhase", a, "commit", 2, play.prior(1), HASH) == (2, Phase.TRAIN, Phase.NONE)
    assert play.refused("WrongPhase", a, "commit", 0, play.prior(1), HASH) == (0, Phase.TRAIN, Phase.NONE)


def test_the_next_round_opens_once_the_inputs_are_fixed(play: Play) -> None:
    clients = play.start()
    play.commits(1, *clients)
    for advance in (play.reveals, play.attests):
        assert play.refused("RoundNotOpenable", clients[0], "open") == (2,)
        advance(1, *clients)
    play.do(clients[0], "open")
    assert play.model.round_view(2).prior_root == ZERO
    assert play.refused("RoundNotOpenable", clients[0], "open") == (3,)


def test_a_federation_is_complete_when_its_rounds_are_final_or_under_way(chain: Anvil) -> None:
    play = Play(Deployed(chain, replace(CONFIG, total_rounds=2)), actors=7)
    clients = play.start()
    play.to_final(1, clients)
    play.to_aggregate(2, clients)
    assert play.refused("FederationComplete", clients[0], "open") == ()
    play.at(play.model.now + 301).do(clients[0], "abandon", 2)
    play.to_final(3, clients, label=1)  # a void round uses up none
    assert play.refused("FederationComplete", clients[0], "open") == ()
    assert play.refused("FederationComplete", clients[0], "fund", 1) == ()
    assert play.refused("FederationComplete", play.actors[5], "join", 400) == ()
    play.close()


# ---------------------------------------------------------------------- train


def test_train_is_open_from_its_start_to_before_its_end(play: Play) -> None:
    [a, b, _] = play.start()
    play.commits(1, a)
    end = play.end_of_phase(1)
    assert play.phase(1, end - 1) == "TRAIN"
    play.at(end - 1).commits(1, b)
    assert play.at(end).refused("WrongPhase", b, "commit", 1, play.prior(1), HASH) == (1, Phase.TRAIN, Phase.REVEAL)
    assert play.phase(1, end + 79) == "REVEAL"
    assert play.phase(1, end + 80) == "VOID TOO_FEW_REVEALS"


def test_all_who_can_act_end_a_phase_within_one_block(play: Play) -> None:
    """Train, Reveal, Attest and a proposal in a single block: later calls see the next phase."""
    [a, b] = play.start(members=2)
    m = play.model
    hashes = {}
    for c in (a, b):
        root, shift, n, salt = play.opening(1, c, 100)
        hashes[c] = play.commit_hash(1, c, play.prior(1), root, shift, n, salt)
    roots = {c: play.opening(1, c, 100)[0] for c in (a, b)}
    inputs = inputs_genesis(m.chain_id, m.address, 1, play.prior(1))
    for index, c in enumerate((a, b)):
        inputs = inputs_step(inputs, index, c, roots[c], 12, 100)
    events = play.together(
        *(Call(c, "commit", (1, play.prior(1), hashes[c])) for c in (a, b)),
        *(play.reveal(1, c) for c in (a, b)),
        *(Call(c, "attest", (1, inputs, 3)) for c in (a, b)),
        Call(a, "propose", (1, inputs, 0b11, 0, digests(0, 2))),
    )
    assert names(events)[-1] == "Proposed"
    assert play.phase(1) == "CHALLENGE"
    assert play.model.round_view(1).inputs_hash == inputs


def test_a_commit_may_be_replaced(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a, b)
    play.do(a, "commit", 1, play.prior(1), HASH)
    view = play.model.round_view(1)
    assert (view.committed, view.matching) == (2, 2)
    play.commits(1, c)
    given, committed = play.refused("CommitMismatch", a, "reveal", *play.reveal(1, a).args)
    assert given != committed == HASH


def test_commits_refuse(play: Play) -> None:
    [a, *_] = play.start()
    assert play.refused("ZeroHash", a, "commit", 1, play.prior(1), ZERO) == ()
    assert play.refused("ZeroRoot", a, "commit", 1, ZERO, HASH) == ()
    assert play.refused("WrongPrior", a, "commit", 1, HASH, HASH) == (HASH, play.config.genesis_root)
    stranger = play.actors[6]
    assert play.refused("NotActive", stranger, "commit", 1, play.prior(1), HASH) == (stranger, 1)
    assert play.model.last_opened() == 0, "a refused commit opens nothing"


def test_too_few_commits_void_the_round_and_cost_nobody(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a)
    end = play.end_of_phase(1)
    assert play.phase(1, end) == "VOID TOO_FEW_COMMITS"
    [event] = play.at(end + 7).do(b, "settle", a)
    assert event.args["at"] == end and event.args["returned_to_pool"] == 1_004
    assert play.model.seat(a).stake == 400
    play.commits(2, a, b, c)
    assert play.model.round_view(2).prior_root == play.config.genesis_root


def test_a_round_waits_for_the_root_of_the_one_before(play: Play) -> None:
    [a, b, c] = clients = play.start()
    play.to_aggregate(1, clients)
    root = play.propose(1, a)
    proposed = play.model.now
    play.commits(2, a, b, prior=root)
    play.commits(2, c, prior=HASH)  # any prior, while it is not known
    assert play.phase(2) == "WAITING"
    assert play.phase(2, proposed + 49) == "WAITING"
    assert play.phase(2, proposed + 50) == "REVEAL"
    play.at(proposed + 60).reveals(2, a, b)  # Reveal began at + 50; the two matching ones end it
    assert play.model.round_view(2).matching == 2
    play.attests(2, a, b)
    play.at(play.model.now + 301).do(c, "abandon", 2)
    play.do(c, "settle", c)
    assert play.model.seat(c).stake == 300, "the wrong prior costs a penalty"
    assert play.model.seat(a).stake == 400


def test_a_wrong_prior_can_be_put_right_once_the_prior_is_known(play: Play) -> None:
    [a, b, c] = clients = play.start()
    play.to_aggregate(1, clients)
    root = play.propose(1, a)
    proposed = play.model.now
    play.commits(2, c, prior=HASH)
    play.at(proposed + 51)
    assert play.refused("WrongPrior", c, "commit", 2, HASH, HASH) == (HASH, root)
    play.commits(2, c, a, b, prior=root)
    assert play.phase(2) == "REVEAL" and play.model.round_view(2).matching == 3


def test_an_abandoned_round_takes_its_successor_with_it_without_penalties(play: Play) -> None:
    [a, b, c] = clients = play.start()
    play.to_aggregate(1, clients)
    start = play.model.now
    play.commits(2, a, prior=HASH)
    assert play.at(start + 299).refused("NotAbandoned", b, "abandon", 1) == (1,)
    assert play.refused("NotAbandoned", b, "abandon", 2) == (2,)
    events = play.at(start + 301).do(b, "abandon", 1)
    assert [(e.args["round"], e.args["reason"].name) for e in events] == [(1, "ABANDONED"), (2, "PRIOR_VOID")]
    assert play.refused("NotAbandoned", b, "abandon", 1) == (1,)
    assert names(play.do(a, "settle", a)) == []
    assert [play.model.seat(x).stake for x in (a, b, c)] == [400] * 3
    assert play.model.balances().pool == 4 * 1_004
    play.commits(3, a, b, c)
    assert play.model.round_view(3).prior_root == play.config.genesis_root


# --------------------------------------------------------------------- reveal


@pytest.mark.parametrize(("examples", "weight"), [(1, 1), (199, 199), (200, 200), (201, 200), (2**32 - 1, 200)])
def test_weight_is_what_the_stake_carries(play: Play, examples: int, weight: int) -> None:
    [a, b] = play.start(members=2)
    play.commits(1, a, b, examples=examples)
    event = one(play.reveals(1, a, examples=examples), "Revealed")
    assert (event["index"], event["weight"], event["examples"]) == (0, weight, examples)


def test_weight_is_below_two_to_the_twentieth(play: Play) -> None:
    [a, b] = play.start(members=2)
    play.do(a, "add_stake", 10**8)
    play.commits(1, a, b, examples=2**32 - 1)
    assert one(play.reveals(1, a, examples=2**32 - 1), "Revealed")["weight"] == 2**20 - 1


def test_stake_that_comes_after_the_commit_buys_no_weight(play: Play) -> None:
    """Else the last to reveal would see all others' weights and buy two thirds."""
    [*honest, late, later] = play.start(members=5)
    play.commits(1, *honest)
    play.commits(1, late, later, examples=2**32 - 1)
    play.reveals(1, *honest)
    play.together(*(Call(c, "add_stake", (10_000,)) for c in (late, later)))
    play.reveals(1, late, later, examples=2**32 - 1)
    assert [u.weight for u in play.model.updates(1)] == [100, 100, 100, 200, 200]


def test_a_commit_made_anew_is_backed_by_the_stake_of_then(play: Play) -> None:
    [a, b] = play.start(members=2)
    play.commits(1, a, examples=1_000)
    assert play.model.commitment(1, a).backed == 200
    play.do(a, "add_stake", 800)
    play.commits(1, a, b, examples=1_000)
    assert play.model.commitment(1, a).backed == 600
    assert one(play.reveals(1, a, examples=1_000), "Revealed")["weight"] == 600


def test_a_penalty_between_commit_and_reveal_takes_its_weight(play: Play) -> None:
    [a, b, c] = clients = play.start()
    play.commits(1, *clients)
    play.reveals(1, *clients)
    play.attests(1, a, b)
    root = play.at(play.end_of_phase(1)).propose(1, a)
    play.commits(2, *clients, prior=root, examples=1_000)
    play.at(play.end_of_phase(1)).reveals(2, a, b, examples=1_000)
    event = one(play.reveals(2, c, examples=1_000), "Revealed")
    assert play.model.commitment(2, c).backed == 200 and event["weight"] == 150


@pytest.mark.parametrize("failing", ["reveal", "attest", "garbage"])
def test_one_small_client_voids_no_round(chain: Anvil, failing: str) -> None:
    """Three must commit; whatever the smallest of them fails to do then, the others' weight decides."""
    play = Play(Deployed(chain, replace(CONFIG, min_clients=3)), actors=3)
    a, b, small = clients = play.start()
    for client in (a, b):
        play.do(client, "add_stake", 800)
    play.commits(1, *clients)
    revealers = (a, b) if failing == "reveal" else clients
    play.reveals(1, *revealers)
    if failing == "reveal":
        play.at(play.end_of_phase(1))
    attesters = revealers if failing == "garbage" else (a, b)
    bitmap = 0b011
    for client in attesters:
        play.attests(1, client, bitmap=0b100 if client == small else bitmap)
    if failing == "attest":
        play.at(play.end_of_phase(1))
    root = play.propose(1, a)
    play.at(play.end_of_phase(1)).do(a, "settle", small)
    assert play.model.latest_final() == (1, root)
    play.close()


def test_two_thirds_of_what_the_commits_back_must_be_revealed(play: Play) -> None:
    a, b, c = play.start()
    play.do(c, "add_stake", 2)  # 201 of 601: more than a third
    play.commits(1, a, b, c)
    play.reveals(1, a, b)
    end = play.end_of_phase(1)
    assert play.phase(1, end) == "VOID TOO_FEW_REVEALS"


def test_just_two_thirds_of_what_the_commits_back(play: Play) -> None:
    a, b, c = play.start()
    play.commits(1, a, b, c)
    play.reveals(1, a, b)
    assert play.phase(1, play.end_of_phase(1)) == "ATTEST"


def test_the_last_matching_reveal_ends_the_phase_and_the_inputs_hash_runs_over_all(play: Play) -> None:
    clients = play.start()
    play.commits(1, *clients)
    assert play.deployed.view("round_view", 1).inputs_hash == bytes(32)
    start = inputs_genesis(play.model.chain_id, play.model.address, 1, play.prior(1))
    for index, c in enumerate(clients):
        event = one(play.reveals(1, c), "Revealed")
        start = inputs_step(start, index, c, play.opening(1, c, 100)[0], 12, 100)
        assert event["inputs_hash"] == start
    assert play.phase(1) == "ATTEST"


def test_reveals_refuse(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a)
    assert play.refused("WrongPhase", a, "reveal", *play.reveal(1, a).args)[2] == Phase.TRAIN
    play.commits(1, b)
    play.at(play.end_of_phase(1)).reveals(1, a)
    assert play.refused("AlreadyRevealed", a, "reveal", *play.reveal(1, a).args) == (a, 1)
    assert play.refused("NoCommit", c, "reveal", *play.reveal(1, c).args) == (c, 1)
    assert play.refused("CommitMismatch", b, "reveal", *play.reveal(1, b, examples=101).args)
    assert play.refused("CommitMismatch", b, "reveal", *play.reveal(1, a).args)
    play.reveals(1, b)
    assert play.refused("WrongPhase", b, "reveal", *play.reveal(1, b).args)[2] == Phase.ATTEST


@pytest.mark.parametrize(
    ("root", "shift", "examples", "error"),
    [
        (HASH, 24, 1, "ShiftTooLarge"),
        (HASH, 255, 1, "ShiftTooLarge"),
        (ZERO, 0, 1, "ZeroRoot"),
        (HASH, 0, 0, "ZeroWeight"),
    ],
)
def test_an_unusable_update_cannot_be_revealed(play: Play, root: bytes, shift: int, examples: int, error: str) -> None:
    [a, b] = play.start(members=2)
    hash_ = play.commit_hash(1, a, play.prior(1), root, shift, examples, ZERO)
    play.do(a, "commit", 1, play.prior(1), hash_)
    play.commits(1, b)
    play.refused(error, a, "reveal", 1, root, shift, examples, ZERO, 0, 0)


def test_the_greatest_shift_is_accepted(play: Play) -> None:
    [a, b] = play.start(members=2)
    hash_ = play.commit_hash(1, a, play.prior(1), HASH, 23, 1, ZERO)
    play.do(a, "commit", 1, play.prior(1), hash_)
    play.commits(1, b)
    assert one(play.do(a, "reveal", 1, HASH, 23, 1, ZERO, 2**64 - 1, 0), "Revealed")["loss_before"] == 2**64 - 1


def test_too_few_reveals_void_the_round_and_cost_those_who_did_not(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a, b, c)
    play.reveals(1, a)
    end = play.end_of_phase(1)
    events = play.at(end + 1).together(*(Call(x, "settle", (x,)) for x in (a, b, c)))
    assert one(events, "RoundVoided")["at"] == end
    assert [e.args["client"] for e in events if e.name == "Penalized"] == [b, c]
    assert [play.model.seat(x).stake for x in (a, b, c)] == [400, 300, 300]
    assert play.refused("TooFewActive", a, "open") == (1, 2)


# --------------------------------------------------------------------- attest


def revealed(play: Play, members: int = 3, weights: tuple[int, ...] = (100, 100, 100)) -> list[str]:
    """Round 1 at the start of Attest; the clients have these weights and indices in order."""
    clients = play.start(members)
    m = play.model
    for c, n in zip(clients, weights, strict=True):
        hash_ = play.commit_hash(1, c, play.prior(1), *play.opening(1, c, n))
        play.do(c, "commit", 1, play.prior(1), hash_)
    for c, n in zip(clients, weights, strict=True):
        play.reveals(1, c, examples=n)
    assert m.round_view(1).phase == Phase.ATTEST
    return clients


def test_attests_refuse(play: Play) -> None:
    [a, *_] = revealed(play)
    inputs = play.model.round_view(1).inputs_hash
    stranger = play.actors[6]
    assert play.refused("NotRevealed", stranger, "attest", 1, inputs, 1) == (stranger, 1)
    assert play.refused("WrongInputs", a, "attest", 1, HASH, 1) == (HASH, inputs)
    assert play.refused("BitmapOutOfRange", a, "attest", 1, inputs, 8) == (8, 3)
    assert play.refused("BitmapOutOfRange", a, "attest", 1, inputs, 2**256 - 1) == (2**256 - 1, 3)
    play.attests(1, a)
    assert play.refused("AlreadyAttested", a, "attest", 1, inputs, 7) == (a, 1)
    assert play.refused("WrongPhase", a, "attest", 2, inputs, 7)[2] == Phase.NONE


def test_weights_vote_and_ones_own_bit_is_counted_once(play: Play) -> None:
    [a, b, c] = revealed(play, weights=(100, 50, 10))
    play.attests(1, a, bitmap=0b001)
    play.attests(1, b, bitmap=0b000)
    play.attests(1, c, bitmap=0b101)
    assert [u.yes for u in play.model.updates(1)] == [110, 50, 10]
    assert play.phase(1) == "VOID TOO_FEW_ACCEPTED"
    assert play.model.round_view(1).accepted_mask == 0, "110 of 160 vouch for the first, which holds 100 of 160"


def test_who_votes_the_others_out_does_not_have_the_round_alone(play: Play) -> None:
    """Two with 34 of 100 vote against two honest ones, who vote for all."""
    [a, b, c, d] = revealed(play, 4, weights=(33, 33, 17, 17))
    play.attests(1, a, b)
    play.attests(1, c, d, bitmap=0b1100)
    assert [u.yes for u in play.model.updates(1)] == [66, 66, 100, 100]
    assert play.phase(1) == "VOID TOO_FEW_ACCEPTED"
    assert play.model.round_view(1).accepted_mask == 0


@pytest.mark.parametrize(
    ("weights", "accepted"), [((100, 100, 1), False), ((100, 99, 1), False), ((100, 100, 100), True)]
)
def test_two_thirds_of_the_revealed_weight_accept(play: Play, weights: tuple[int, ...], accepted: bool) -> None:
    """a and c vouch for all, b says nothing: its own update and theirs have yes = W - w_b and all."""
    [a, b, c] = revealed(play, weights=weights)
    end = play.end_of_phase(1)
    play.attests(1, a, c, bitmap=0b101)
    view = play.deployed.view("round_view", 1, at=end)
    assert (view.phase == Phase.AGGREGATE) is accepted
    assert play.model.seat(b).stake == 400
    play.at(end).do(b, "settle", b)
    if not accepted:
        assert play.model.seat(b).stake == 300, "no bitmap, and Attest was over"


def test_an_update_that_nobody_else_could_fetch_is_left_out(play: Play) -> None:
    [a, b, c] = revealed(play)
    play.attests(1, a, bitmap=0b011)
    play.attests(1, b, bitmap=0b011)
    play.attests(1, c, bitmap=0b111)
    assert play.phase(1) == "AGGREGATE"
    assert play.model.round_view(1).accepted_mask == 0b011


@pytest.fixture
def crowd(chain: Anvil) -> Iterator[Play]:
    """One client is enough: the smallest federation."""
    play = Play(Deployed(chain, replace(CONFIG, min_clients=1, max_clients=1)), actors=2)
    yield play
    play.close()


def test_a_federation_of_one(crowd: Play) -> None:
    [a] = crowd.start(members=1)
    crowd.to_final(1, [a])
    events = crowd.do(a, "claim")
    assert one(events, "Claimed")["amount"] == 1_004 + 251
    assert crowd.refused("FederationFull", crowd.actors[1], "join", 400) == (1,)
