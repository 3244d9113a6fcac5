"""A federation whose transactions are worth a look: a convicted lie, calls that fail, another contract between."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from fedexplorer.transactions.contracts import Contracts
from fedexplorer.transactions.shelf import Transactions
from fedexplorer.transactions.table import Mined
from fedprotocol import tree
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.read.events import Event, scan
from fedprotocol.numbers import split_leaves
from support.deployed import CHAIN_ID, Deployed
from support.evm import Anvil, compiled
from support.leaf_round import INT32, LeafRound

LEAF_VALUES, LEAVES = 32, 3


class World:
    """Round 1 of a federation: a lie, its conviction, calls that fail, and a call through another contract."""

    def __init__(self, chain: Anvil) -> None:
        prior = np.random.default_rng(5).integers(*INT32, LEAVES * LEAF_VALUES, endpoint=True, dtype=np.int32)
        genesis = tree.root([tree.leaf_digest(leaf) for leaf in split_leaves(prior, LEAF_VALUES)])
        self.chain = chain
        self.federation = Deployed.on(chain, genesisRoot=genesis, leafCount=LEAVES, maxClients=3, serverLr=70_000)
        self.game = LeafRound(self.federation, prior, clients=3)
        self.coordinator = self.federation.coordinator()
        self.disputes = chain.web3.eth.contract(address=self.game.config.disputes, abi=compiled("Disputes")["abi"])
        right = self.game.right_global()
        wrong = self.game.tree_of([right[0] ^ 1, *right[1:]])
        self.game.propose(wrong, self.game.accounts[0])
        self.proof = self.game.proof(wrong, 0)
        call = self.disputes.functions.challenge(self.coordinator.address, self.proof)
        self.challenge = chain.do(call, chain.accounts[0])
        self.puppet = chain.deploy("Puppet")
        funding = self.federation.contract.functions.fund(7)
        self.federation.chain.do(self.federation.token.functions.mint(self.puppet.address, 7))
        calls = [
            (self.federation.token.address, self.federation.token.functions.approve(self.coordinator.address, 7)),
            (self.coordinator.address, funding),
        ]
        self.through = chain.do(self.puppet.functions.run([(to, c._encode_transaction_data()) for to, c in calls]))
        self.failed = self.fails(self.federation.contract.functions.commit(1, genesis, bytes([1]) * 32))
        self.contracts = Contracts.of(self.coordinator.address, self.game.config)

    def fails(self, call: Any) -> bytes:
        """The hash of a transaction that fails in its block."""
        sent = call.transact({"from": self.chain.accounts[1], "gas": 500_000})
        assert self.chain.web3.eth.wait_for_transaction_receipt(sent)["status"] == 0
        return bytes(sent)

    @cached_property
    def events(self) -> list[Event]:
        return list(scan(self.coordinator, 0, self.coordinator.head()))

    @property
    def mined(self) -> list[Mined]:
        return list(dict.fromkeys((e.tx_hash, e.block_hash) for e in self.events))

    def opened(self, path: Path | None = None, url: str = "") -> Transactions:
        return Transactions(
            connect_web3(url or self.chain.url, CHAIN_ID), self.contracts, path, lambda: self.coordinator.head()
        )
