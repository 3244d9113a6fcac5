"""An attacker challenges a right global in every way that we can think of: with its true proof, with the rounds,
updates, bytes, places and sums of others, by calling the coordinator without going through Disputes, and after the
window is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fedprotocol.chain.read.disputes import Disputes, calldata
from fedprotocol.types import Phase
from support.evm import compiled

from attacks import mempool
from attacks.actors import Actor
from attacks.arena import Arena
from attacks.false_proofs import KEPT, LEAF, Attempt, false_proofs
from attacks.lies import one_unit_more
from attacks.proofs import Evidence
from attacks.together import play_round

TITLE = "a right global challenged"
PLACE = 14
GOES_ON = False  # the federation is over with the second round
GAS = 10**6


def run(arena: Arena) -> str:
    arena.open(nodes=0, aggregators=1)
    clients = [arena.client("clients", honest=True) for _ in range(4)]
    withholder, griefer = arena.client("griefers", honest=False), arena.actor("griefers")
    others = _others_contracts(arena)
    play_round(arena, clients, 1, arena.genesis.root, withholder)
    arena.start()
    arena.reach(1, Phase.CHALLENGE)
    past_right = arena.observer.right(1)
    past = Evidence.of(arena, clients, 1, arena.genesis)
    play_round(arena, clients, 2, past_right.root, withholder)
    arena.reach(2, Phase.CHALLENGE)
    right = arena.observer.right(2)
    assert arena.live(2) == [right.root]

    now, disputes = Evidence.of(arena, clients, 2, past_right), Disputes(arena.coordinator)
    carry = mempool.push(griefer, disputes.address, calldata(disputes.call(now.step(LEAF, 0, KEPT))), GAS)
    assert not mempool.refusal(arena.chain, carry)
    unproposed = one_unit_more(right, LEAF, 0)
    proofs = false_proofs(right, now, past, past_right, withholder.updates[2].leaves, unproposed)
    attempts = [Attempt(what, disputes.address, calldata(disputes.call(p)), error) for what, p, error in proofs]
    true, unfounded = attempts[LEAF], next(a for a in attempts if a.error == "NoSuchProposal")
    attempts += _past_the_judge(arena, true, unfounded, *others)
    _refused(arena, griefer, attempts)
    assert arena.phase(2) is Phase.CHALLENGE and arena.live(2) == [right.root]

    arena.reach(2, Phase.FINAL)
    late = [true, replace(unfounded, what="a wrong global when the window is over", error="WrongPhase")]
    _refused(arena, griefer, late)
    view, [aggregator] = arena.coordinator.round_view(2), arena.aggregators
    assert (view.global_root, view.aggregator) == (right.root, aggregator.address)
    arena.wait("the bond is given back", lambda: len(arena.events("BondReturned", 2)) == 1)
    assert not arena.events("Convicted")
    kinds = {attempt.error for attempt in (*attempts, *late)}
    return (
        f"{len(attempts) + len(late)} challenges were mined, and each was refused with the expected error "
        f"({', '.join(sorted(kinds))}); the right global became final and {aggregator.name} has its bond back"
    )


def _others_contracts(arena: Arena) -> tuple[str, str, str]:
    """Addresses of a fake coordinator, of a contract that convicts unproven, of a true copy of Disputes."""
    stranger = arena.chain.accounts[-1]
    fake = arena.chain.deploy("FakeCoordinator", arena.coordinator.address, sender=stranger)
    return (
        fake.address,
        arena.chain.deploy("DisputesMock", sender=stranger).address,
        arena.chain.deploy("Disputes", sender=stranger).address,
    )


def _past_the_judge(
    arena: Arena, true: Attempt, unfounded: Attempt, fake: str, unproven: str, copy: str
) -> list[Attempt]:
    """Convictions that do not come from the contract that the coordinator obeys."""
    coordinator = arena.coordinator
    [proposal] = coordinator.proposals(2)
    direct = calldata(coordinator.contract.functions.convict(2, proposal.root, proposal.proposer))
    mock = arena.chain.web3.eth.contract(address=unproven, abi=compiled("DisputesMock")["abi"])
    through = calldata(mock.functions.convict(coordinator.address, 2, proposal.root))
    for_fake = true.data[:4] + bytes.fromhex(fake[2:]).rjust(32, b"\0") + true.data[36:]
    return [
        Attempt("a conviction by hand", coordinator.address, direct, "NotDisputes"),
        Attempt("a contract that convicts unproven", unproven, through, "NotDisputes"),
        Attempt("a coordinator with another learning rate", true.to, for_fake, "NotDisputes"),
        Attempt("a copy of Disputes", copy, unfounded.data, "NotDisputes"),
        replace(true, what="calldata cut short", data=true.data[:-32], error=mempool.NO_REASON),
    ]


def _refused(arena: Arena, griefer: Actor, attempts: Sequence[Attempt]) -> None:
    """Send all of them; each must be mined and revert as it should. Raises AssertionError."""
    sent = [mempool.push(griefer, attempt.to, attempt.data, GAS) for attempt in attempts]
    for attempt, tx_hash in zip(attempts, sent, strict=True):
        found = mempool.refusal(arena.chain, tx_hash)
        assert found == attempt.error, f"{attempt.what}: {found or 'it went through'}, not {attempt.error}"
