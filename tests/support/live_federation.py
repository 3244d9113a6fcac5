"""A federation that daemons live in: the real contracts on an anvil, a genesis, a funded pool, accounts with money."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from eth_account.signers.local import LocalAccount
from fedaggregator.rules import RULES
from fedprotocol.car import MemoryLeaves
from fedprotocol.numbers import split_leaves
from fedprotocol.types import Phase
from support.deployed import Deployed
from support.evm import Anvil

TOKEN = 10**18
ETHER = 100 * 10**18
CONFIG = {
    "maxClients": 16,
    "roundReward": 100 * TOKEN,
    "minStake": 1_000 * TOKEN,
    "stakePerExample": TOKEN,
    "penalty": 100 * TOKEN,
    "bondBase": 50 * TOKEN,
    "revealLength": 600,
    "attestLength": 600,
    "minWindow": 1,
}


class LiveFederation:
    """Deployed on `chain` by its first account, who is also the sponsor; any field of Config can be overridden.

    `genesis` is global 0; its weights are random, so that a client that trains on another prior is seen. `pool`: token
    units that the sponsor puts in. `rule`: a rule's name; `rule_at`: the address of its contract, if it stands already.
    """

    def __init__(
        self,
        chain: Anvil,
        *,
        leaf_count: int = 5,
        leaf_values: int = 32,
        pool: int = 10_000 * TOKEN,
        rule: str = "fedavg",
        rule_at: str = "",
        **overrides: Any,
    ) -> None:
        self.chain = chain
        self.values = leaf_count * leaf_values
        self.genesis = random_genesis(leaf_count, leaf_values, RULES[rule].parts)
        shape = {"leafCount": leaf_count, "leafValues": leaf_values, "genesisRoot": self.genesis.root}
        of_rule = {"rule": rule_at or chain.deploy(RULES[rule].contract).address}
        deployed = Deployed.on(chain, **{**CONFIG, **shape, **of_rule, **overrides})
        self.token = deployed.token
        if pool:
            self.mint(chain.accounts[0], pool)
            self.transact(self.token.functions.approve(deployed.contract.address, pool))
            self.transact(deployed.contract.functions.fund(pool))
        self.coordinator = deployed.coordinator()
        self._deployed = deployed

    def transact(self, call: Any, sender: str | None = None) -> Any:
        """From an unlocked account, the sponsor's unless told otherwise."""
        return self.chain.do(call, sender)

    def mint(self, account: str, amount: int) -> None:
        self.transact(self.token.functions.mint(account, amount))

    def new_account(self, tokens: int = 10_000 * TOKEN) -> LocalAccount:
        """A random key with 100 ether."""
        return self._deployed.account(ETHER, tokens)

    def provide(self, address: str, tokens: int = 10_000 * TOKEN) -> None:
        """Ether and tokens for an account."""
        self.chain.give(address, ETHER)
        self.mint(address, tokens)

    def phase(self, round_number: int) -> Phase:
        return self.coordinator.round_view(round_number).phase

    def pass_time(self, seconds: int) -> None:
        """Mine a block `seconds` later."""
        self.chain.set_time(self.chain.now() + seconds)

    def wait_for(self, round_number: int, *phases: Phase, seconds: float = 60) -> Phase:
        """Until the round is in one of `phases`; wall time, for daemons that work meanwhile."""
        deadline = time.monotonic() + seconds
        while (phase := self.phase(round_number)) not in phases:
            assert time.monotonic() < deadline, f"round {round_number} is in {phase.name} after {seconds} s"
            time.sleep(0.1)
        return phase


def random_genesis(leaf_count: int, leaf_values: int, parts: int = 1) -> MemoryLeaves:
    """The same for the same shape; what a rule keeps beside the weights is zero."""
    values = np.random.default_rng(leaf_count).integers(-(2**20), 2**20, leaf_count * leaf_values).astype(np.int32)
    state = [bytes(4 * leaf_values)] * (leaf_count * (parts - 1))
    return MemoryLeaves(split_leaves(values, leaf_values) + state)


def directory_url(path: Path) -> str:
    return f"dir:{path}"
