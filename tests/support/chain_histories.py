"""Random histories of a federation on a real anvil, with what the contracts themselves say after every block."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.types import Balances, Seat
from support.contract_and_model import Twin
from support.evm import Anvil
from support.federation import CONFIG, Call, Deployed
from support.histories import Author

ACTORS = 7


@dataclass(frozen=True)
class Said:
    """What the lens and the token say at one block; accounts checksummed."""

    balances: Balances
    held: int
    seats: dict[str, Seat]
    owed: dict[str, int]


class ChainHistory:
    """A federation that random calls are sent to. The model, which writes the calls, is compared with the contract in
    every block, too."""

    def __init__(self, chain: Anvil, seed: int) -> None:
        self.chain = chain
        self.deployed = Deployed(chain, replace(CONFIG, total_rounds=12))
        self.twin = Twin(self.deployed, ACTORS)
        self.author = Author(self.twin.model, self.twin.actors)
        self.dice = random.Random(seed)
        self.coordinator = Coordinator.connect(chain.url, self.deployed.address, self.deployed.chain_id)
        self._said: dict[int, Said] = {}
        self.accounts = [a for a in chain.accounts if a.lower() in [*self.twin.actors, self.twin.sponsor]]
        joins = [Call(a, "join", (400,)) for a in self.twin.actors[:3]]
        self.twin.block(self.twin.model.now + 1, [Call(self.twin.actors[0], "fund", (8_032,)), *joins])

    def play(self, blocks: int) -> None:
        """At least so many more blocks; most bring the federation forward, some hold anything."""
        for _ in range(blocks):
            model = self.author.model
            model.now = at = self.author.time(self.dice)
            if self.dice.random() < 0.3:
                self.twin.block_as_it_comes(at, lambda: self.author.any_call(self.dice), self.dice.randint(1, 3))
            elif calls := self.author.expected_calls(self.dice):
                self.twin.block(at, calls)

    def wind_down(self) -> None:
        """Everybody leaves and takes what is theirs."""
        model, twin = self.twin.model, self.twin
        late = model.now + 10_000
        unsettled = [n for n, r in sorted(model.rounds.items()) if r.settled_at is None]
        twin.block(late, [Call(twin.actors[0], "abandon", (n,)) for n in unsettled])
        twin.block(late + 1, [Call(a, "settle", (a,)) for a in twin.actors])
        twin.block(late + 2, [Call(a, "exit") for a in model.clients()])
        twin.block(late + 3, [Call(a, "withdraw") for a in model.accounts])
        twin.block(late + 4, [Call(twin.sponsor, "close")])
        twin.block(late + 5, [Call(a, "claim") for a in [*twin.actors, twin.sponsor] if model.owed(a)])

    @contextmanager
    def that_goes(self) -> Iterator[None]:
        """What is played inside is taken back at the end, so that other blocks take its place: a re-org."""
        snapshot, model = self.chain.rpc("evm_snapshot"), copy.deepcopy(self.twin.model)
        yield
        self.chain.rpc("evm_revert", snapshot)
        self.twin.model = self.author.model = model
        self._said.clear()

    def said(self, block: int) -> Said:
        """Asks the lens and the token about an earlier block."""
        if block not in self._said:
            accounts = [account.lower() for account in self.accounts]
            queries: list[tuple[str, tuple[str, ...]]] = [("balances", ()), ("balanceOf", (self.deployed.address,))]
            queries += [(name, (account,)) for name in ("seat", "owed") for account in accounts]
            balances, held, *rest = self.deployed.read(queries, block=hex(block))
            seats, owed = rest[: len(accounts)], rest[len(accounts) :]
            said = dict(zip(self.accounts, seats, strict=True)), dict(zip(self.accounts, owed, strict=True))
            self._said[block] = Said(balances, held, *said)
        return self._said[block]
