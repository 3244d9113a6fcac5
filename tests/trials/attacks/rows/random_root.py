"""An aggregator proposes random bytes as the digest of every leaf. No content that fits these digests exists
anywhere."""

from __future__ import annotations

import os

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.lies import expose

TITLE = "a random root"
PLACE = 2


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=0, watchtowers=1)
    liar = arena.actor("liar")
    arena.start()
    arena.reach(1, Phase.AGGREGATE)
    liar.propose(1, [os.urandom(32) for _ in range(arena.coordinator.config().leaf_count)])
    return expose(arena, 1)
