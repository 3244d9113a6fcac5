"""A client with the smallest stake hands in the largest update that the bounds let through, with every value moved the
same way."""

from __future__ import annotations

import numpy as np
from fednode.training.update import make_update
from fedprotocol.types import Phase

from attacks import balances
from attacks.arena import Arena
from attacks.clients import commit_to
from attacks.votes import PATIENT, part_of, prior_of

TITLE = "the largest update that gets through"
PLACE = 19


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, rounds=3, **PATIENT)
    assert arena.spec is not None
    cheat = arena.client("cheat", honest=False, examples=64)
    worst = make_update(np.full(arena.spec.layout.value_count, 1e12), arena.spec, seed=0, round=1)
    assert worst.norm > 0.99 * arena.spec.bounds.max_norm
    commit_to(cheat, 1, prior_of(arena, 1), worst.leaves, worst.shift)
    arena.start()
    arena.reach(1, Phase.REVEAL)
    cheat.reveal(1)
    arena.reach(1, Phase.ATTEST)
    cheat.attest(1)
    arena.reach(1, Phase.FINAL)
    assert arena.coordinator.round_view(1).accepted_mask == 0b111
    mine, all_ = part_of(arena, 1, cheat.address)
    # Nobody can tell it from an honest one: it is paid like one.
    arena.party("cheat").due += balances.share(arena.coordinator, 1, cheat.address)
    arena.reach(2, Phase.FINAL)
    losses = [_losses(arena, node.address) for node in arena.nodes]
    began, ended = sum(one[0] for one, _ in losses), sum(two[1] for _, two in losses)
    assert ended < began, "the nodes' next training does not work on it"
    told = "; ".join(
        f"{node.name} {one[0]:.2f} -> {one[1]:.2f}, then {two[0]:.2f} -> {two[1]:.2f}"
        for node, (one, two) in zip(arena.nodes, losses, strict=True)
    )
    return (
        f"it was accepted and paid like any well-formed update; with {mine}/{all_} of the weight it moved no value by "
        f"more than {worst.peak * mine / all_:.3f}; training went on from there, with these losses in the two rounds: "
        f"{told}"
    )


def _losses(arena: Arena, client: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of training, its first and its last step, in rounds 1 and 2."""
    events = [next(e for e in arena.events("Revealed", number) if e.args["client"] == client) for number in (1, 2)]
    first, second = ((e.args["loss_before"] / 1e6, e.args["loss_after"] / 1e6) for e in events)
    return first, second
