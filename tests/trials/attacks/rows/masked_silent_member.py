"""Updates are masked, so a round needs the updates of all who committed. A member commits and never reveals."""

from __future__ import annotations

from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.masked_rounds import require_void, served
from attacks.penalties import penalized
from attacks.votes import prior_of

TITLE = "masked: a member that never reveals"
PLACE = 51


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True)
    silent = arena.hand("silent", honest=False)
    silent.commit(1, prior_of(arena, 1))
    arena.start()
    arena.reach(1, Phase.REVEAL)
    arena.wait("all nodes reveal", lambda: len(arena.events("Revealed", 1)) == len(arena.nodes))
    arena.reach(1, Phase.VOID)
    require_void(arena, 1, VoidReason.TOO_FEW_REVEALS)
    assert not served(arena, 1), "content of an update left although not all had revealed"
    paid = penalized(arena, 1, silent.address)
    arena.reach(2, Phase.AGGREGATE, Phase.CHALLENGE)
    assert {update.client for update in arena.coordinator.updates(2)} == {node.address for node in arena.nodes}
    return (
        f"the round was void (TooFewReveals), and no node had published anything of its update; {paid}, so that round "
        "2 went on without it"
    )
