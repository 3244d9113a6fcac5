"""The RPC endpoint that all honest programs use serves only the standard calls: no state overrides, no third parameter
of an estimate, no debug_*. When a liar proposes, it also gives no logs (504)."""

from __future__ import annotations

from fedprotocol.types import Phase
from support.node_kinds import NODES

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.lies import expose, one_unit_more

TITLE = "a lie while the endpoint gives no logs"
PLACE = 9
LOGS = "eth_getLogs"
UNREADABLE = "cannot be convicted from here"


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    endpoint = arena.keep(NODES["serves the standard alone"](arena.chain.url))
    liar = arena.actor("liar")
    programs = [*arena.nodes, *arena.aggregators]
    for program in programs:
        program.connect(arena.chain.url, endpoint.url)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    endpoint.closed.add(LOGS)
    lie, right = one_unit_more(arena.observer.right(1), 3, 17), arena.observer.right(1).root
    liar.propose(1, digests_of(lie))
    arena.start(*arena.aggregators)
    arena.wait("the right one is proposed", lambda: right in arena.live(1))
    [proposed] = [event for event in arena.events("Proposed", 1) if event.args["root"] == right]
    arena.wait("somebody would convict", lambda: any(UNREADABLE in program.output for program in programs))
    assert arena.live(1) == [lie.root, right] and any(asked["method"] == LOGS for asked in endpoint.seen)
    endpoint.closed.clear()
    return (
        f"while there were no logs, {arena.name_of(proposed.args['proposer'])} proposed the right global beside the "
        f"lie; when there were logs again, the lie was {expose(arena, 1)}"
    )
