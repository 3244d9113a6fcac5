"""An attester votes one way, and votes the other way when a re-org takes its first vote away. An aggregator's signed
proposal, which was right before, comes back to a round in which its global is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.types import Phase
from support.evm import Anvil
from support.synthetic import SyntheticClient

from attacks import balances, mempool
from attacks.arena import Arena
from attacks.forced_calls import force
from attacks.reorg import drop
from attacks.together import play_round

TITLE = "a proposal on the other side of a re-org"
PLACE = 31


def run(arena: Arena) -> str:
    arena.open(nodes=0, aggregators=1, watchtowers=1)
    chain, coordinator, [aggregator] = arena.chain, arena.coordinator, arena.aggregators
    honest = [arena.client("clients", honest=True) for _ in range(2)]
    voter, other = (arena.client("equivocators", honest=False) for _ in range(2))
    for client in (*honest, voter, other):
        client.commit(1, arena.genesis.root)
    for client in (*honest, voter, other):
        client.reveal(1)
    place = coordinator.update_index(1, other.address)
    honest[0].attest(1, absent=[place])  # it could not fetch that one
    honest[1].attest(1)
    other.attest(1)
    before = chain.web3.eth.block_number
    voter.attest(1)
    accepted = coordinator.round_view(1).accepted_mask
    assert accepted >> place & 1
    once_right = arena.observer.right(1).root
    arena.start()
    arena.wait("the aggregator proposes", lambda: arena.live(1) == [once_right])

    aggregator.freeze()
    with arena.clock.held():
        raw = _signed(chain, aggregator.address, before + 1)
        drop(arena, before + 1)
        assert arena.phase(1) is Phase.ATTEST
        view = coordinator.round_view(1)
        vote = coordinator.calls.attest(1, view.inputs_hash, (1 << view.revealed) - 1 - (1 << place))
        counted = force(voter, vote, mempool.DEAREST)
        arena.clock.mine(1)
        assert not mempool.refusal(chain, counted)
        assert coordinator.round_view(1).accepted_mask == accepted - (1 << place)
        hashes = [chain.rpc("eth_sendRawTransaction", transaction) for transaction in raw]
        arena.clock.mine(len(hashes))
        met = [mempool.refusal(chain, hash_) for hash_ in hashes]
    assert met[-1] == "WrongAccepted" and not any(met[:-1]), met
    assert not arena.live(1)
    aggregator.thaw()
    right = arena.observer.right(1).root
    assert right != once_right
    arena.wait("the right one is proposed", lambda: arena.live(1) == [right])
    arena.reach(1, Phase.FINAL)
    assert coordinator.round_view(1).aggregator == aggregator.address and not arena.events("Convicted", 1)
    arena.party("equivocators").due += balances.share(coordinator, 1, voter.address)  # its update was a good one
    play_round(arena, honest, 2, right)
    return (
        f"the proposal that the mempool sent again was refused (WrongAccepted) and cost no bond; {aggregator.name} "
        f"proposed what was right by then, and was paid; {_whole(arena, honest)}"
    )


def _signed(chain: Anvil, sender: str, first_block: int) -> list[str]:
    """The transactions of an account since then, as it signed them."""
    blocks = range(first_block, chain.web3.eth.block_number + 1)
    found = [tx for n in blocks for tx in chain.rpc("eth_getBlockByNumber", hex(n), True)["transactions"]]
    return [chain.rpc("eth_getRawTransactionByHash", tx["hash"]) for tx in found if tx["from"] == sender.lower()]


def _whole(arena: Arena, honest: Sequence[SyntheticClient]) -> str:
    mask = arena.coordinator.round_view(1).accepted_mask
    places = [arena.coordinator.update_index(1, client.address) for client in honest]
    assert all(mask >> place & 1 for place in places)
    return "it contains the updates of the honest clients"
