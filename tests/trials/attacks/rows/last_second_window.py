"""A client names a wrong prior in the next round, so that the right proposal's window stays open for its full length.
In the last second of that window its accomplice makes a wrong proposal."""

from __future__ import annotations

import os

from fedprotocol.types import Phase

from attacks import balances
from attacks.arena import Arena
from attacks.lies import one_unit_more, play_along

TITLE = "a last-second proposal beside the right one"
PLACE = 7


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1)
    dissenter, liar = arena.client("liars", honest=False), arena.actor("liars")
    liar.approve(10 * arena.coordinator.config().bond_base)
    arena.start()
    play_along(arena, dissenter, 1)
    arena.reach(1, Phase.CHALLENGE)
    dissenter.commit(2, os.urandom(32))
    arena.wait("all commit to round 2", lambda: arena.coordinator.round_view(2).committed == 3)

    right = arena.observer.right(1)
    end = arena.coordinator.round_view(1).phase_end
    lie = one_unit_more(right, 0, 0)
    arena.clock.in_one_block(lambda: liar.propose(1, [lie.digest(i) for i in range(len(lie))]), at=end - 1)
    [proposed] = [event for event in arena.events("Proposed", 1) if event.args["root"] == lie.root]
    assert proposed.time == end - 1, "the lie was not in the last second"
    arena.reach(1, Phase.FINAL)
    view = arena.coordinator.round_view(1)
    assert (view.global_root, view.settled_at) == (right.root, end), "the lie moved the end of the window"
    assert liar.address not in _given_back(arena)
    arena.federation.transact(arena.coordinator.calls.settle(liar.address), arena.chain.accounts[-1])  # as anybody may
    assert liar.address in _given_back(arena)
    assert not arena.events("Convicted", 1)
    arena.party("liars").due += balances.share(arena.coordinator, 1, dissenter.address)  # its update was an honest one
    return (
        "the right global became final at the end of its window, not a second later; the lie came too late to win or "
        "to be convicted and got its bond back, once its account was settled; the client that had named a wrong "
        "prior paid the penalty"
    )


def _given_back(arena: Arena) -> set[str]:
    return {event.args["proposer"] for event in arena.events("BondReturned", 1)}
