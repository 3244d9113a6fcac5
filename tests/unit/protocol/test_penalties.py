"""What a round costs a client is known as soon as it is certain, and is what the contract's model takes in the end."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from fedprotocol.chain.read.penalties import fault
from fedprotocol.chain.read.snapshot import RoundState
from fedprotocol.reference import Federation, errors
from fedprotocol.types import FederationConfig, PenaltyReason
from support.federation import CONFIG, MASKED, Call
from support.histories import Author

ACTORS = ["0x" + digit * 40 for digit in "bcdef"]
ZERO = bytes(32)


def state_of(model: Federation, number: int, client: str) -> RoundState:
    commitment, position = model.commitment(number, client), model.update_index(number, client)
    return RoundState(
        number=number,
        view=model.round_view(number),
        updates=tuple(model.updates(number)),
        proposals=(),
        my_commitment=commitment if commitment.hash != ZERO else None,
        my_index=position - 1 if position else None,
        my_pages=0,
    )


@pytest.mark.parametrize("terms", [CONFIG, MASKED], ids=["public", "masked"])
def test_a_fault_is_what_settlement_takes_a_penalty_for(terms: FederationConfig) -> None:
    reasons = {reason for seed in range(12) for reason in play(seed, terms)}
    assert reasons == set(PenaltyReason) - (set() if terms.is_masked else {PenaltyReason.NOT_ACCEPTED})


def play(seed: int, terms: FederationConfig) -> set[PenaltyReason]:
    """A random history; returns what it had penalties for."""
    rng = random.Random(seed)
    model = Federation(replace(terms, total_rounds=12), chain_id=31337, address="0x" + "a" * 40, now=1_000)
    for actor in ACTORS:
        model.wallets[actor] = 10**6
    model.fund(ACTORS[0], 8_032)
    for actor in ACTORS[:3]:
        model.join(actor, terms.min_stake)
    author = Author(model, ACTORS)
    said: dict[tuple[int, str], PenaltyReason] = {}
    taken: dict[tuple[int, str], PenaltyReason] = {}

    def do(call: Call) -> None:
        try:
            getattr(model, call.name)(call.sender, *call.args)
        except errors.RoundError:
            return
        for event in model.log:
            if event.name == "Penalized":
                taken[event.args["round"], event.args["client"]] = event.args["reason"]

    def look() -> None:
        for number in range(max(1, model.last_opened() - 1), model.last_opened() + 1):
            for actor in ACTORS:
                why, before = fault(state_of(model, number, actor), terms.is_masked), said.get((number, actor))
                assert before in (None, why), "what was certain has changed"
                if why is not None:
                    said[number, actor] = why

    for _ in range(150):
        model.now = author.time(rng)
        look()
        for call in [author.any_call(rng)] if rng.random() < 0.2 else author.expected_calls(rng):
            do(call)
            look()
    model.now += 10_000
    for number, old in sorted(model.rounds.items()):
        if old.settled_at is None:
            do(Call(ACTORS[0], "abandon", (number,)))
    for actor in ACTORS:
        do(Call(actor, "settle", (actor,)))
    look()
    assert taken == said
    return set(said.values())
