"""A client commits, waits to see what all others reveal, and does not reveal its own update."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.penalties import penalized
from attacks.votes import prior_of

TITLE = "a commit never revealed"
PLACE = 16


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    silent = arena.client("silent", honest=False)
    silent.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    arena.wait("both nodes reveal", lambda: len(arena.events("Revealed", 1)) == 2)
    arena.reach(1, Phase.FINAL)
    updates = {update.client for update in arena.coordinator.updates(1)}
    assert updates == {node.address for node in arena.nodes}
    return (
        f"Reveal ended by the clock, and the round went on without this client; {penalized(arena, 1, silent.address)}"
    )
