"""Updates are masked, so a round needs the updates of all who revealed. A member reveals and publishes nothing."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.masked_rounds import require_void
from attacks.penalties import penalized
from attacks.votes import MARGIN, PATIENT, ballots, prior_of, refusal

TITLE = "masked: a reveal whose content is missing"
PLACE = 52


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, **PATIENT)
    withholder = arena.hand("withholder", honest=False)
    withholder.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    withholder.mask(1)
    withholder.reveal(1)
    arena.reach(1, Phase.ATTEST)
    withholder.attest(1)
    arena.wait("every node misses the update", lambda: all(refusal(n, 1, withholder.address) for n in arena.nodes))
    arena.clock.jump(arena.coordinator.round_view(1).phase_end - MARGIN)
    arena.reach(1, Phase.VOID)
    require_void(arena, 1, VoidReason.TOO_FEW_ACCEPTED)
    honest = {node.address for node in arena.nodes}
    assert all(ballots(arena, 1)[node] == honest for node in honest)
    paid = penalized(arena, 1, withholder.address)
    arena.reach(2, Phase.AGGREGATE, Phase.CHALLENGE)
    assert {update.client for update in arena.coordinator.updates(2)} == honest
    return (
        f"every node missed the content, and the round was void (TooFewAccepted); {paid}; what the nodes "
        "had published opens nothing without it, so they repeated the round as a set smaller by this member, and "
        "round 2 became final"
    )
