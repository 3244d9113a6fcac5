"""The proposer is a contract. It computes its wrong digests itself, so that no transaction shows them. Then it calls an
empty address two hundred times with half a MiB each, so that a program that reads the trace of the transaction runs out
of memory."""

from __future__ import annotations

from typing import Any

from fedprotocol.types import Phase
from hexbytes import HexBytes
from support.live_federation import TOKEN
from web3 import Web3

from attacks.actors import Actor, digests_of, proposal
from attacks.arena import Arena
from attacks.lies import expose, one_unit_more

TITLE = "a proposer that hides behind its trace"
PLACE = 2
COUNT, SIZE = 200, 2**19


def run(arena: Arena) -> str:
    arena.open(nodes=1, aggregators=1)
    coordinator, master = arena.coordinator, arena.actor("liar")
    bomb = Bomb(arena, master)
    bomb.run(coordinator.token.approve(coordinator.address, coordinator.bond_of(bomb.address)))
    arena.start(*arena.nodes)
    arena.reach(1, Phase.AGGREGATE)
    lie = digests_of(one_unit_more(arena.observer.right(1), 3, 17))
    receipt = bomb.run(proposal(coordinator, 1, 0, lie), COUNT, SIZE)
    assert bomb.address in {event.args["proposer"] for event in arena.events("Proposed", 1)}
    sent = bytes(arena.chain.web3.eth.get_transaction(receipt["transactionHash"])["input"])
    assert not any(digest in sent for digest in lie), "the digests are there to be read"
    arena.start(*arena.aggregators)
    copied = COUNT * SIZE / 2**20
    return (
        f"{receipt['gasUsed'] / 1e6:.1f}M gas made a trace with {copied:.0f} MiB of input; no transaction shows the "
        f"digests, but the coordinator's event has them: {expose(arena, 1)}"
    )


class Bomb:
    """contracts/mocks/BombProposer.sol, which has money for a bond."""

    def __init__(self, arena: Arena, master: Actor) -> None:
        self._contract = arena.chain.deploy("BombProposer")
        self._master = master
        self.address = Web3.to_checksum_address(self._contract.address)
        arena.federation.mint(self.address, 1_000 * TOKEN)
        arena.books.enter(arena.party(arena.name_of(master.address)), self.address)

    def run(self, call: Any, count: int = 0, size: int = 0) -> Any:
        """The receipt of the transaction in which the contract makes `call`, then `count` of nobody."""
        masked = bytes(byte ^ 0xFF for byte in HexBytes(call._encode_transaction_data()))
        return self._master.send(self._contract.functions.run(call.address, masked, count, size), "bomb")
