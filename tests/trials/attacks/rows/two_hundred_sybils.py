"""One attacker divides a stake among 200 accounts, which together have a third of the weight. All but one of them hand
in good updates, and all of them vouch for each other and for nobody else."""

from __future__ import annotations

from functools import partial

from fedprotocol.store.directory import car_path
from fedprotocol.types import Phase
from support.live_federation import TOKEN

from attacks.arena import Arena
from attacks.balances import aggregator_share
from attacks.clients import add_stake
from attacks.crowd import Crowd
from attacks.judge import amount
from attacks.votes import PATIENT, part_of, prior_of, refuse

TITLE = "200 accounts of the smallest stake"
PLACE = 26
SYBILS, HONEST = 200, 4
STAKE = 40  # tokens, the smallest; it carries as many examples
HONEST_STAKE = (2 * SYBILS - 1) * STAKE // HONEST  # with the node's, the smallest one, two thirds of all
SETTINGS = {"maxClients": 256, "minClients": 1, "minStake": STAKE * TOKEN, "penalty": STAKE * TOKEN // 4}


def run(arena: Arena) -> str:
    arena.open(nodes=1, aggregators=1, **PATIENT, **SETTINGS)
    honest = [arena.client("clients", honest=True, examples=HONEST_STAKE) for _ in range(HONEST)]
    for client in honest:
        add_stake(client, (HONEST_STAKE - STAKE) * TOKEN)
    crowd, prior = Crowd(arena, "sybils", False, SYBILS, STAKE), prior_of(arena, 1)
    *working, empty = crowd.members
    for client in honest:
        client.commit(1, prior)
    crowd.commit(1, prior)
    car_path(arena.public, empty.update.root).unlink()

    arena.start()
    arena.reach(1, Phase.REVEAL)
    arena.clock.in_one_block(*(partial(client.reveal, 1) for client in honest))
    crowd.reveal(1)
    arena.clock.every_second()
    arena.reach(1, Phase.ATTEST)
    sybils = [member.address for member in crowd.members]
    assert part_of(arena, 1, *sybils) == (1, 3)
    index = {update.client: i for i, update in enumerate(arena.coordinator.updates(1))}
    arena.clock.in_one_block(*(partial(client.attest, 1, absent=[index[empty.address]]) for client in honest))
    crowd.attest(1, sum(1 << index[sybil] for sybil in sybils))
    arena.clock.every_second()
    refuse(arena, 1, [empty.address])
    arena.reach(1, Phase.FINAL)

    # What one account with all the stake that worked would have been paid.
    pot = arena.coordinator.config().round_reward - aggregator_share(arena.coordinator)
    one_account = pot * len(working) * STAKE // arena.coordinator.round_view(1).total_weight
    arena.party("sybils").due += one_account
    return (
        "a third of the votes could neither reject an update nor get one accepted: all honest updates were accepted, "
        f"and the empty one was not; {len(working)} shares of {STAKE} examples came to no more than one share of "
        f"{len(working) * STAKE:,} would, {amount(one_account)}"
    )
