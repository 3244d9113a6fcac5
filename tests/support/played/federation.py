"""The accounts of a played federation, their seats and their money."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fedaggregator.rules import RULES, Rule
from fedprotocol.leaves import MemoryLeaves
from fedprotocol.store.directory import DirectoryStore
from numpy.typing import NDArray
from support.deployed import Deployed
from support.evm import Anvil
from support.live_federation import TOKEN
from support.played.blocks import GAS, Blocks, Send, coordinator_call
from support.played.content import Landscape, tree_of

TERMS = {
    "serverLr": 2**16,
    "minClients": 2,
    "roundReward": 100 * TOKEN,
    "minStake": 1_000 * TOKEN,
    "stakePerExample": TOKEN,
    "penalty": 100 * TOKEN,
    "bondBase": 50 * TOKEN,
    "trainLength": 3600,
    "revealLength": 900,
    "attestLength": 900,
    "challengeLength": 1800,
    "minWindow": 300,
    "abandonAfter": 3600,
}


@dataclass
class Client:
    """A client by its number: whether it has a seat, and whether a penalty has suspended it."""

    number: int
    address: str
    examples: int
    seated: bool = False
    suspended: bool = False
    left: bool = False  # its stake is not withdrawn yet


class PlayedFederation:
    """`clients` of the accounts of `chain` are clients, the rest, at least five, do everything else.

    The chain's first account is the sponsor. `per_block`: the most calls of one step in a block. `publishes`: whether
    the content of a round goes into `store`, where it may be read. `terms` replace fields of the contract's
    configuration.
    """

    def __init__(
        self,
        chain: Anvil,
        landscape: Landscape,
        *,
        clients: int,
        rule: Rule = RULES["fedavg"],
        per_block: int = 1,
        store: DirectoryStore | None = None,
        publishes: Callable[[int], bool] = lambda _: True,
        **terms: Any,
    ) -> None:
        self.chain, self.landscape, self.per_block = chain, landscape, per_block
        self.store, self.publishes = store, publishes
        self.sponsor, self.aggregator, self.watchtower, self.liar, *accounts = chain.accounts
        self.others = accounts[clients:]
        self.rng = np.random.default_rng(clients)
        examples = self.rng.integers(40, 400, clients).tolist()
        self.clients = [Client(i, *of) for i, of in enumerate(zip(accounts, examples, strict=False))]
        self.rule, first = rule, landscape.first_global(rule.parts)
        genesis = tree_of(first, int(terms["leafValues"]))
        named = {"genesisRoot": genesis.root, "leafCount": len(genesis) // rule.parts}
        named["rule"] = chain.standing(rule.contract).address
        self.deployed = Deployed.on(chain, **{**TERMS, **named, **terms})
        self.coordinator = self.deployed.coordinator()
        self.config = self.coordinator.config()
        self.chain_id = self.coordinator.chain_id
        self.globals: dict[bytes, NDArray[np.int32]] = {genesis.root: first}  # [parts, values]
        self.owed: set[str] = set()  # accounts that a final round pays and that have not claimed since
        self.blocks = Blocks(chain)
        if store is not None:
            store.put(genesis)

    def named(self, sites: Iterable[str]) -> dict[str, str]:
        """What people call the accounts; `sites` are the names of the clients."""
        others = {"sponsor": self.sponsor, "aggregator": self.aggregator, "watchtower": self.watchtower}
        names = {address: name for name, address in (others | {"liar": self.liar}).items()}
        return {client.address: name for client, name in zip(self.clients, sites, strict=True)} | names

    # ------------------------------------------------------------------- calls

    def send(self, sender: str, name: str, *arguments: Any, gas: int = GAS) -> Send:
        """A call of the coordinator."""
        return Send(sender, self.coordinator.address, coordinator_call(name, *arguments), gas)

    def step(self, sends: Sequence[Send]) -> None:
        """Mine these in as many blocks as `per_block` makes of them, at irregular times."""
        for first in range(0, len(sends), self.per_block):
            self.blocks.mine(sends[first : first + self.per_block], 12 * int(self.rng.integers(1, 6)))

    def token(self, sender: str, name: str, *arguments: Any) -> Send:
        """A call of the token."""
        call = self.deployed.token.functions[name](*arguments)
        return Send(sender, call.address, bytes.fromhex(call._encode_transaction_data()[2:]))

    # ------------------------------------------------------------------- money

    def fund(self, rounds: int) -> None:
        """The sponsor pays for that many rounds."""
        amount = rounds * self.config.round_reward
        self._provide([self.sponsor], amount)
        self.step([self.send(self.sponsor, "fund", amount)])

    def provide_bonds(self) -> None:
        """Tokens for whoever proposes."""
        self._provide([self.aggregator, self.liar, *self.others], 10**6 * TOKEN)

    def join(self, clients: Sequence[Client], spare: int = 800 * TOKEN) -> None:
        """Seats with the smallest stake, and up to `spare` token units more. Who left before takes its old stake
        first."""
        for client in clients:
            if client.left:
                self.withdraw(client)
        self._provide([client.address for client in clients], 10**5 * TOKEN)
        stakes = [self.config.min_stake + int(self.rng.integers(0, spare // TOKEN + 1)) * TOKEN for _ in clients]
        self.step([self.send(c.address, "join", stake) for c, stake in zip(clients, stakes, strict=True)])
        for client in clients:
            client.seated, client.suspended = True, False

    def leave(self, client: Client) -> None:
        """Give up the seat."""
        self.step([self.send(client.address, "exit")])
        client.seated, client.left = False, True

    def withdraw(self, client: Client) -> None:
        """The stake of one that left, once nothing is pending."""
        self.step([self.send(client.address, "settle", client.address)])
        self.step([self.send(client.address, "withdraw")])
        client.left = False

    def settle(self, clients: Sequence[Client]) -> None:
        """The aggregator has what they owe taken, and sees who is suspended by it."""
        self.step([self.send(self.aggregator, "settle", client.address) for client in clients])
        last = self.coordinator.last_opened()
        for client in clients:
            seat = self.coordinator.seat(client.address)
            client.suspended = client.seated and seat.active_until <= last + 1

    def add_stake(self, client: Client, amount: int) -> None:
        self.step([self.send(client.address, "addStake", amount)])
        client.suspended = False

    def claim(self, accounts: Sequence[str]) -> None:
        """Those of them that are owed something take it."""
        due = [account for account in accounts if account in self.owed]
        self.step([self.send(account, "claim") for account in due])
        self.owed.difference_update(due)

    def _provide(self, accounts: Sequence[str], amount: int) -> None:
        """`amount` token units more for each, which the coordinator may take."""
        here = self.coordinator.address
        self.step([self.token(self.sponsor, "mint", account, amount) for account in accounts])
        self.step([self.token(account, "approve", here, 2**255) for account in accounts])

    # ----------------------------------------------------------------- content

    def publish(self, round_number: int, leaves: MemoryLeaves) -> None:
        if self.store is not None and self.publishes(round_number):
            self.store.put(leaves)

    @property
    def members(self) -> list[Client]:
        """Those who may commit in the next round that is opened."""
        return [client for client in self.clients if client.seated and not client.suspended]
