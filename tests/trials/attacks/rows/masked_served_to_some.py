"""Updates are masked. A member serves its update to one node alone: in one round at once, in the next so late that the
other nodes have voted without it."""

from __future__ import annotations

from fedprotocol.store.open import open_store
from fedprotocol.types import Phase, VoidReason

from attacks.arena import Arena
from attacks.balances import share
from attacks.masked_hand import MaskedHand
from attacks.masked_rounds import require_void
from attacks.votes import MARGIN, PATIENT, ballots, prior_of, refusal

TITLE = "masked: an update that only some are served"
PLACE = 55
LATE = 5  # seconds before the end of Attest at which the favoured node votes


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, masked=True, rounds=3, **PATIENT)
    chooser, coordinator = arena.hand("chooser", honest=False), arena.coordinator
    hidden = arena.folder / "chooser/store"
    favoured, *others = arena.nodes
    favoured.connect(f"dir:{arena.public}", f"dir:{hidden}")
    favoured.connect(f"attest_margin = {MARGIN}", f"attest_margin = {LATE}")
    to_one = open_store(f"dir:{hidden}", arena.folder / "chooser/cache")

    chooser.commit(1, prior_of(arena, 1))
    arena.start()
    _reveal(arena, chooser, 1)
    chooser.publish(1, to_one)
    arena.reach(1, Phase.AGGREGATE, Phase.CHALLENGE)
    assert coordinator.round_view(1).accepted_mask == 0b1111
    arena.party("chooser").due += share(coordinator, 1, chooser.address)

    chooser.commit(2, prior_of(arena, 2))
    _reveal(arena, chooser, 2)
    arena.wait("all miss the update", lambda: all(refusal(node, 2, chooser.address) for node in arena.nodes))
    arena.clock.jump(coordinator.round_view(2).phase_end - MARGIN)
    arena.wait("the others vote", lambda: {node.address for node in others} <= ballots(arena, 2).keys())
    chooser.publish(2, to_one)
    arena.wait("the favoured node votes", lambda: favoured.address in ballots(arena, 2))
    votes = ballots(arena, 2)
    assert [chooser.address in votes[node.address] for node in arena.nodes] == [True, False, False]
    arena.reach(2, Phase.VOID)
    require_void(arena, 2, VoidReason.TOO_FEW_ACCEPTED)
    assert not arena.events("Penalized", 2), "somebody is penalised"

    chooser.commit(3, prior_of(arena, 3))
    _reveal(arena, chooser, 3)
    chooser.publish(3)
    arena.reach(3, Phase.AGGREGATE, Phase.CHALLENGE)
    arena.party("chooser").due += share(coordinator, 3, chooser.address)
    return (
        f"{favoured.name} served on what it alone was served, and round 1 became final with it; in round 2 the others "
        "had voted by then: it was void (TooFewAccepted), and the member lost its own reward and nothing else, because "
        "a third of the others' weight vouched for it; in round 3 it served everybody"
    )


def _reveal(arena: Arena, chooser: MaskedHand, number: int) -> None:
    """Until Attest; nothing is served yet."""
    arena.reach(number, Phase.REVEAL)
    chooser.mask(number)
    chooser.reveal(number)
    arena.reach(number, Phase.ATTEST)
    chooser.attest(number)
