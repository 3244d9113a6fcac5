"""The proof is too long for one call. The liar's accomplice carries parts of it before the watchtower does, and again
just before each of the watchtower's calls: the same parts, other parts, and false ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fedprotocol.chain.read.disputes import Disputes, Opening, Step, Sums, calldata
from support.synthetic import play_inputs

from attacks import mempool
from attacks.actors import Actor, digests_of
from attacks.arena import Arena
from attacks.lies import one_unit_more
from attacks.proofs import Evidence
from attacks.together import play_round

TITLE = "a carried case that somebody else interleaves"
PLACE = 13
CLIENTS, LEAF, VALUE = 13, 2, 17
LONG = {"leaf_count": 4, "leaf_values": 8192, "mantissaBits": 16}  # 16 KiB a client's leaf, 64 KiB the sums
POOL_BYTES = 128 * 1024
STEP_GAS = 10**7
BEFORE = ((0, 2), (0, 1), (1, 3))  # carried before the watchtower is there, from two starting points, not in order


def run(arena: Arena) -> str:
    arena.open(nodes=0, aggregators=1, watchtowers=1, **LONG)
    [tower] = arena.watchtowers
    clients = [arena.client("clients", honest=True) for _ in range(CLIENTS)]
    liar, griefer = arena.actor("liars"), arena.actor("liars")
    play_inputs(clients, 1, arena.genesis.root)
    right = arena.observer.right(1)
    liar.propose(1, digests_of(one_unit_more(right, LEAF, VALUE)))
    griefing = Griefing(arena, griefer, Evidence.of(arena, clients, 1, arena.genesis))
    griefing.before()

    first_block = arena.chain.web3.eth.block_number + 1
    with arena.clock.held():
        tower.start()
        while not arena.events("Convicted", 1):
            arena.wait("a call of the watchtower", lambda: bool(mempool.waiting(arena.chain, tower.address)))
            griefing.in_front(*mempool.waiting(arena.chain, tower.address))
    [convicted] = arena.events("Convicted", 1)
    assert arena.name_of(convicted.args["challenger"]) == tower.name
    calls = mempool.mined(arena.chain, tower.address, griefing.disputes.address, first_block)
    assert len(calls) >= 3, "the case was to be a long one"
    assert all(len(call.data) < POOL_BYTES for call in calls)
    assert not any(mempool.refusal(arena.chain, call.hash) for call in calls), "the watchtower was made to revert"
    began = griefing.start_of(calls[0])
    assert began == max(stop for _, stop in BEFORE), "the watchtower made no use of what was carried"

    arena.start(*arena.aggregators)
    arena.wait("the right one is proposed", lambda: arena.live(1) == [right.root])
    play_round(arena, clients, 2, right.root)
    return (
        f"{griefing.carried} calls of the accomplice carried sums and {griefing.refused} were refused, before the "
        f"watchtower's first call and just before each of its calls; the watchtower went on from the {began} of "
        f"{CLIENTS} updates that were carried already and convicted in {len(calls)} calls, none of which reverted"
    )


class Griefing:
    """What the griefer does about one leaf's case. Every call is mined; those that are false must be refused."""

    def __init__(self, arena: Arena, griefer: Actor, evidence: Evidence) -> None:
        self.arena = arena
        self.griefer = griefer
        self.evidence = evidence
        self.disputes = Disputes(arena.coordinator)
        self.carried = self.refused = 0

    def before(self) -> None:
        for start, stop in BEFORE:
            self.check(self.push(self.evidence.step(LEAF, start, stop)), "")
        for step, error in false_steps(self.evidence):
            self.check(self.push(step), error)

    def in_front(self, call: mempool.Transaction) -> None:
        """Of a call that waits in the pool: the same, other steps from where it starts and from the beginning, a false
        one."""
        start = self.start_of(call)
        others = [self.evidence.step(LEAF, 0, 1 + start % 4)]
        others += [self.evidence.step(LEAF, start, start + 1)] if start < CLIENTS else []
        tampered, error = false_steps(self.evidence)[0]
        front = [self.push(step) for step in others]
        front += [mempool.outrun(self.griefer, call)] if self.carries(call) else []
        front_and_false = {**dict.fromkeys(front, ""), self.push(tampered): error}
        self.arena.clock.mine(1 + len(front_and_false))
        block, index = mempool.place(self.arena.chain, call.hash)
        for sent, expected in front_and_false.items():
            assert mempool.place(self.arena.chain, sent) < (block, index), "the griefer was not in front"
            self.check(sent, expected)

    def push(self, step: Step) -> str:
        return mempool.push(self.griefer, self.disputes.address, calldata(self.disputes.call(step)), STEP_GAS)

    def check(self, sent: str, error: str) -> None:
        found = mempool.refusal(self.arena.chain, sent)
        assert found == error, f"refused as {found or 'nothing'}, not as {error or 'nothing'}"
        self.refused += bool(error)
        self.carried += not error

    def carries(self, call: mempool.Transaction) -> bool:
        return self.decoded(call)[0] == "carry"

    def start_of(self, call: mempool.Transaction) -> int:
        """How many updates' sums a call of the Disputes contract starts from."""
        return int(self.decoded(call)[1]["start"]["count"])

    def decoded(self, call: mempool.Transaction) -> tuple[str, dict[str, Any]]:
        function, arguments = self.disputes.contract.decode_function_input(call.data)
        return function.fn_name, arguments.get("step") or arguments["proof"]


def false_steps(evidence: Evidence) -> list[tuple[Step, str]]:
    """Each with the error it must be refused with."""
    first, second = evidence.step(LEAF, 0, 1), evidence.step(LEAF, 1, 2)
    [opening] = first.updates
    tampered = replace(opening, leaf=bytes([opening.leaf[0] ^ 1]) + opening.leaf[1:])
    known = second.start
    return [
        (replace(first, updates=(tampered,)), "WrongPath"),
        (replace(first, updates=second.updates), "WrongPath"),
        (replace(second, updates=first.updates), "WrongPath"),
        (replace(second, start=replace(known, values=known.values[:-1] + b"\x55")), "UnknownSums"),
        (replace(second, start=replace(known, weight=known.weight + 1)), "UnknownSums"),
        (replace(second, start=replace(known, count=3)), "UnknownSums"),
        (replace(first, start=Sums(CLIENTS - 1, 1, b"")), "UnknownSums"),
        (replace(first, leaf_index=LEAF + 1), "WrongPath"),
        (replace(second, leaf_index=LEAF + 1), "UnknownSums"),
        (replace(first, inputs_hash=bytes(32)), "WrongInputs"),
        (replace(first, updates=()), "NothingToAdd"),
        (replace(first, updates=(Opening(b"", ()),) * (CLIENTS + 1)), "TooManyUpdates"),
    ]
