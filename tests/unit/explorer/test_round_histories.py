"""What the explorer reads out of a log is what the pure model of the contract says, in random histories."""

from __future__ import annotations

from collections import Counter

import pytest
from fedexplorer.history.records import Standing
from fedprotocol.types import FederationConfig, Phase, VoidReason
from support.federation import CONFIG, MASKED, Call
from support.model_histories import Played

STEPS = 220


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
        assert (history.prior_root or bytes(32)) == view.prior_root
        assert (history.global_root or bytes(32)) == view.global_root
        assert history.void_reason is view.void_reason
        assert len(history.commits) == view.committed
        assert len(history.updates) == view.revealed
        assert len(history.votes) == view.attested
        assert history.total_weight == view.total_weight
        if history.prior_root is not None and view.phase > Phase.WAITING:
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
        rules = model.rounds[history.number]
        if rules.settled_at is None:
            assert history.settled is None
            continue
        faults = {client: model._fault(rules, client) for client in rules.commits}
        assert {p.client: p.reason for p in history.penalties} == {c: f for c, f in faults.items() if f is not None}
        [settled] = played.named("RoundFinalized", history.number) + played.named("RoundVoided", history.number)
        assert history.returned_to_pool == settled.args["returned_to_pool"]
        assert sum(payment.amount for payment in history.payments) + history.returned_to_pool == history.reserved
        if history.is_final:
            seen["final"] += 1
            assert history.aggregator == view.aggregator
            assert history.aggregator_reward == settled.args["aggregator_reward"]
            assert history.client_rewards == settled.args["client_rewards"]


@pytest.mark.parametrize("terms", [CONFIG, MASKED], ids=["public", "masked"])
@pytest.mark.parametrize("seed", range(8))
def test_a_history_says_what_the_contract_says(seed: int, terms: FederationConfig) -> None:
    played, seen = Played(seed, terms), Counter[object]()
    for step in range(STEPS):
        played.step()
        if step % 3 == 0:
            compare(played, seen)
    assert (seen["final"] or terms.is_masked) and seen[Phase.VOID], "this history shows too little"
    histories = {history.number: history for history in played.histories(with_lens=True)}
    for event in played.named("Rewarded"):
        payments = [
            p for p in histories[event.args["round"]].payments if not p.is_aggregator and p.credited is not None
        ]
        assert event.args["amount"] in [p.amount for p in payments if p.account == event.args["client"]]
    for event in played.named("Penalized"):
        [penalty] = [p for p in histories[event.args["round"]].penalties if p.client == event.args["client"]]
        assert (penalty.amount, penalty.reason) == (event.args["amount"], event.args["reason"])
        assert penalty.applied is not None
    applied = [p for history in histories.values() for p in history.penalties if p.applied is not None]
    credited = [p for h in histories.values() for p in h.payments if p.credited is not None and not p.is_aggregator]
    assert len(applied) == len(played.named("Penalized"))
    assert applied or terms.is_masked
    assert len(credited) == len(played.named("Rewarded"))
    assert credited or not seen["final"]


def test_a_round_that_is_impeached_the_moment_the_votes_are_in_has_accepted_its_updates() -> None:
    """Its last phases take no time at all."""
    played = Played(1, MASKED)
    for _ in range(20 * STEPS):
        played.step()
        number = played.model.last_opened()
        view = played.model.round_view(number)
        if view.phase is Phase.AGGREGATE and view.phase_start == played.model.now:
            break
    played.send(Call(played.config.disputes, "impeach", (number,)))
    history = played.histories(with_lens=True)[number - 1]
    assert history.void_reason is VoidReason.GARBAGE and Phase.AGGREGATE not in {span.phase for span in history.phases}
    assert {update.accepted for update in history.updates} == {True}


def test_the_histories_come_to_every_phase_and_reason() -> None:
    seen = Counter[object]()
    for seed in range(16):
        played = Played(seed // 2, MASKED if seed % 2 else CONFIG)
        for _ in range(STEPS):
            played.step()
            for number in (played.model.last_opened() - 1, played.model.last_opened()):
                if number > 0:
                    view = played.model.round_view(number)
                    seen[view.phase] += 1
                    seen[view.void_reason] += 1
    assert all(seen[phase] for phase in Phase if phase is not Phase.NONE)
    assert all(seen[reason] for reason in VoidReason)
