"""A client has made a wrong proposal that is about to be convicted. It tries every way to take back its bond and its
stake, and tries once more in the block of the proof, just before it."""

from __future__ import annotations

from typing import Any

from fedprotocol.leaves import MemoryLeaves
from support.synthetic import SyntheticClient

from attacks import balances, mempool
from attacks.actors import digests_of, proposal
from attacks.arena import Arena
from attacks.forced_calls import force
from attacks.judge import amount
from attacks.lies import expose, one_unit_more, play_along

TITLE = "withdrawal while a slash is due"
PLACE = 27


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=0, watchtowers=1, node={"challenge_after": 10**6})
    coordinator, [tower] = arena.coordinator, arena.watchtowers
    thief = arena.client("thief", honest=False)
    arena.start(*arena.nodes)
    play_along(arena, thief, 1)
    stake, bond = coordinator.seat(thief.address).stake, coordinator.bond_of(thief.address)
    right = arena.observer.right(1)
    lie = one_unit_more(right, 2, 5)
    coordinator.token.ensure_allowance(thief.sender, coordinator.address, 10 * bond)
    thief.sender.send(proposal(coordinator, 1, 0, digests_of(lie)), "propose")
    thief.sender.send(coordinator.calls.exit(), "exit")

    ways = _ways(arena, thief, lie, right)
    assert _refusals(arena, thief, ways) == list(ways)
    with arena.clock.held():
        tower.start()
        arena.wait("the watchtower's proof", lambda: bool(mempool.waiting(arena.chain, tower.address)))
        [proof] = mempool.waiting(arena.chain, tower.address)
        assert _refusals(arena, thief, ways, before=proof.hash) == list(ways)
    [convicted] = arena.events("Convicted", 1)
    assert convicted.args["root"] == lie.root
    ending = expose(arena, 1)

    share = balances.share(coordinator, 1, thief.address)
    arena.party("thief").due += share  # its update was an honest one
    before = coordinator.token.balance_of(thief.address)
    thief.sender.send(coordinator.calls.withdraw(), "withdraw")
    thief.sender.send(coordinator.calls.claim(), "claim")
    assert coordinator.token.balance_of(thief.address) - before == stake + share
    return (
        f"every way was refused, before the proof and in its block ({', '.join(ways)}); the bond of {amount(bond)} "
        "was lost; the stake, which a lost bond does not touch, came out once the round was settled; the lie was "
        f"{ending}"
    )


def _ways(arena: Arena, thief: SyntheticClient, lie: MemoryLeaves, right: MemoryLeaves) -> dict[str, Any]:
    """Calls by the error that each must meet."""
    calls = arena.coordinator.calls
    return {
        "NothingOwed": calls.claim(),
        "StillPending": calls.withdraw(),
        "WithdrawFirst": calls.join(arena.coordinator.config().min_stake),
        "AlreadyProposed": proposal(arena.coordinator, 1, 0, digests_of(right)),
        "NotDisputes": arena.coordinator.contract.functions.convict(1, lie.root, thief.address),
        "NotAbandoned": calls.abandon(1),
        "NotSponsor": calls.close(),
    }


def _refusals(arena: Arena, thief: SyntheticClient, ways: dict[str, Any], before: str = "") -> list[str]:
    """What each call met, mined one after the other; with `before`, in front of that transaction in its block."""
    hashes = [force(thief, call, mempool.DEAREST) for call in ways.values()]
    if before:
        arena.clock.mine(len(hashes) + 1)
        block, index = mempool.place(arena.chain, before)
        places = [mempool.place(arena.chain, hash_) for hash_ in hashes]
        assert all(place[0] == block and place[1] < index for place in places), "not in front of the proof"
    return [mempool.refusal(arena.chain, hash_) for hash_ in hashes]
