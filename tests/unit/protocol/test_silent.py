"""Who counts as silent, in random histories: nobody is listed for a drop before three whole Trains were left to it."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import pytest
from fedprotocol.reference import Federation
from fedprotocol.reference.errors import RoundError
from fedprotocol.types import Phase
from support.federation import CONFIG, Call
from support.histories import Author

SPONSOR, *ACTORS = ["0x" + d * 40 for d in "abcdef"]
SLOW = "0x" + "9" * 40
RICH = 10**6


class History:
    """A federation in which `SLOW` has a seat and the others do all they can, in whatever order, to be quick."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        config = replace(CONFIG, sponsor=SPONSOR, total_rounds=40)
        self.model = Federation(config, chain_id=31337, address="0x" + "8" * 40, now=1_000)
        for account in (SPONSOR, SLOW, *ACTORS):
            self.model.wallets[account] = RICH
        self.author = Author(self.model, ACTORS)
        self.model.fund(SPONSOR, 40 * config.round_reward)
        for account in (*ACTORS[: 2 + seed % 3], SLOW):
            self.model.join(account, config.min_stake)

    def step(self) -> None:
        self.model.now = self.author.time(self.rng)
        calls = self.author.expected_calls(self.rng)
        if self.rng.random() < 0.2:
            calls.append(self.author.any_call(self.rng))
        for call in calls:
            if call.name != "drop" and call.sender != SLOW:
                self.send(call)

    def send(self, call: Call) -> None:
        with suppress(RoundError):
            getattr(self.model, call.name)(call.sender, *call.args)

    def whole_trains(self) -> int:
        """Rounds in which SLOW might have committed, for the whole length of Train."""
        seat, length = self.model.accounts[SLOW], self.model.config.train_length
        rounds = [r for number, r in self.model.rounds.items() if seat.active_in(number)]
        return sum(self.model.now >= r.opened_at + length and r.train_end == r.opened_at + length for r in rounds)


@pytest.mark.parametrize("seed", range(12))
def test_nobody_is_listed_before_it_has_missed_three_whole_trains(seed: int) -> None:
    history, listed = History(seed), False
    model = history.model
    for _ in range(400):
        history.step()
        is_listed = SLOW in model.silent()[0]
        last = model.last_opened()
        over = model.status(last).phase not in (Phase.NONE, Phase.TRAIN) and last > model.latest_final()[0]
        if is_listed and over:
            assert history.whole_trains() >= 3
            listed = True
            break
    assert listed, "the history never came to it: the test says nothing"
    assert SLOW in model.clients()
    history.model.drop(ACTORS[0], SLOW)
    assert SLOW not in model.clients() and SLOW not in model.silent()[0]


def test_one_that_owes_what_suspends_it_is_listed_until_it_is_settled() -> None:
    model = History(0).model
    clients = [*ACTORS[:2], SLOW]
    for client in clients:
        model.commit(client, 1, CONFIG.genesis_root, b"\1" * 32)
    model.now = model.status(1).end + 1  # nobody revealed: void, and each owes a penalty
    assert model.status(1).phase is Phase.VOID
    assert model.silent() == ([], []), "none missed the round that was opened last"
    model.open(SPONSOR)
    assert set(model.silent()[1]) == set(clients)
    model.settle(SPONSOR, SLOW)
    assert set(model.silent()[1]) == set(clients) - {SLOW}
    assert not model.seat(SLOW).active_in(3)
