"""Updates are masked, and a commit is a key that binds its sender to no update. A thief reads a node's key in the
mempool and has it mined first under its own name, and does the same with the root that the node reveals."""

from __future__ import annotations

from attacks import mempool
from attacks.arena import Arena
from attacks.masked_rounds import garble, impeach, put_out

TITLE = "masked: another's key and root copied"
PLACE = 54


def run(arena: Arena) -> str:
    arena.open(nodes=3, aggregators=1, watchtowers=1, masked=True)
    thief, anybody = arena.actor("thief"), arena.actor("anybody", honest=True)
    arena.gate.admit(thief.address)
    thief.join()
    victim = arena.nodes[0]
    with arena.clock.held():
        for daemon in arena.nodes:
            daemon.start()
        for step in ("commit", "reveal"):
            arena.wait("all send", lambda: all(mempool.waiting(arena.chain, node.address) for node in arena.nodes))
            [own] = mempool.waiting(arena.chain, victim.address)
            copy = mempool.outrun(thief, own)
            arena.clock.mine(len(arena.nodes) + 1)  # ends the phase
            assert mempool.place(arena.chain, copy) < mempool.place(arena.chain, own.hash), (
                f"the copied {step} was late"
            )
            for sent in (copy, own.hash):
                assert not mempool.refusal(arena.chain, sent), f"the {step} was refused"
    keys = {event.args["client"]: event.args["hash"] for event in arena.events("Committed", 1)}
    roots = {update.client: update.root for update in arena.coordinator.updates(1)}
    assert keys[thief.address] == keys[victim.address] and roots[thief.address] == roots[victim.address]
    view = arena.coordinator.round_view(1)
    vote = arena.coordinator.calls.attest(1, view.inputs_hash, (1 << view.revealed) - 1)
    garble(arena, lambda: thief.send(vote, "attest"))
    arena.start(*arena.watchtowers, *arena.aggregators)
    judges = impeach(arena, 1)
    return (
        f"key and root stood under the thief's name before they stood under that of {victim.name}; who was first shows "
        "nothing, and no node rejected either; the thief has no masks of its own, so that the sum was garbage: "
        f"{judges} impeached the round, nobody was paid and nobody paid; "
        f"{put_out(arena, thief.address, anybody)}"
    )
