"""How a wrong proposal ends: the same words and the same checks for all of them."""

from __future__ import annotations

from fedprotocol.chain.types import Phase

from attacks.arena import Arena


def expose(arena: Arena, round_number: int, lies: int = 1) -> str:
    """Until honest programs have convicted all `lies` wrong proposals of a round and it is final; says how.

    Raises AssertionError if any of them was not convicted, or if training waited for it.
    """
    arena.wait(
        f"{lies} wrong proposals are convicted", lambda: len(arena.events("Convicted", round_number)) == lies, 120
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
    ending = f"the global of {winner} became final; {_training(arena, round_number)}"
    return f"{what} by {judges} {seconds} s after it; {ending}"


def _training(arena: Arena, round_number: int) -> str:
    """How the nodes went on with the next round meanwhile. Raises AssertionError if they waited for the settlement."""
    settled = arena.coordinator.round_view(round_number).settled_at
    if round_number >= arena.coordinator.config().total_rounds:
        return "it was the last round"
    commits = {event.args["client"]: event for event in arena.events("Committed", round_number + 1)}
    right = arena.observer.right(round_number).root
    for node in arena.nodes:
        event = commits.get(node.address)
        assert event is not None, f"{node.name} waited with round {round_number + 1} until {round_number} was settled"
        assert event.time <= settled and event.args["prior_root"] == right, f"{node.name} trained on the wrong global"
    return f"all nodes had committed to round {round_number + 1} on their own result before"
