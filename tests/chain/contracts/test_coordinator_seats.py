"""Seats and money, clause by clause of docs/protocol.md; each call runs on the model and on the contract."""

from __future__ import annotations

from support.contract_and_model import TOKENS, Play, names, one
from support.federation import Call

SEATED = 2**32 - 1


def test_join_takes_the_stake_and_counts_from_the_next_unopened_round(play: Play) -> None:
    [a, b, c] = play.start()
    assert play.model.wallets[a] == TOKENS - 400
    play.commits(1, a)
    events = play.do(play.actors[3], "join", 1_000)
    assert one(events, "Joined") == {"client": play.actors[3], "active_from": 2, "stake": 1_000}
    assert play.refused("NotActive", play.actors[3], "commit", 1, play.prior(1), b"\1" * 32) == (play.actors[3], 1)
    assert play.model.round_view(1).active == 3
    play.commits(1, b, c)
    assert play.phase(1) == "REVEAL", "the newcomer does not hold the round up"


def test_join_refuses(play: Play) -> None:
    *_, newcomer, other = play.actors
    assert play.refused("StakeTooLow", newcomer, "join", 399) == (399, 400)
    assert play.refused("ERC20InsufficientBalance", newcomer, "join", TOKENS + 1)[1:] == (TOKENS, TOKENS + 1)
    clients = play.start(members=5)
    assert play.refused("AlreadySeated", clients[0], "join", 400) == (clients[0],)
    assert play.refused("FederationFull", newcomer, "join", 400) == (5,)
    play.do(clients[0], "exit")
    play.do(newcomer, "join", 400)
    assert play.refused("FederationFull", other, "join", 400) == (5,)
    assert play.refused("WithdrawFirst", clients[0], "join", 400) == (clients[0],)


def test_exit_counts_from_the_next_unopened_round(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a)
    assert one(play.do(b, "exit"), "Exited")["active_until"] == 2
    assert play.model.active_count() == 2
    play.commits(1, b, c)
    assert play.phase(1) == "REVEAL", "one that left takes part to the end"
    play.reveals(1, a, b, c)
    play.attests(1, a, b, c)
    assert play.refused("NotActive", b, "commit", 2, play.prior(2), b"\1" * 32) == (b, 2)
    assert play.refused("NotSeated", b, "exit") == (b,)
    assert play.refused("NotSeated", b, "add_stake", 1) == (b,)


def test_withdraw_waits_for_what_is_pending(play: Play) -> None:
    [a, b, c] = play.start()
    assert play.refused("NotExited", a, "withdraw") == (a,)
    play.commits(1, a, b, c)
    play.do(a, "exit")
    assert play.refused("StillPending", a, "withdraw") == (a, 1)
    play.reveals(1, a, b, c)
    play.attests(1, a, b, c)
    play.propose(1, b)
    assert play.refused("StillPending", a, "withdraw") == (a, 1)
    events = play.at(play.model.now + 100).do(a, "withdraw")
    assert names(events) == ["RoundFinalized", "BondReturned", "Rewarded", "Withdrawn"]
    assert play.model.wallets[a] == TOKENS
    assert play.refused("NotExited", a, "withdraw") == (a,)
    play.do(a, "join", 400)
    assert play.model.seat(a).active_from == 2


def test_one_that_withdrew_cannot_commit_without_stake(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a)
    play.do(b, "exit")
    play.do(b, "withdraw")
    assert play.refused("NotActive", b, "commit", 1, play.prior(1), b"\1" * 32) == (b, 1)
    play.do(b, "join", 400)
    assert play.refused("NotActive", b, "commit", 1, play.prior(1), b"\1" * 32) == (b, 1)
    play.commits(1, c)
    assert play.phase(1) == "TRAIN", "the number of active clients is fixed: the round ends by the clock"


def penalized(play: Play) -> list[str]:
    """a, b, c with one penalty on c; round 1 is final, round 2 not open."""
    [a, b, c] = clients = play.start()
    play.commits(1, *clients)
    play.reveals(1, a, b)
    play.at(play.end_of_phase(1)).attests(1, a, b)
    play.propose(1, a)
    events = play.at(play.model.now + 50).do(a, "settle", c)
    assert one(events, "Penalized")["client"] == c
    assert one(events, "Suspended") == {"client": c, "active_until": 2, "stake": 300}
    return clients


def test_a_penalty_that_leaves_too_little_suspends_until_stake_is_added(play: Play) -> None:
    [a, b, c] = penalized(play)
    assert play.model.active_count() == 2 and c in play.model.clients()
    assert play.refused("NotActive", c, "commit", 2, play.prior(2), b"\1" * 32) == (c, 2)
    assert names(play.do(c, "add_stake", 99)) == ["StakeAdded"]
    play.commits(2, a)
    events = play.do(c, "add_stake", 1)
    assert one(events, "Reactivated") == {"client": c, "active_from": 3, "stake": 400}
    assert play.refused("NotActive", c, "commit", 2, play.prior(2), b"\1" * 32) == (c, 2)
    play.commits(2, b)
    assert play.phase(2) == "REVEAL"


