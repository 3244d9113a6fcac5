"""What liars propose, and how it ends: the same words and the same checks for all of them."""

from __future__ import annotations

from fedprotocol.leaves import MemoryLeaves
from fedprotocol.numbers import from_bytes, to_bytes
from fedprotocol.types import Phase
from support.synthetic import SyntheticClient

from attacks.actors import digests_of
from attacks.arena import Arena


def one_unit_more(right: MemoryLeaves, leaf: int, value: int) -> MemoryLeaves:
    """`right` with 2^-24 added to value number `value` of one leaf."""
    leaves = [right[i] for i in range(len(right))]
    values = from_bytes(leaves[leaf], 32)
    values[value] += 1
    leaves[leaf] = to_bytes(values)
    return MemoryLeaves(leaves)


def one_value_wrong(arena: Arena) -> str:
    """Nothing runs yet. Somebody adds one unit to one value of round 1's global, and proposes that first; says how it
    was exposed."""
    liar = arena.actor("liar")
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    liar.propose(1, digests_of(one_unit_more(arena.observer.right(1), leaf=3, value=17)))
    arena.start(*arena.aggregators)
    return expose(arena, 1)


def play_along(arena: Arena, client: SyntheticClient, round_number: int) -> None:
    """A client that the row acts for commits, reveals and attests as an honest one, until the inputs are fixed."""
    prior = arena.coordinator.latest_final()[1]
    client.commit(round_number, prior)
    arena.reach(round_number, Phase.REVEAL)
    client.reveal(round_number)
    arena.reach(round_number, Phase.ATTEST)
    client.attest(round_number)
    arena.reach(round_number, Phase.AGGREGATE, Phase.CHALLENGE)


def expose(arena: Arena, round_number: int, lies: int = 1, seconds: float = 120) -> str:
    """Until honest programs have convicted all `lies` wrong proposals of a round and it is final; says how.

    Raises AssertionError if any of them was not convicted, or if training waited for it.
    """
    arena.wait(
        f"{lies} wrong proposals are convicted", lambda: len(arena.events("Convicted", round_number)) == lies, seconds
    )
    arena.reach(round_number, Phase.FINAL)
    right = arena.observer.right(round_number).root
    wrong = {e.args["root"]: e for e in arena.events("Proposed", round_number) if e.args["root"] != right}
    convicted = {event.args["root"]: event for event in arena.events("Convicted", round_number)}
    assert len(wrong) == lies and convicted.keys() == wrong.keys(), "a wrong proposal was not convicted"
    winner = arena.name_of(arena.coordinator.round_view(round_number).aggregator)
    seconds = max(event.time - wrong[root].time for root, event in convicted.items())
    judges = ", ".join(sorted({arena.name_of(event.args["challenger"]) for event in convicted.values()}))
    what = "convicted" if lies == 1 else f"all {lies} convicted"
    ending = f"the global that {winner} proposed became final; {_training(arena, round_number)}"
    return f"{what} by {judges} within {seconds} s; {ending}"


def _training(arena: Arena, round_number: int) -> str:
    """How the nodes went on with the next round meanwhile. Raises AssertionError if they waited for the settlement."""
    settled = arena.coordinator.round_view(round_number).settled_at
    commits = {event.args["client"]: event for event in arena.events("Committed", round_number + 1)}
    right = arena.observer.right(round_number).root
    for node in arena.nodes:
        event = commits.get(node.address)
        assert event is not None, f"{node.name} waited with round {round_number + 1} until {round_number} was settled"
        assert event.time <= settled and event.args["prior_root"] == right, f"{node.name} trained on the wrong global"
    return f"before that, all nodes had committed to round {round_number + 1} with the result that they had computed"
