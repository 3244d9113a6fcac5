"""An aggregator proposes the right root and does not publish the global that belongs to it. A node that missed the
round needs this global."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks import balances
from attacks.actors import digests_of
from attacks.arena import Arena

TITLE = "a right root, its content withheld"
PLACE = 3


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=0, node={"propose_after": 20})
    withholder = arena.actor("withholder")
    *present, late = arena.nodes
    arena.start(*present)
    arena.reach(1, Phase.AGGREGATE)
    right = arena.observer.right(1)
    withholder.propose(1, digests_of(right))
    arena.start(late)  # the federation's round 1 went by without it
    arena.play("the late node commits", lambda: bool(_commits(arena, late.address)))
    assert _commits(arena, late.address) == [right.root], "the late node trained on another global"
    arena.reach(1, Phase.FINAL)
    view = arena.coordinator.round_view(1)
    assert (view.aggregator, view.global_root) == (withholder.address, right.root)
    # Its root is right, which is all that an aggregator is paid for: anybody can compute the content.
    arena.party("withholder").due += balances.aggregator_share(arena.coordinator)
    return f"{late.name} got the global of round 1 all the same, from nodes that had computed it, and trained on it"


def _commits(arena: Arena, client: str) -> list[bytes]:
    return [e.args["prior_root"] for e in arena.events("Committed", 2) if e.args["client"] == client]