def test_a_suspension_that_missed_no_round_leaves_activity_unbroken(play: Play) -> None:
    [a, b, c] = clients = play.start()
    play.commits(1, *clients)
    play.reveals(1, a, b)
    play.at(play.end_of_phase(1)).attests(1, a, b)
    root = play.propose(1, a)
    play.commits(2, a, b, prior=root)
    play.at(play.model.now + 55).do(a, "settle", c)  # round 1 is final, c pays while it is active in round 2
    assert play.model.seat(c).active_until == 3
    assert one(play.do(c, "add_stake", 100), "Reactivated")["active_from"] == 1
    play.commits(2, c)
    assert play.phase(2) == "REVEAL"


def test_one_under_suspension_may_leave_and_gets_the_rest(play: Play) -> None:
    [_, _, c] = penalized(play)
    assert one(play.do(c, "exit"), "Exited")["active_until"] == 2
    assert play.model.active_count() == 2
    assert one(play.do(c, "withdraw"), "Withdrawn")["stake"] == 300


def test_drop_needs_two_final_rounds_without_a_commit(play: Play) -> None:
    [a, b, c, d] = play.start(members=4)
    for number in (1, 2):
        assert play.refused("NotDroppable", a, "drop", c) == (c,)
        play.commits(number, a, b, *([d] if number == 1 else []))
        play.at(play.end_of_phase(number)).reveals(number, a, b, *([d] if number == 1 else []))
        play.attests(number, a, b, *([d] if number == 1 else []))
        play.propose(number, a, label=number)
        play.at(play.model.now + 50).do(a, "settle", a)
    assert play.refused("NotDroppable", b, "drop", d) == (d,)
    assert play.refused("NotSeated", b, "drop", play.actors[5]) == (play.actors[5],)
    events = play.do(play.actors[5], "drop", c)
    assert one(events, "Dropped") == {"client": c, "by": play.actors[5], "active_until": 3}
    assert c not in play.model.clients() and play.model.active_count() == 3
    assert play.refused("NotSeated", b, "drop", c) == (c,)
    assert one(play.do(c, "withdraw"), "Withdrawn")["stake"] == 400, "dropping costs a seat, not a stake"


def test_drop_spares_newcomers_and_those_who_came_back(play: Play) -> None:
    [a, b, c] = play.start()
    newcomer = play.actors[3]
    for number in (1, 2):
        play.commits(number, a, b)
        play.do(newcomer, "join", 400) if number == 1 else None
        play.at(play.end_of_phase(number)).reveals(number, a, b)
        play.attests(number, a, b)
        play.propose(number, a, label=number)
        play.at(play.model.now + 50).do(a, "settle", a)
    assert play.refused("NotDroppable", a, "drop", newcomer) == (newcomer,)
    play.commits(3, c)
    assert play.refused("NotDroppable", a, "drop", c) == (c,)


def test_drop_frees_the_seat_of_one_suspended_that_does_not_come_back(play: Play) -> None:
    [a, b, c] = penalized(play)
    for number in (2, 3):
        play.to_final(number, [a, b], label=number)
    events = play.do(a, "drop", c)
    assert one(events, "Dropped")["active_until"] == 2
    assert play.model.active_count() == 2


def test_close_ends_openings_and_returns_the_free_pool(play: Play) -> None:
    [a, b, c] = play.start()
    play.commits(1, a)
    assert play.refused("NotSponsor", a, "close") == (a,)
    free = 3 * play.config.round_reward
    assert one(play.do(play.sponsor, "close"), "Closed")["returned_to_sponsor"] == free
    play.commits(1, b, c)
    play.reveals(1, a, b, c)
    play.attests(1, a, b, c)
    play.propose(1, a)
    assert play.refused("FederationClosed", a, "open") == ()
    assert play.refused("FederationClosed", a, "fund", 1) == ()
    assert play.refused("FederationClosed", play.actors[5], "join", 400) == ()
    play.at(play.model.now + 50).do(a, "claim")
    dust = play.model.balances().pool
    assert dust > 0, "the running round is paid, its dust is in the pool"
    assert one(play.do(play.sponsor, "close"), "Closed")["returned_to_sponsor"] == dust
    assert one(play.do(play.sponsor, "claim"), "Claimed")["amount"] == free + dust


def test_amounts_of_nothing_are_refused(play: Play) -> None:
    [a, *_] = play.start()
    play.refused("ZeroAmount", a, "fund", 0)
    play.refused("ZeroAmount", a, "add_stake", 0)
    assert play.refused("NothingOwed", a, "claim") == (a,)


def test_settle_on_a_stranger_does_nothing(play: Play) -> None:
    play.start()
    assert play.do(play.actors[6], "settle", play.actors[5]) == []


def test_everybody_leaves_with_everything_but_the_burned(play: Play) -> None:
    clients = penalized(play)
    calls = [Call(c, name) for c in clients for name in ("exit", "withdraw")]
    play.together(*calls, Call(play.sponsor, "close"))
    play.together(*(Call(x, "claim") for x in [*clients[:2], play.sponsor]))
    assert play.model.wallets[play.model.address] == play.model.balances().burned == 100
