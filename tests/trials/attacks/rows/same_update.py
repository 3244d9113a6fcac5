"""Two kinds of free riders: one client hands in, as its own, what another revealed in the round before, and two clients
hand in the same update."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.types import Phase

from attacks import balances
from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.votes import PATIENT, prior_of, refusal, refuse

TITLE = "updates that were handed in before"
PLACE = 20


@dataclass(frozen=True)
class Known:
    """A tree of which it takes no more than the root to hand it in."""

    root: bytes


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, **PATIENT)
    late, first, second = (arena.client("riders", honest=False, examples=21) for _ in range(3))
    arena.start()
    arena.reach(1, Phase.AGGREGATE, Phase.CHALLENGE)
    before, prior = arena.coordinator.updates(1)[0], prior_of(arena, 2)
    commit_to(late, 2, prior, Known(before.root), before.shift)
    own = first.commit(2, prior)
    commit_to(second, 2, prior, own.leaves, own.shift)
    arena.reach(2, Phase.REVEAL)
    for rider in (first, second, late):
        rider.reveal(2, publish=rider is first)
    arena.reach(2, Phase.ATTEST)
    for rider in (first, second, late):
        rider.attest(2)
    refuse(arena, 2, [second.address, late.address])
    for node in arena.nodes:
        for rider in (second, late):
            assert "its root was revealed" in refusal(node, 2, rider.address), refusal(node, 2, rider.address)
    arena.party("riders").due += balances.share(arena.coordinator, 2, first.address)  # an update like any other
    return (
        "every node reported where each of the two roots had been revealed before and voted against them; neither "
        "was accepted or paid; the update that two handed in counted once, for the first of them"
    )
