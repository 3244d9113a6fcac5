"""A copier reads the honest challenger's proof in the mempool and pays more to be mined first. Then the liar's own
accomplice does the same, to get back a part of what a second lie costs."""

from __future__ import annotations

from fedprotocol.chain.read.events import Event
from fedprotocol.leaves import MemoryLeaves
from support.synthetic import play_inputs

from attacks import mempool
from attacks.actors import Actor, digests_of
from attacks.arena import Arena
from attacks.judge import amount
from attacks.lies import one_unit_more
from attacks.together import play_round

TITLE = "a front-run proof"
PLACE = 30


def run(arena: Arena) -> str:
    arena.open(nodes=0, aggregators=1, watchtowers=1)
    [tower] = arena.watchtowers
    clients = [arena.client("clients", honest=True) for _ in range(3)]
    copier = arena.actor("copier", tokens=0)
    liar, second, accomplice = arena.actors("liars", 3)
    play_inputs(clients, 1, arena.genesis.root)
    right = arena.observer.right(1)

    lie = one_unit_more(right, 1, 3)
    liar.propose(1, digests_of(lie))
    with arena.clock.held():
        tower.start()
        copied = _overtaken(arena, copier, lie)
    bounty = copied.args["bounty"]
    # Convicting is honest work whoever does it, and whoever found out first.
    arena.party("copier").due += bounty

    other = one_unit_more(right, 2, 4)
    before = arena.coordinator.balances().burned
    tower.freeze()
    second.propose(1, digests_of(other))
    with arena.clock.held():
        tower.thaw()
        own = _overtaken(arena, accomplice, other)
    burned = arena.coordinator.balances().burned - before
    bond = burned + own.args["bounty"]
    assert 2 * burned >= bond > 0, "convicting oneself was cheap"

    arena.start(*arena.aggregators)
    arena.wait("the right one is proposed", lambda: arena.live(1) == [right.root])
    play_round(arena, clients, 2, right.root)
    assert not [e for e in arena.events("Convicted") if arena.name_of(e.args["challenger"]) == tower.name]
    return (
        f"the copied proof, mined before {tower.name}'s, convicted the lie and took the bounty of {amount(bounty)}; "
        f"{tower.name} lost the gas of a call that reverted; the liars, convicted by their own accomplice, got "
        f"{amount(bond - burned)} of a bond of {amount(bond)} back"
    )


def _overtaken(arena: Arena, copier: Actor, lie: MemoryLeaves) -> Event:
    """The conviction by a copy of the watchtower's proof, mined in the same block as the proof and before it."""
    chain, [tower] = arena.chain, arena.watchtowers
    arena.wait("the watchtower's proof", lambda: bool(mempool.waiting(chain, tower.address)))
    [proof] = mempool.waiting(chain, tower.address)
    copy = mempool.outrun(copier, proof)
    arena.clock.mine(2)
    (block, first), (same_block, after) = mempool.place(chain, copy), mempool.place(chain, proof.hash)
    assert block == same_block and first < after, "the copy was not in front"
    assert not mempool.refusal(chain, copy)
    assert mempool.refusal(chain, proof.hash) == "WrongPhase"  # no proposal is left to challenge
    convicted = arena.events("Convicted", 1)[-1]
    assert (convicted.args["root"], convicted.args["challenger"]) == (lie.root, copier.address)
    return convicted
