"""Whole rounds of a federation with cohorts, in the pure model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_utils.crypto import keccak
from fedlab.cohorts import errors as drawing
from fedlab.cohorts.federation import CohortFederation, Header
from fedprotocol.hashes import commit_hash
from fedprotocol.reference import errors
from fedprotocol.types import Phase, VoidReason
from support.federation import CONFIG, MASKED

ADDRESS = "0x" + "a" * 40
SPONSOR, AGGREGATOR = "0x" + "e" * 40, "0x" + "f" * 40
CLIENTS = ["0x" + f"{number:040x}" for number in range(1, 13)]
SIZE, BLOCK, LOOK_AHEAD = 4, 12, 120
TERMS = replace(
    CONFIG, sponsor=SPONSOR, max_clients=SIZE, train_length=400, total_rounds=9, challenge_length=300, min_window=20
)
SALT = b"\7" * 32


class Played:
    """A federation of twelve clients, of whom four are drawn, and a chain with a block every twelve seconds."""

    def __init__(self, **options: Any) -> None:
        self.f = CohortFederation(
            TERMS, chain_id=1, address=ADDRESS, now=1_200, **({"look_ahead": LOOK_AHEAD} | options)
        )
        self.f.blocks = [Header(time, keccak(time.to_bytes(4, "big"))) for time in range(0, 1_201, BLOCK)]
        for account in (SPONSOR, AGGREGATOR, *CLIENTS):
            self.f.wallets[account] = 10**6
        self.f.fund(SPONSOR, 9 * TERMS.round_reward)
        for client in CLIENTS:
            self.f.join(client, TERMS.min_stake)

    def until(self, time: int) -> None:
        while self.f.now + BLOCK <= time:
            self.f.now += BLOCK
            self.f.blocks.append(Header(self.f.now, keccak(self.f.now.to_bytes(4, "big"))))

    def deciding(self, number: int) -> int:
        due = self.f.draws[number].due
        return next(i for i, block in enumerate(self.f.blocks) if block.time >= due)

    def open_and_draw(self) -> int:
        self.f.open(AGGREGATOR)
        number = self.f.last_opened()
        self.until(self.f.draws[number].due + 2 * BLOCK)
        self.f.draw(AGGREGATOR, number, self.deciding(number))
        return number

    def opening(self, client: str) -> tuple[bytes, int, int, bytes]:
        return keccak(text=client), 12, 100, SALT

    def commit(self, number: int, client: str, place: int) -> None:
        prior = self.f.latest_final()[1]
        hash_ = commit_hash(1, ADDRESS, number, client, prior, *self.opening(client))
        self.f.commit(client, number, prior, hash_, place)

    def propose(self, number: int) -> None:
        """From the last commit to a proposal, of which nobody says that it is wrong."""
        self.until(self.f.rounds[number].train_end + BLOCK)
        clients = list(self.f.rounds[number].commits)
        for client in clients:
            self.f.reveal(client, number, *self.opening(client))
        for client in clients:
            view = self.f.round_view(number)
            self.f.attest(client, number, view.inputs_hash, (1 << view.revealed) - 1)
        view = self.f.round_view(number)
        digests = [keccak(text=f"{number} {leaf}") for leaf in range(TERMS.leaf_count)]
        self.f.propose(AGGREGATOR, number, view.inputs_hash, view.accepted_mask, 0, digests)

    def finish(self, number: int) -> None:
        self.propose(number)
        self.until(self.f.now + TERMS.challenge_length + BLOCK)
        assert self.f.status(number).phase == Phase.FINAL


def test_a_round_is_played_by_those_who_are_drawn() -> None:
    played = Played()
    number = played.open_and_draw()
    drawn = played.f.drawn(number)
    assert len(set(drawn)) == SIZE and set(drawn) < set(CLIENTS)
    for place, client in enumerate(drawn):
        played.commit(number, client, place)
    assert played.f.rounds[number].train_end == played.f.now, "Train ends when the whole cohort has committed"
    played.finish(number)
    owed = {client: played.f.owed(client) for client in CLIENTS if played.f.settle(client, client) is not None}
    assert {client for client, amount in owed.items() if amount} == set(drawn)


def test_nobody_else_commits_nor_anybody_in_anothers_place() -> None:
    played = Played()
    number = played.open_and_draw()
    drawn = played.f.drawn(number)
    stranger = next(client for client in CLIENTS if client not in drawn)
    for client, place in ((stranger, 0), (drawn[0], 1), (drawn[0], SIZE), (drawn[0], -1)):
        with pytest.raises(drawing.NotDrawn):
            played.commit(number, client, place)
    played.commit(number, drawn[0], 0)
    played.commit(number, drawn[0], 0)
    assert len(played.f.rounds[number].commits) == 1, "a second commit takes the place of the first"


def test_one_block_decides_whoever_hands_it_in_and_whenever() -> None:
    played = Played()
    played.f.open(AGGREGATOR)
    with pytest.raises(drawing.NotDrawnYet):
        played.commit(1, CLIENTS[0], 0)
    with pytest.raises(drawing.WrongBlock):
        played.f.draw(CLIENTS[0], 1, len(played.f.blocks) - 1)
    played.until(played.f.draws[1].due + 5 * BLOCK)
    right = played.deciding(1)
    for wrong in (0, right - 1, right + 1, len(played.f.blocks)):
        with pytest.raises(drawing.WrongBlock):
            played.f.draw(CLIENTS[0], 1, wrong)
    played.f.draw(CLIENTS[0], 1, right)
    with pytest.raises(drawing.AlreadyDrawn):
        played.f.draw(CLIENTS[1], 1, right)


def test_a_round_that_nobody_draws_is_void_and_costs_nothing() -> None:
    played = Played(reach=3)
    played.f.open(AGGREGATOR)
    played.until(played.f.draws[1].due + 5 * BLOCK)
    with pytest.raises(drawing.BlockOutOfReach):
        played.f.draw(CLIENTS[0], 1, played.deciding(1))
    played.until(played.f.rounds[1].train_end + BLOCK)
    assert played.f.status(1).void_reason == VoidReason.TOO_FEW_COMMITS
    played.f.exit(CLIENTS[0])
    with pytest.raises(drawing.HatOpen):
        played.f.open(AGGREGATOR)
    played.f.withdraw(CLIENTS[0])
    played.until(played.f.now + TERMS.attest_length)
    played.f.open(AGGREGATOR)
    assert played.f.balances().burned == 0 and played.f.last_opened() == 2


def test_another_block_after_a_reorg_draws_another_cohort() -> None:
    cohorts = []
    for mix in (b"\1" * 32, b"\2" * 32):
        played = Played()
        played.f.open(AGGREGATOR)
        played.until(played.f.draws[1].due + BLOCK)
        block = played.deciding(1)
        played.f.blocks[block] = replace(played.f.blocks[block], mix=mix)
        played.f.draw(AGGREGATOR, 1, block)
        cohorts.append(played.f.drawn(1))
    assert cohorts[0] != cohorts[1]


def test_seats_stand_still_from_the_opening_to_the_end_of_train() -> None:
    """Otherwise a seat could be moved into a place that is known to be drawn."""
    played = Played()
    number = played.open_and_draw()
    drawn = played.f.drawn(number)
    idle = [client for client in CLIENTS if client not in drawn]
    newcomer = "0x" + "c" * 40
    played.f.wallets[newcomer] = 10**6
    played.f.join(newcomer, TERMS.min_stake)
    played.f.exit(idle[0])
    for leave in (lambda: played.f.withdraw(idle[0]), lambda: played.f.vacate(SPONSOR, idle[0])):
        with pytest.raises(drawing.DrawPending):
            leave()
    assert played.f.drawn(number) == drawn and played.f.draws[number].seats == len(CLIENTS)
    for place, client in enumerate(drawn):
        played.commit(number, client, place)
    with pytest.raises(errors.NotDroppable):
        played.f.vacate(SPONSOR, drawn[0])
    played.f.vacate(SPONSOR, idle[0])
    assert played.f.hat.accounts[CLIENTS.index(idle[0])] == newcomer, "the last one fills the gap"
    played.f.withdraw(idle[0])
    assert played.f.wallets[idle[0]] == 10**6
    with pytest.raises(errors.NotSeated):
        played.f.vacate(SPONSOR, idle[0])


def test_whoever_is_not_drawn_is_not_absent() -> None:
    played = Played()
    present, found = CLIENTS[:9], set()
    while played.f.final_count() < 6:
        number = played.open_and_draw()
        for place, client in enumerate(played.f.drawn(number)):
            if client in present:
                played.commit(number, client, place)
        if len(played.f.rounds[number].commits) < TERMS.min_clients:
            played.until(played.f.now + TERMS.train_length)
            continue
        played.finish(number)
        played.f.settle(SPONSOR, SPONSOR)
        droppable, _ = played.f.silent()
        last_two = [played.f.absent(final) for final, _ in played.f.finals if final][-2:]
        assert set(droppable) == (set(last_two[0]) & set(last_two[1]) if len(last_two) == 2 else set())
        found |= set(droppable)
    assert found, "one of the three who never come was drawn in two rounds on end"
    final = [number for number, _ in played.f.finals if number]
    missed = {
        client: [(n, played.f.absent(n)[client]) for n in final if client in played.f.absent(n)] for client in CLIENTS
    }
    assert all(not missed[client] for client in present)
    twice = [client for client in CLIENTS if len(missed[client]) >= 2]
    assert found <= set(twice)
    for client, proof in ((present[0], ((final[0], 0), (final[1], 0))), (twice[0], missed[twice[0]][:1] * 2)):
        with pytest.raises(errors.NotDroppable):
            played.f.drop(SPONSOR, client, proof)
    played.f.drop(SPONSOR, twice[0], missed[twice[0]][:2])
    assert played.f.seat(twice[0]).exited


def test_one_large_stake_has_the_weight_of_one_seat() -> None:
    """Otherwise whoever puts everything into one account decides alone in every round in which it is drawn."""
    played = Played()
    rich = CLIENTS[0]
    played.f.add_stake(rich, 100 * TERMS.min_stake)
    number = played.open_and_draw()
    while rich not in played.f.drawn(number):
        played.until(played.f.now + TERMS.train_length)
        number = played.open_and_draw()
    drawn = played.f.drawn(number)
    for place, client in enumerate(drawn):
        played.commit(number, client, place)
    backed = {client: commit.backed for client, commit in played.f.rounds[number].commits.items()}
    assert set(backed.values()) == {TERMS.min_stake // TERMS.stake_per_example}


def test_a_cohort_cannot_shorten_the_window_of_the_one_before() -> None:
    """Others are drawn for the next round, so that they seldom hold two thirds of this one's weight."""
    played = Played()
    number = played.open_and_draw()
    for place, client in enumerate(played.f.drawn(number)):
        played.commit(number, client, place)
    first = played.f.drawn(number)
    played.propose(number)
    window_end = played.f.status(number).end
    played.until(played.f.now + TERMS.attest_length)
    following = played.open_and_draw()
    second = played.f.drawn(following)
    assert 3 * len(set(first) & set(second)) < 2 * len(first)
    for place, client in enumerate(second):
        played.f.commit(client, following, played.f.rounds[number].live[0].root, keccak(text=client), place)
    assert played.f.now < window_end and played.f.status(number).phase == Phase.CHALLENGE
    played.until(window_end - BLOCK)
    assert played.f.status(number).phase == Phase.CHALLENGE
    played.until(window_end + BLOCK)
    assert played.f.status(number).phase == Phase.FINAL


@pytest.mark.parametrize(
    ("terms", "field"), [(MASKED, "mantissaBits"), (replace(CONFIG, train_length=LOOK_AHEAD), "trainLength")]
)
def test_a_federation_that_cohorts_do_not_suit_is_refused(terms: Any, field: str) -> None:
    with pytest.raises(errors.BadConfig, match=field):
        CohortFederation(terms, chain_id=1, address=ADDRESS, now=1, look_ahead=LOOK_AHEAD)


def test_every_refusal_says_what_to_do_or_what_is_wrong() -> None:
    kinds = [k for k in vars(drawing).values() if isinstance(k, type) and issubclass(k, errors.RoundError)]
    assert len(kinds) == 8
    assert all("{" not in str(kind("a", "b", "c")) for kind in kinds)
