"""What the explorer reads out of a log is what the pure model of the contract says, in random histories."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from fedexplorer.history.records import RoundHistory, Standing
from fedexplorer.history.rounds import read_round
from fedprotocol.chain.read.events import Event
from fedprotocol.reference import Federation
from fedprotocol.reference.errors import RoundError
from fedprotocol.types import Phase, VoidReason
from support.federation import CONFIG, Call
from support.histories import Author

SPONSOR, *ACTORS = ["0x" + d * 40 for d in "abcdef"]
RICH = 10**7
STEPS = 220


class Played:
    """A federation of the pure model, and its log as the chain would give it: a block for each moment."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.config = replace(CONFIG, sponsor=SPONSOR, total_rounds=40)
        self.model = Federation(self.config, chain_id=31337, address="0x" + "8" * 40, now=1_000)
        for account in (SPONSOR, *ACTORS):
            self.model.wallets[account] = RICH
        self.log: list[Event] = []
        self.author = Author(self.model, ACTORS)
        self.send(Call(SPONSOR, "fund", (40 * self.config.round_reward,)))
        for account in ACTORS[: 3 + seed % 2]:
            self.send(Call(account, "join", (self.config.min_stake + 200,)))

    def step(self) -> None:
        self.model.now = self.author.time(self.rng)
        for call in self.author.expected_calls(self.rng):
            self.send(call)
        if self.rng.random() < 0.3:
            self.send(self.author.any_call(self.rng))

    def send(self, call: Call) -> None:
        try:
            events = getattr(self.model, call.name)(call.sender, *call.args)
        except RoundError:
            return
        now, at = self.model.now, len(self.log)
        for index, event in enumerate(events):
            block = now.to_bytes(32, "big")
            self.log.append(Event(event.name, event.args, now, block, at.to_bytes(32, "big"), at + index, now))

    def histories(self, with_lens: bool) -> list[RoundHistory]:
        found: list[RoundHistory] = []
        for number in range(1, self.model.last_opened() + 1):
            events = [event for event in self.log if event.args.get("round") == number]
            view = self.model.round_view(number) if with_lens else None
            before = found[-1] if found else None
            found.append(read_round(number, events, self.config, before, self.model.now, view))
        return found


def compare(played: Played, seen: Counter[object]) -> None:
    model, now = played.model, played.model.now
    for history in played.histories(with_lens=True):
        view = model.round_view(history.number)
        current = history.phases[-1]
        seen[current.phase] += 1
        seen[view.void_reason] += 1
        assert current.phase is view.phase, f"round {history.number} at {now}: {history.phases}"
        assert all(a.end == b.start for a, b in zip(history.phases, history.phases[1:], strict=False))
        assert history.phases[0].start == view.opened_at
        if not view.phase.settled:
            assert current.end is None or now < current.end
            if view.phase is not Phase.CHALLENGE:
                assert (current.start, current.end or 0) == (view.phase_start, view.phase_end)
        else:
            assert history.settled_at == view.phase_start
        has_prior = view.void_reason is not VoidReason.PRIOR_VOID  # otherwise the contract names none
        assert (history.prior_root or bytes(32)) == view.prior_root or not has_prior
        assert (history.global_root or bytes(32)) == view.global_root
        assert history.void_reason is view.void_reason
        assert len(history.commits) == view.committed
        assert len(history.updates) == view.revealed
        assert len(history.votes) == view.attested
        assert history.total_weight == view.total_weight
        if history.prior_root is not None and view.phase > Phase.WAITING and has_prior:
            assert sum(commit.matches is True for commit in history.commits) == view.matching
        assert sum(bool(update.accepted) << update.index for update in history.updates) == view.accepted_mask
        theirs = model.updates(history.number)
        mine = history.updates
        assert [(u.client, u.root, u.weight, u.shift, u.yes) for u in mine] == [
            (u.client, u.root, u.weight, u.shift, u.yes) for u in theirs
        ]
        live = {p.root: p for p in model.proposals(history.number, 256)}
        standing = {p.root: p for p in history.proposals}
        assert sum(p.standing is Standing.CONVICTED for p in history.proposals) == view.convicted
        for root, proposal in live.items():
            assert standing[root].standing is not Standing.CONVICTED
            assert (standing[root].bond, standing[root].window_end) == (proposal.bond, proposal.window_end)
        if history.global_root is not None:
            seen["final"] += 1
            assert history.aggregator == view.aggregator
            paid = sum(payment.amount for payment in history.payments)
            if history.settled is not None:
                assert paid == history.aggregator_reward + history.client_rewards
                assert paid + history.returned_to_pool == history.reserved


@pytest.mark.parametrize("seed", range(8))
def test_a_history_says_what_the_contract_says(seed: int) -> None:
    played, seen = Played(seed), Counter[object]()
    for step in range(STEPS):
        played.step()
        if step % 3 == 0:
            compare(played, seen)
    assert seen["final"] and seen[Phase.VOID], "this history shows too little"
    rewarded = {
        (event.args["round"], event.args["client"]): event.args["amount"]
        for event in played.log
        if event.name == "Rewarded"
    }
    shares = {
        (history.number, payment.account): payment
        for history in played.histories(with_lens=True)
        for payment in history.payments
        if not payment.is_aggregator
    }
    assert rewarded, "nobody was credited"
    for key, amount in rewarded.items():
        assert shares[key].amount == amount
        assert shares[key].credited is not None


def test_the_histories_come_to_every_phase_and_reason() -> None:
    seen = Counter[object]()
    for seed in range(8):
        played = Played(seed)
        for _ in range(STEPS):
            played.step()
            for number in (played.model.last_opened() - 1, played.model.last_opened()):
                if number > 0:
                    view = played.model.round_view(number)
                    seen[view.phase] += 1
                    seen[view.void_reason] += 1
    assert all(seen[phase] for phase in Phase if phase is not Phase.NONE)
    assert all(seen[reason] for reason in VoidReason)
