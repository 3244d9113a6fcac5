"""The only aggregator is stopped (SIGSTOP) before it proposes, and runs on when the round is over."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena

TITLE = "a stalled aggregator"
PLACE = 9


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, node={"propose_after": 5})
    [aggregator] = arena.aggregators
    arena.start()
    arena.reach(1, Phase.REVEAL, Phase.ATTEST)
    aggregator.freeze()
    arena.wait("a node proposes", lambda: bool(arena.events("Proposed", 1)), seconds=90)
    [proposed] = arena.events("Proposed", 1)
    proposer = arena.name_of(proposed.args["proposer"])
    assert proposer in {node.name for node in arena.nodes}, proposer
    assert proposed.args["root"] == arena.observer.right(1).root
    assert not aggregator.is_acting, "the aggregator was to be stalled all the while"
    arena.reach(1, Phase.FINAL)
    aggregator.thaw()
    waited = proposed.time - arena.events("Attested", 1)[-1].time
    return f"{proposer} proposed the right global {waited} s after the inputs were fixed; it became final"
