"""Right after Attest, one attacker puts thirty wrong proposals into one block, before the right one is there."""

from __future__ import annotations

from functools import partial

from fedprotocol.types import Phase

from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.judge import amount
from attacks.lies import expose, one_unit_more

TITLE = "thirty bad proposals side by side"
PLACE = 11
MANY = 30


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    config = arena.coordinator.config()
    liars = arena.actors("liars", MANY)
    for liar in liars:
        liar.approve(config.bond_base)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    right = arena.observer.right(1)
    lies = [digests_of(one_unit_more(right, 0, value)) for value in range(MANY)]
    arena.clock.in_one_block(*(partial(liar.propose, 1, lie) for liar, lie in zip(liars, lies, strict=True)))
    arena.start(*arena.aggregators)
    proposed = arena.events("Proposed", 1)[:MANY]
    assert {event.args["proposer"] for event in proposed} == {liar.address for liar in liars}
    assert len({event.block for event in proposed}) == 1, "not side by side"
    arena.wait("the right one is proposed", lambda: right.root in arena.live(1))
    [own] = [event for event in arena.events("Proposed", 1) if event.args["root"] == right.root]
    assert own.args["bond"] == config.bond_base
    later = own.args["window_end"] - own.time - config.challenge_length
    assert later >= MANY * config.min_window // 10, "no time to convict all that came before it"
    bonds = sum(event.args["bond"] for event in proposed)
    return (
        f"bonds of {amount(bonds)} in total; the right proposal went in beside them for a bond of "
        f"{amount(config.bond_base)}, and its window was {later} s longer: {expose(arena, 1, MANY, seconds=300)}"
    )
