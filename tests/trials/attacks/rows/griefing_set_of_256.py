"""An attacker fills the federation with 254 clients of the smallest stake beside two honest ones, so that a proof needs
256 updates, and proposes a wrong global."""

from __future__ import annotations

from fedprotocol.types import Phase
from support.synthetic import SyntheticClient

from attacks import balances, mempool
from attacks.actors import digests_of
from attacks.arena import Arena
from attacks.crowd import Crowd
from attacks.lies import one_unit_more

TITLE = "a griefing set of 256 clients"
PLACE = 32
GOES_ON = False  # the federation is over with the first round
ALL, HONEST, EXAMPLES = 256, 2, 64
LARGE = {"leaf_count": 4, "leaf_values": 1024, "mantissaBits": 16, "maxClients": ALL}
PATIENT = {"trainLength": 7200, "revealLength": 7200, "attestLength": 7200}  # 254 steps take their time
TRANSACTION_GAS, POOL_BYTES = 2**24, 128 * 1024 - 512  # the rest of a transaction stands around the calldata


def run(arena: Arena) -> str:
    arena.open(nodes=0, aggregators=1, watchtowers=1, rounds=1, **LARGE, **PATIENT)
    [tower] = arena.watchtowers
    clients = [arena.client("clients", honest=True, examples=EXAMPLES) for _ in range(HONEST)]
    crowd, liar = Crowd(arena, "griefers", False, ALL - HONEST, EXAMPLES), arena.actor("griefers")
    _fix_inputs(arena, clients, crowd)
    assert arena.coordinator.round_view(1).accepted_mask == 2**ALL - 1
    right = arena.observer.right(1)
    liar.propose(1, digests_of(one_unit_more(right, 2, 700)))

    first_block = arena.chain.web3.eth.block_number
    arena.start(tower)
    arena.wait("the lie is convicted", lambda: bool(arena.events("Convicted", 1)))
    [proposed], [convicted] = arena.events("Proposed", 1), arena.events("Convicted", 1)
    assert arena.name_of(convicted.args["challenger"]) == tower.name
    calls = mempool.mined(arena.chain, tower.address, arena.coordinator.config().disputes, first_block)
    used = [mempool.receipt(arena.chain, call.hash)["gasUsed"] for call in calls]
    size = max(len(call.data) for call in calls)
    assert max(call.gas for call in calls) <= TRANSACTION_GAS and size <= POOL_BYTES

    arena.start(*arena.aggregators)
    arena.wait("the right one is proposed", lambda: arena.live(1) == [right.root])
    arena.reach(1, Phase.FINAL)
    for client in clients:
        client.sender.send(arena.coordinator.calls.claim(), "claim")
    crowd.claim()
    share = balances.share(arena.coordinator, 1, crowd.members[0].address)
    assert {update.weight for update in arena.coordinator.updates(1)} == {EXAMPLES}
    assert {arena.coordinator.token.balance_of(member.address) for member in crowd.members} == {share}
    arena.party("griefers").due += len(crowd.members) * share  # their updates were good ones
    return (
        f"{tower.name} convicted in {len(calls)} calls, {sum(used) / 1e6:.1f}M gas, the largest with "
        f"{max(used) / 1e6:.1f}M and {size / 1024:.0f} KiB, {convicted.time - proposed.time} s after the proposal; "
        f"the right global became final, and all {ALL} claimed their share"
    )


def _fix_inputs(arena: Arena, clients: list[SyntheticClient], crowd: Crowd) -> None:
    for client in clients:
        client.commit(1, arena.genesis.root)
    crowd.commit(1, arena.genesis.root)
    for client in clients:
        client.reveal(1)
    crowd.reveal(1)
    for client in clients:
        client.attest(1)
    crowd.attest(1)
