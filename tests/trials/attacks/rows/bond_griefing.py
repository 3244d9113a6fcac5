"""Four accounts propose the right global without having the tokens or the approval for a bond. Their last pages are
mined before those of an honest aggregator: they want to be first with its root."""

from __future__ import annotations

from functools import partial

from fedprotocol.tree import PAGE_LEAVES
from fedprotocol.types import Phase

from attacks import mempool
from attacks.actors import digests_of, proposal
from attacks.arena import Arena
from attacks.daemons import Daemon
from attacks.forced_calls import force
from attacks.judge import amount
from attacks.rows.half_paged import WIDE

TITLE = "proposals without a bond"
PLACE = 12
NO_ALLOWANCE, NO_TOKENS = "ERC20InsufficientAllowance", "ERC20InsufficientBalance"


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, spec=WIDE, node={"propose_after": 3600})
    coordinator, [aggregator] = arena.coordinator, arena.aggregators
    griefers = arena.actors("griefers", 2) + arena.actors("griefers", 2, tokens=0)
    for poor in griefers[2:]:
        poor.approve(64 * coordinator.config().bond_base)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    digests, bond = digests_of(arena.observer.right(1)), coordinator.bond_of(griefers[0].address)
    last = proposal(coordinator, 1, 1, digests[PAGE_LEAVES:])
    arena.clock.in_one_block(*(partial(griefer.page, 1, 0, digests) for griefer in griefers))

    with arena.clock.held():
        aggregator.start()
        for _ in ("approval", "first page"):
            _next_of(arena, aggregator)
            arena.clock.mine(1)
        waiting = _next_of(arena, aggregator)
        hashes = [force(griefer, last, mempool.DEAREST) for griefer in griefers]
        arena.clock.mine(len(hashes) + 1)
    places = [mempool.place(arena.chain, hash_) for hash_ in (*hashes, waiting.hash)]
    assert len({block for block, _ in places}) == 1 and places[-1] == max(places), "not in front of the aggregator"
    refusals = [mempool.refusal(arena.chain, hash_) for hash_ in hashes]
    assert refusals == [NO_ALLOWANCE, NO_ALLOWANCE, NO_TOKENS, NO_TOKENS]
    [proposed] = arena.events("Proposed", 1)
    assert (proposed.args["proposer"], proposed.args["bond"]) == (aggregator.address, bond)
    return (
        f"their last pages reverted ({NO_ALLOWANCE}, {NO_TOKENS}), so no root was used up; {aggregator.name} proposed "
        f"in the same block, after them, with a bond of {amount(bond)}"
    )


def _next_of(arena: Arena, program: Daemon) -> mempool.Transaction:
    """What the program has in the pool next."""
    arena.wait(f"{program.name} sends", lambda: bool(mempool.waiting(arena.chain, program.address)))
    return mempool.waiting(arena.chain, program.address)[0]
