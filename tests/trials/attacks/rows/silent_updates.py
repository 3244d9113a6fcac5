"""Four colluding clients of the smallest weight reveal first and publish nothing. The peer that every honest node asks
first accepts each request and never answers. The four vouch only for themselves: if the honest nodes took each other's
updates for missing, their votes would not reach two thirds."""

from __future__ import annotations

from fedprotocol.types import Phase
from support.slow_servers import listening, says_nothing

from attacks.arena import Arena
from attacks.votes import ballots, prior_of, rejected

TITLE = "updates that nobody serves, before a peer that never answers"
PLACE = 17
SYBILS = 4


def run(arena: Arena) -> str:
    with listening(says_nothing) as (place, came):
        return _run(arena, f"http://{place}", came)


def _run(arena: Arena, silent: str, came: list[float]) -> str:
    arena.open(nodes=2, aggregators=1, asked_first=[silent], node={"attest_margin": 15})
    prior = prior_of(arena, 1)
    sybils = [arena.client("sybils", honest=False, examples=1) for _ in range(SYBILS)]
    for sybil in sybils:
        sybil.commit(1, prior)
    arena.start()
    arena.reach(1, Phase.REVEAL)
    for node in arena.nodes:
        node.freeze()
    for sybil in sybils:
        sybil.reveal(1, publish=False)
    for node in arena.nodes:
        node.thaw()
    arena.reach(1, Phase.ATTEST)
    updates = arena.coordinator.updates(1)
    for sybil in sybils:
        own = next(i for i, update in enumerate(updates) if update.client == sybil.address)
        sybil.attest(1, absent=[i for i in range(len(updates)) if i != own])
    arena.reach(1, Phase.AGGREGATE, Phase.CHALLENGE)
    assert came, "the silent peer was not asked for anything"
    assert rejected(arena, 1) == {sybil.address for sybil in sybils}
    votes, honest = ballots(arena, 1), {node.address for node in arena.nodes}
    for node in arena.nodes:
        assert votes[node.address] == honest, f"{node.name} vouched for {votes[node.address]}"
    arena.reach(1, Phase.FINAL)
    first = next(i for i, update in enumerate(updates) if update.client in honest)
    return (
        f"every node checked the honest updates, the first of which was revealed as number {first + 1}, and vouched "
        f"only for those; the round went on without the {SYBILS} silent ones"
    )
