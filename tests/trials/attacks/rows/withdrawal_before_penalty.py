"""Two clients that owe a penalty, one for not revealing and one for naming a wrong prior, leave and ask for their
stakes again and again, in every phase and down to the last second before their round is settled."""

from __future__ import annotations

import os

from fedprotocol.types import PenaltyReason, Phase
from support.synthetic import SyntheticClient

from attacks.arena import Arena
from attacks.escape import Escape
from attacks.forced_calls import force
from attacks.judge import amount
from attacks.mempool import refusal

TITLE = "withdrawal while a penalty is due"
PLACE = 27


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=0, rounds=3)
    silent, dissenter = (arena.client(name, honest=False) for name in ("silent", "dissenter"))
    silent.commit(1, arena.genesis.root)
    arena.start()
    first = Escape(arena, silent, 1)
    for phase in (Phase.REVEAL, Phase.ATTEST, Phase.AGGREGATE):
        first.until(phase)
    for node in arena.nodes:
        node.freeze()  # or Train of round 2 could be over before anybody looks
    dissenter.commit(2, os.urandom(32))  # which keeps the window of round 1 open in full
    second = Escape(arena, dissenter, 2)
    second.until(Phase.TRAIN)
    for node in arena.nodes:
        node.thaw()
    first.until(Phase.CHALLENGE)
    arena.wait("both nodes commit to round 2", lambda: arena.coordinator.round_view(2).committed == 3)
    _at_the_last_second(arena, silent)
    for phase in (Phase.REVEAL, Phase.ATTEST, Phase.AGGREGATE, Phase.CHALLENGE):
        second.until(phase)
    arena.play("the dissenter is out", second)

    config = arena.coordinator.config()
    reasons = {e.args["client"]: PenaltyReason(e.args["reason"]) for e in arena.events("Penalized")}
    assert reasons == {silent.address: PenaltyReason.NOT_REVEALED, dissenter.address: PenaltyReason.WRONG_PRIOR}
    assert first.taken == second.taken == config.min_stake - config.penalty
    phases = ", ".join(phase.name.lower() for phase in sorted({*first.refused, *second.refused}))
    return (
        f"every request was refused (StillPending) in {phases}, to the last second before settlement; then each "
        f"client took out {amount(first.taken)} of its stake of {amount(config.min_stake)}; the penalty was kept"
    )


def _at_the_last_second(arena: Arena, client: SyntheticClient) -> None:
    """It withdraws a second before its round is final by the clock, and in the first block in which it is."""
    withdraw, end = arena.coordinator.calls.withdraw(), arena.coordinator.round_view(1).phase_end
    arena.clock.flush()
    with arena.clock.held():
        too_early = force(client, withdraw)
        arena.clock.mine(1, at=end - 1)
        in_time = force(client, withdraw)
        arena.clock.mine(1, at=end)
    assert refusal(arena.chain, too_early) == "StillPending"
    assert not refusal(arena.chain, in_time)
