"""The token calls back during transfers. While the coordinator takes or pays money, the issuer's own or an honest
aggregator's, the issuer uses this to claim, withdraw, join and propose once more."""

from __future__ import annotations

from typing import Any

from fedprotocol.types import Phase

from attacks import balances, mempool
from attacks.actors import Actor, digests_of, proposal
from attacks.arena import Arena
from attacks.forced_calls import force
from attacks.puppet import Puppet

TITLE = "a re-entrant token"
PLACE = 28
SHUT = "ReentrancyGuardReentrantCall"
ALONE = {"propose_after": 3600}


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, node=ALONE, mock="ReentrantToken")
    coordinator, [aggregator] = arena.coordinator, arena.aggregators
    calls, token, stake = coordinator.calls, coordinator.token, coordinator.config().min_stake
    master = arena.actor("issuer")
    issuer = Puppet(arena, master)
    master.send(issuer.all_of(token.approve(coordinator.address, 2**255)), "approve")
    doors = Doors(arena, master, issuer)

    doors.through(calls.join(stake), pays=-stake)
    doors.through(calls.add_stake(1), pays=-1)
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    bond = coordinator.bond_of(issuer.address)
    doors.through(proposal(coordinator, 1, 0, digests_of(arena.observer.right(1))), pays=-bond)
    arena.reach(1, Phase.FINAL)
    share = balances.aggregator_share(coordinator)
    arena.party("issuer").due += share  # its proposal was the right one
    doors.through(calls.claim(), pays=bond + share)
    master.send(issuer.all_of(calls.exit()), "exit")
    doors.through(calls.withdraw(), pays=stake + 1)

    arena.reach(2, Phase.AGGREGATE)
    again = proposal(coordinator, 2, 0, digests_of(arena.observer.right(2)))
    master.send(issuer.armed(issuer.all_of(again)), "arm")
    aggregator.start()
    arena.wait("the aggregator is refused", lambda: SHUT in aggregator.output)
    assert not arena.live(2)
    master.send(issuer.armed(issuer.attempt(again)), "arm")
    arena.wait("the aggregator proposes", lambda: bool(arena.live(2)))
    [proposed] = arena.events("Proposed", 2)
    assert proposed.args["proposer"] == aggregator.address
    assert issuer.refused() == (doors.count + 1) * [SHUT]
    return (
        f"{doors.refused} calls from inside {doors.count} transfers were refused ({SHUT}); nothing was paid twice; "
        f"{aggregator.name} could not propose as long as the token made its transfers fail; afterwards it did"
    )


class Doors:
    """The calls during which the coordinator moves tokens, and what is tried from inside of each."""

    def __init__(self, arena: Arena, master: Actor, puppet: Puppet) -> None:
        self._arena = arena
        self._master = master
        self._puppet = puppet
        self.count = self.refused = 0

    def through(self, call: Any, pays: int) -> None:
        """Nothing else gets in while `call` moves money, neither so that both fail nor so that `call` succeeds alone,
        after which the puppet has `pays` token units more."""
        arena, puppet, token = self._arena, self._puppet, self._arena.coordinator.token
        before = token.balance_of(puppet.address)
        hashes = [force(self._master, puppet.ambush(call, inner)) for inner in self._inside(call)]
        refusals = {mempool.refusal(arena.chain, hash_) for hash_ in hashes}
        assert refusals == {SHUT}, f"{call.fn_name}: {refusals}"
        assert token.balance_of(puppet.address) == before
        self._master.send(puppet.quiet_ambush(call, call), call.fn_name)
        assert token.balance_of(puppet.address) - before == pays, call.fn_name
        self.count += 1
        self.refused += len(hashes) + 1

    def _inside(self, call: Any) -> list[Any]:
        coordinator = self._arena.coordinator
        calls, stake = coordinator.calls, coordinator.config().min_stake
        others = (calls.claim(), calls.withdraw(), calls.exit(), calls.join(stake), calls.add_stake(1), calls.fund(1))
        return [call, *others, calls.open(), calls.settle(self._puppet.address)]
