"""Chains with events in them, and what an index of them must hold."""

from __future__ import annotations

import random
from pathlib import Path

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.event_index import EventIndex
from fedprotocol.chain.read.events import scan
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil


def fresh(chain: Anvil) -> Deployed:
    federation = Deployed.on(chain)
    sponsor = chain.accounts[0]
    chain.do(federation.token.functions.mint(sponsor, 10**9), sponsor)
    chain.do(federation.token.functions.approve(federation.contract.address, 10**9), sponsor)
    return federation


def fund(federation: Deployed, amount: int = 1) -> None:
    """One block with one event."""
    call = federation.contract.functions.fund(amount)
    federation.chain.do(call, gas=500_000)


def play(federation: Deployed, blocks: int, dice: random.Random) -> None:
    for _ in range(blocks):
        if dice.random() < 0.4:
            fund(federation, dice.randint(1, 99))
        else:
            federation.chain.rpc("evm_mine")


def from_now(federation: Deployed, path: Path | None = None, url: str | None = None) -> EventIndex:
    """One that begins at the chain's last block; the tests of a file go on on one chain."""
    chain = federation.chain
    coordinator = Coordinator.connect(url or chain.url, federation.contract.address, CHAIN_ID)
    last = chain.web3.eth.block_number
    return EventIndex(coordinator, path, lambda: last)


def assert_same(index: EventIndex) -> None:
    """As a scan of the whole chain has it."""
    last = index.coordinator.web3.eth.block_number
    assert index.sync() == last
    assert index.events() == list(scan(index.coordinator, first_of(index), last))


def first_of(index: EventIndex) -> int:
    return int(index._table.db.execute("SELECT first FROM identity").fetchone()[0])
