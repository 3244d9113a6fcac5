"""A client reveals an update whose content nobody has, and publishes the content once the votes are counted."""

from __future__ import annotations

from fedprotocol.types import Phase

from attacks.arena import Arena
from attacks.votes import PATIENT, prior_of, refuse

TITLE = "a reveal whose content is missing"
PLACE = 17


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, **PATIENT)
    withholder = arena.client("withholder", honest=False)
    withholder.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    withholder.reveal(1, publish=False)
    arena.reach(1, Phase.ATTEST)
    withholder.attest(1)
    refuse(arena, 1, [withholder.address])
    withholder.store.put(withholder.updates[1].leaves)  # too late
    arena.reach(1, Phase.FINAL)
    return (
        "every node reported the update as missing and voted against it; it was not accepted and got no share; the "
        "round went on without it"
    )
