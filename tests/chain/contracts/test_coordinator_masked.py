"""A masked federation, of which only the sum of updates is seen: all members of a round deliver, or it is void."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fedprotocol.types import Phase
from support.contract_and_model import Play, names, one
from support.evm import Anvil
from support.federation import MASKED, Call, Deployed

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def deployed(chain: Anvil) -> Deployed:
    return Deployed(chain, replace(MASKED, total_rounds=4))


@pytest.fixture
def masked(deployed: Deployed) -> Iterator[Play]:
    play = Play(deployed, actors=7)
    yield play
    play.close()


def committed(play: Play, members: int = 4, weights: tuple[int, ...] = (100, 100, 100, 100)) -> list[str]:
    """Round 1 at the start of Reveal: the clients' commitments are keys, and say nothing of an update."""
    clients = play.start(members)
    play.together(*(Call(c, "commit", (1, play.prior(1), KEY)) for c in clients))
    assert len(weights) == members and play.model.round_view(1).phase == Phase.REVEAL
    return clients


def revealed(play: Play, members: int = 4, weights: tuple[int, ...] = (100, 100, 100, 100)) -> list[str]:
    """Round 1 at the start of Attest."""
    clients = committed(play, members, weights)
    play.together(*(play.reveal(1, c, n) for c, n in zip(clients, weights, strict=True)))
    return clients


def seats(play: Play) -> set[str]:
    return {c for c in play.actors if not play.model.seat(c).exited and play.model.seat(c).active_from}


def test_a_round_in_which_all_deliver_is_final(masked: Play) -> None:
    clients = revealed(masked)
    masked.attests(1, *clients)
    assert masked.model.round_view(1).accepted_mask == 0b1111
    root = masked.propose(1, masked.actors[6])
    masked.at(masked.end_of_phase(1)).do(clients[0], "settle", clients[0])
    assert masked.model.latest_final() == (1, root)
    assert masked.phase(1) == "FINAL"


def test_one_that_does_not_reveal_voids_the_round_and_loses_penalty_and_seat(masked: Play) -> None:
    [a, b, c, silent] = committed(masked)
    masked.together(*(masked.reveal(1, client) for client in (a, b, c)))
    masked.at(masked.end_of_phase(1))
    events = masked.do(masked.actors[6], "settle", silent)
    assert names(events) == ["RoundVoided", "Penalized", "Dropped"]
    assert one(events, "RoundVoided")["reason"].name == "TOO_FEW_REVEALS"
    assert one(events, "Penalized")["reason"].name == "NOT_REVEALED"
    assert one(events, "Dropped")["by"] == masked.actors[6]
    assert seats(masked) == {a, b, c}
    masked.do(a, "open")
    masked.refused("NotActive", silent, "commit", 2, masked.prior(2), KEY)
    masked.do(silent, "withdraw")


@pytest.mark.parametrize(("members", "revealing"), [(4, 1), (3, 1), (5, 2), (4, 0)])
def test_where_most_do_not_reveal_nobody_pays(masked: Play, members: int, revealing: int) -> None:
    """Their nodes refused the members, or all were too late: who keeps away from a round cannot cost others their
    seats."""
    clients = committed(masked, members, (100,) * members)
    if revealing:
        masked.together(*(masked.reveal(1, client) for client in clients[:revealing]))
    masked.at(masked.end_of_phase(1))
    events = masked.together(*(Call(c, "settle", (c,)) for c in clients))
    assert names(events) == ["RoundVoided"] and one(events, "RoundVoided")["reason"].name == "TOO_FEW_REVEALS"
    assert seats(masked) == set(clients)
    masked.together(*(Call(c, "commit", (2, masked.prior(2), KEY)) for c in clients))


def test_where_half_reveal_the_others_pay(masked: Play) -> None:
    [a, b, *silent] = clients = committed(masked)
    masked.together(*(masked.reveal(1, client) for client in (a, b)))
    masked.at(masked.end_of_phase(1))
    events = masked.together(*(Call(c, "settle", (c,)) for c in clients))
    assert [event.args["client"] for event in events if event.name == "Penalized"] == silent
    assert seats(masked) == {a, b}


@pytest.mark.parametrize(("seats_taken", "revealing"), [(5, 3), (5, 2), (4, 2)])
def test_where_a_seat_stays_away_nobody_pays(masked: Play, seats_taken: int, revealing: int) -> None:
    """A member that counts on that seat refuses, however many strangers reveal."""
    clients = masked.start(seats_taken)
    members = clients[:-1]
    masked.together(*(Call(c, "commit", (1, masked.prior(1), KEY)) for c in members))
    masked.at(masked.end_of_phase(1))
    masked.together(*(masked.reveal(1, client) for client in members[:revealing]))
    masked.at(masked.end_of_phase(1))
    events = masked.together(*(Call(c, "settle", (c,)) for c in clients))
    assert names(events) == ["RoundVoided"] and one(events, "RoundVoided")["reason"].name == "TOO_FEW_REVEALS"
    assert seats(masked) == set(clients)


