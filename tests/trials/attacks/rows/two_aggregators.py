"""Two aggregators, neither of which has seen the other's transaction, have their proposals mined in the same block."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.late_node import late_node

TITLE = "two aggregators at once"
PLACE = 8


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=2, node={"propose_after": 3600})
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    with late_node(arena.chain) as url:
        for aggregator in arena.aggregators:
            aggregator.connect(arena.chain.url, url)
        for node in arena.nodes:  # their commits would be counted among the two
            node.freeze()
        arena.clock.flush()
        with arena.clock.held():
            for aggregator in arena.aggregators:
                aggregator.start()
            arena.clock.mine(2)  # both approve their bonds
            arena.clock.mine(2)  # both propose
        for node in arena.nodes:
            node.thaw()
        arena.reach(1, Phase.FINAL)
        for aggregator in arena.aggregators:
            aggregator.stop()
            aggregator.connect(url, arena.chain.url)
    [proposed] = arena.events("Proposed", 1)
    assert proposed.args["root"] == arena.observer.right(1).root
    first = arena.name_of(proposed.args["proposer"])
    [second] = [aggregator for aggregator in arena.aggregators if aggregator.name != first]
    assert "another aggregator was first (DuplicateRoot)" in second.output, "the second was not in the same block"
    arena.start(*arena.aggregators)
    return (
        f"{first} was first and is paid; {second.name}'s transaction reverted (DuplicateRoot), which cost it gas "
        "and no bond"
    )
