"""How rounds of masked federations end, and who may know what by then."""

from __future__ import annotations

from collections.abc import Callable

from fedprotocol.store.directory import car_path
from fedprotocol.types import Phase, VoidReason

from attacks.actors import Actor
from attacks.arena import Arena
from attacks.masked_hand import MaskedHand
from attacks.votes import prior_of

ELSE = "the members are others now"  # a node's words where two sums would show the difference
IN_ATTEST = (Phase.ATTEST, Phase.AGGREGATE, Phase.CHALLENGE, Phase.FINAL)


def require_void(arena: Arena, round_number: int, reason: VoidReason) -> None:
    """Raise AssertionError unless the round is void for this reason, and it costs the nodes neither money nor seat."""
    view, coordinator = arena.coordinator.round_view(round_number), arena.coordinator
    assert (view.phase, view.void_reason) == (Phase.VOID, reason), f"it ended as {view.phase.name}, {view.void_reason}"
    for node in arena.nodes:
        arena.federation.transact(coordinator.calls.settle(node.address), arena.chain.accounts[-1])
        assert coordinator.seat(node.address).active_in(coordinator.last_opened() + 1), f"{node.name} lost its seat"
    fined = {event.args["client"] for event in arena.events("Penalized", round_number)}
    assert not fined & {node.address for node in arena.nodes}, "a node is penalised"


def served(arena: Arena, round_number: int) -> list[str]:
    """Names of the nodes whose own stores have the update that they revealed in a round."""
    roots = {update.client: update.root for update in arena.coordinator.updates(round_number)}
    return [n.name for n in arena.nodes if n.address in roots and car_path(n.store, roots[n.address]).exists()]


def impeach(arena: Arena, round_number: int) -> str:
    """Until honest programs have made the round void because its updates add up to garbage; says which of them.

    No time is jumped over: what nobody impeaches in its window becomes final.
    """
    arena.wait("the round is impeached", lambda: arena.phase(round_number) is Phase.VOID)
    require_void(arena, round_number, VoidReason.GARBAGE)
    programs = [*arena.nodes, *arena.aggregators, *arena.watchtowers]
    arena.wait("somebody says it", lambda: any("IMPEACHED" in program.output for program in programs))
    return ", ".join(program.name for program in programs if "IMPEACHED" in program.output)


def commit_last(
    arena: Arena, hand: MaskedHand, number: int, before: Callable[[bytes], object] = lambda _: None
) -> None:
    """When all nodes have committed. `before` is called with its key before anybody sees that."""
    arena.wait("all nodes commit", lambda: len(arena.events("Committed", number)) == len(arena.nodes))
    hand.commit(number, prior_of(arena, number), before)


def deliver(arena: Arena, hand: MaskedHand, number: int) -> None:
    """From its commit to its reveal, as an honest member does it; its update is in the store before."""
    arena.reach(number, Phase.REVEAL)
    hand.mask(number)
    hand.publish(number)
    hand.reveal(number)


def play_along(arena: Arena, hand: MaskedHand, number: int) -> None:
    """From its commit to its vote, as an honest member does it."""
    deliver(arena, hand, number)
    arena.reach(number, Phase.ATTEST)
    hand.attest(number)


def send_noise(arena: Arena, vandal: MaskedHand) -> None:
    """Round 1 until all have voted, with noise from `vandal`. Nothing but the nodes runs then, and these are frozen."""
    vandal.commit(1, prior_of(arena, 1))
    arena.start(*arena.nodes)
    arena.reach(1, Phase.REVEAL)
    vandal.noise(1)
    vandal.publish(1)
    vandal.reveal(1)
    garble(arena, lambda: vandal.attest(1))


def garble(arena: Arena, last: Callable[[], object]) -> None:
    """Freeze all nodes once they have voted in round 1; then `last` is called, which ends Attest. So the round is void
    before any of them begins another."""
    arena.wait("all nodes vote", lambda: len(arena.events("Attested", 1)) == len(arena.nodes))
    for node in arena.nodes:
        node.freeze()
    last()


def put_out(arena: Arena, member: str, anybody: Actor, next_round: int = 2) -> str:
    """The round before is void, and all nodes are frozen. The sponsor takes a member off its list and anybody drops it;
    says what the nodes do until their operators agree to the smaller set in the next round.

    Raises AssertionError if one of them commits before.
    """
    arena.gate.refuse(member)
    anybody.send(arena.coordinator.calls.drop(member), "drop")
    for node in arena.nodes:
        node.thaw()
    arena.wait("every node refuses", lambda: all(ELSE in node.output for node in arena.nodes))
    assert not arena.events("Committed", next_round), "a node committed although it would not publish"
    for node in arena.nodes:
        node.stop()
        arena.know(node, changed_in=[next_round])
    arena.start(*arena.nodes)
    arena.reach(next_round, Phase.AGGREGATE, Phase.CHALLENGE)
    return (
        "once the sponsor had put the member out, no node committed, because two sums would show the difference; when "
        f"their operators had agreed to the smaller set, round {next_round} became final"
    )
