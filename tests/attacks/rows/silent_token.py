"""A whole federation on a token like USDT: no call returns anything, and an allowance must be zero before it changes. A
liar puts its proposal in front of an aggregator's: the bond doubles, and what the aggregator approved is too little."""

from __future__ import annotations

from fedprotocol.chain.types import Phase

from attacks import mempool
from attacks.actors import Actor, digests_of, proposal
from attacks.arena import Arena
from attacks.forced import force
from attacks.lies import expose, one_unit_more

TITLE = "a token that returns nothing"
PLACE = 28
PANIC = "4e487b71"  # selector: the token subtracts more than there is
GOES_ON = False  # both rounds are final by then, and everybody has left


def run(arena: Arena) -> str:
    arena.open(nodes=2, aggregators=1, mock="SilentToken", node={"propose_after": 3600})
    [aggregator] = arena.aggregators
    liar = arena.actor("liar")
    liar.approve(arena.coordinator.bond_of(liar.address))
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    for node in arena.nodes:
        node.freeze()  # or they would propose beside the lie, each with a first approval
    _raise_the_bond(arena, liar)
    arena.wait("the right one is proposed", lambda: arena.observer.right(1).root in arena.live(1))
    assert "take back an approval" in aggregator.output
    for node in arena.nodes:
        node.thaw()
    ending = f"which was {expose(arena, 1)}"
    assert arena.coordinator.round_view(1).aggregator == aggregator.address

    arena.reach(2, Phase.FINAL)
    programs = [*arena.nodes, aggregator]
    for program in programs:
        program.stop()
        program.tell("claim")
    for node in arena.nodes:
        node.tell("exit")
    for program in programs:
        seat, owed = arena.coordinator.seat(program.address), arena.coordinator.owed(program.address)
        assert (seat.stake, owed) == (0, 0), f"{program.name} has not all of its money"
    return (
        f"the proposal reverted; {aggregator.name} took its approval back, approved the doubled bond and proposed "
        f"beside the lie, {ending}; after the last round everybody claimed and withdrew all"
    )


def _raise_the_bond(arena: Arena, liar: Actor) -> None:
    """The lie is mined in front of the aggregator's proposal, in the same block."""
    chain, [aggregator] = arena.chain, arena.aggregators
    lie = one_unit_more(arena.observer.right(1), 0, 0)
    with arena.clock.held():
        aggregator.start()
        for what in ("approval", "proposal"):
            arena.wait(f"the aggregator's {what}", lambda: bool(mempool.waiting(chain, aggregator.address)))
            [waiting] = mempool.waiting(chain, aggregator.address)
            if what == "proposal":
                force(liar, proposal(arena.coordinator, 1, 0, digests_of(lie)), mempool.DEAREST)
            arena.clock.mine(1)
    assert arena.live(1) == [lie.root]
    met = mempool.refusal(chain, waiting.hash)
    assert met.startswith(PANIC), f"the approval was too little for the doubled bond, and it met {met!r}"