def test_one_that_comes_back_is_settled_before_it_can_commit_again(masked: Play) -> None:
    """Nobody needs to take its seat in time: its own commit does."""
    [a, b, c, silent] = committed(masked)
    masked.together(*(masked.reveal(1, client) for client in (a, b, c)))
    masked.at(masked.end_of_phase(1)).do(a, "open")
    assert seats(masked) == {a, b, c, silent}
    assert masked.deployed.view("silent") == masked.model.silent() == ([], [silent])
    masked.refused("NotActive", silent, "commit", 2, masked.prior(2), KEY)
    masked.do(b, "settle", silent)
    assert seats(masked) == {a, b, c}
    assert masked.deployed.view("silent") == masked.model.silent() == ([], [])


def test_an_update_that_too_few_have_voids_the_round_and_costs_its_client_the_seat(masked: Play) -> None:
    clients = [_, absent, _, _] = revealed(masked)
    masked.attests(1, *clients, bitmap=0b1101)
    assert masked.phase(1) == "VOID TOO_FEW_ACCEPTED" and masked.model.round_view(1).accepted_mask == 0
    events = masked.together(*(Call(c, "settle", (c,)) for c in clients))
    assert one(events, "Penalized")["client"] == absent
    assert one(events, "Penalized")["reason"].name == "NOT_ACCEPTED"
    assert seats(masked) == set(clients) - {absent}


def test_a_heavy_client_that_does_not_vote_keeps_others_from_acceptance_and_loses_its_seat(masked: Play) -> None:
    [heavy, b, c] = clients = revealed(masked, 3, (200, 100, 100))
    masked.attests(1, b, c)
    masked.at(masked.end_of_phase(1))
    events = masked.together(*(Call(client, "settle", (client,)) for client in clients))
    assert one(events, "RoundVoided")["reason"].name == "TOO_FEW_ACCEPTED"
    assert (one(events, "Penalized")["client"], one(events, "Penalized")["reason"].name) == (heavy, "NOT_ATTESTED")
    assert seats(masked) == {b, c}


def test_a_light_client_that_does_not_vote_pays_and_stays(masked: Play) -> None:
    clients = revealed(masked)
    masked.attests(1, *clients[:3])
    masked.at(masked.end_of_phase(1))
    root = masked.propose(1, masked.actors[6])
    masked.at(masked.end_of_phase(1))
    events = masked.together(*(Call(client, "settle", (client,)) for client in clients))
    assert one(events, "RoundFinalized")["root"] == root
    assert one(events, "Penalized")["reason"].name == "NOT_ATTESTED"
    assert seats(masked) == set(clients)


def test_garbage_voids_the_round_pays_nobody_and_gives_every_bond_back(masked: Play) -> None:
    clients = revealed(masked)
    masked.attests(1, *clients)
    proposers = masked.actors[5:7]
    for label, proposer in enumerate(proposers):
        masked.propose(1, proposer, label)
    masked.refused("NotDisputes", clients[0], "impeach", 1)
    events = masked.do(masked.config.disputes, "impeach", 1)
    assert one(events, "RoundVoided")["reason"].name == "GARBAGE"
    for proposer in proposers:
        bond = masked.config.bond_base
        assert masked.deployed.view("bond_due", proposer) == masked.model.bond_due(proposer) == bond
        assert one(masked.do(proposer, "claim"), "Claimed")["amount"] == bond
    events = masked.together(*(Call(c, "settle", (c,)) for c in clients))
    assert events == [], "nobody is paid, and nobody pays"
    assert masked.model.balances().owed == masked.model.balances().bonds == 0
    masked.refused("WrongPhase", masked.config.disputes, "impeach", 1)
    assert seats(masked) == set(clients)


def test_garbage_voids_the_round_that_waits_for_it_too(masked: Play) -> None:
    clients = revealed(masked)
    masked.attests(1, *clients)
    root = masked.propose(1, masked.actors[6])
    masked.together(*(Call(c, "commit", (2, root, KEY)) for c in clients))
    assert masked.phase(2) == "WAITING"
    events = masked.do(masked.config.disputes, "impeach", 1)
    assert [e.args["reason"].name for e in events] == ["GARBAGE", "PRIOR_VOID"]


def test_a_weight_is_all_that_was_trained_on_or_nothing(masked: Play) -> None:
    """It is inside the masked values already: the contract cannot make it smaller."""
    [a, *_] = committed(masked)
    most = (1 << 15) // masked.config.max_clients
    root, shift, _, salt = masked.opening(1, a, 1)
    assert masked.refused("TooManyExamples", a, "reveal", 1, root, shift, most + 1, salt, 0, 0) == (most + 1, most)
    backed = masked.config.min_stake // masked.config.stake_per_example
    given = (root, shift, backed + 1, salt)
    assert masked.refused("TooManyExamples", a, "reveal", 1, *given, 0, 0) == (backed + 1, backed)
    assert masked.refused("ShiftTooLarge", a, "reveal", 1, root, 1, 100, salt, 0, 0) == (1,)
    assert masked.refused("ZeroWeight", a, "reveal", 1, root, shift, 0, salt, 0, 0) == ()
    masked.do(a, "reveal", 1, root, shift, backed, salt, 0, 0)


def test_a_public_round_cannot_be_void_for_its_sum(play: Play) -> None:
    clients = play.start(3)
    play.to_aggregate(1, clients)
    play.refused("NotMasked", play.config.disputes, "impeach", 1)
