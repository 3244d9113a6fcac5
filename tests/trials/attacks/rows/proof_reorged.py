"""Re-orgs happen around a proof. While it waits in the pool, the inputs are dropped and come back in another order.
Then the conviction is dropped, then the proposal with it, and at last the right proposal."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.chain.read.events import Event
from fedprotocol.types import Phase
from support.synthetic import SyntheticClient

from attacks import mempool
from attacks.actors import Actor, digests_of
from attacks.arena import Arena
from attacks.lies import one_unit_more
from attacks.reorg import drop
from attacks.together import play_round

TITLE = "a re-org under a proof"
PLACE = 31


def run(arena: Arena) -> str:
    arena.open(nodes=0, aggregators=1, watchtowers=1, revealLength=3600)
    [tower] = arena.watchtowers
    clients = [arena.client("clients", honest=True) for _ in range(3)]
    liar = arena.actor("liar")
    liar.approve(64 * arena.coordinator.config().bond_base)
    for client in clients:
        client.commit(1, arena.genesis.root)
    before_inputs = arena.chain.web3.eth.block_number
    _fix_inputs(clients)
    right = arena.observer.right(1)
    lie = digests_of(one_unit_more(right, 1, 3))
    liar.propose(1, lie)

    with arena.clock.held():
        tower.start()
        _other_inputs(arena, clients, liar, lie, before_inputs)
    assert arena.observer.right(1).root == right.root  # a sum does not know the order
    first = _conviction(arena)
    with arena.clock.held():
        drop(arena, first.block)
        assert len(arena.live(1)) == 1, "the conviction is still there"
    second = _conviction(arena)
    assert second.block_hash != first.block_hash
    with arena.clock.held():
        drop(arena, arena.events("Proposed", 1)[0].block)
        assert not arena.live(1) and not arena.events("Convicted", 1), "the proposal is still there"
    liar.propose(1, lie)
    third = _conviction(arena)
    assert {arena.name_of(e.args["challenger"]) for e in (first, second, third)} == {tower.name}

    arena.start(*arena.aggregators)
    arena.wait("the right one is proposed", lambda: arena.live(1) == [right.root])
    with arena.clock.held():
        drop(arena, arena.events("Proposed", 1)[-1].block)
        assert not arena.live(1), "the right proposal is still there"
    arena.wait("the right one is proposed again", lambda: arena.live(1) == [right.root])
    play_round(arena, clients, 2, right.root)
    return (
        f"the proof made before the first re-org was refused (WrongInputs), and {tower.name} made another; it "
        "convicted again when its conviction was dropped, and again when the lie was proposed once more; the right "
        "proposal was dropped too, and came back"
    )


def _other_inputs(
    arena: Arena, clients: Sequence[SyntheticClient], liar: Actor, lie: Sequence[bytes], before_inputs: int
) -> None:
    """Under the watchtower's proof, which waits in the pool. No proof of the inputs that were must count any more."""
    chain, [tower] = arena.chain, arena.watchtowers
    arena.wait("the watchtower's proof", lambda: bool(mempool.waiting(chain, tower.address)))
    [proof] = mempool.waiting(chain, tower.address)
    inputs_hash = arena.coordinator.round_view(1).inputs_hash
    drop(arena, before_inputs + 1)
    assert arena.phase(1) is Phase.REVEAL and not arena.coordinator.updates(1)
    arena.clock.at_once()
    _fix_inputs(clients[::-1])
    assert arena.coordinator.round_view(1).inputs_hash != inputs_hash
    liar.propose(1, lie)
    again = mempool.push(liar, proof.to, proof.data, proof.gas)
    assert mempool.refusal(chain, proof.hash) == mempool.refusal(chain, again) == "WrongInputs"


def _fix_inputs(clients: Sequence[SyntheticClient]) -> None:
    for client in clients:
        client.reveal(1)
    for client in clients:
        client.attest(1)


def _conviction(arena: Arena) -> Event:
    arena.wait("the lie is convicted", lambda: bool(arena.events("Convicted", 1)))
    [event] = arena.events("Convicted", 1)
    return event
