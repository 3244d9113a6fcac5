"""Random histories of the pure model of the contract, and their logs as a chain would give them."""

from __future__ import annotations

import random
from dataclasses import replace

from fedexplorer.history.records import RoundHistory
from fedexplorer.history.rounds import read_round
from fedprotocol.chain.read.events import Event
from fedprotocol.reference import Federation
from fedprotocol.reference.errors import RoundError
from fedprotocol.types import FederationConfig
from support.federation import CONFIG, Call
from support.histories import Author

SPONSOR, *ACTORS = ["0x" + d * 40 for d in "abcdef"]
RICH = 10**7


class Played:
    """A federation of the pure model, and its log as the chain would give it: a block for each moment."""

    def __init__(self, seed: int, terms: FederationConfig = CONFIG) -> None:
        self.rng = random.Random(seed)
        self.config = replace(terms, sponsor=SPONSOR, total_rounds=40)
        self.model = Federation(self.config, chain_id=31337, address="0x" + "8" * 40, now=1_000)
        for account in (SPONSOR, *ACTORS):
            self.model.wallets[account] = RICH
        self.log: list[Event] = []
        self.author = Author(self.model, ACTORS)
        self.send(Call(SPONSOR, "fund", (40 * self.config.round_reward,)))
        for account in ACTORS[: 3 + seed % 2]:
            self.send(Call(account, "join", (self.config.min_stake + 200,)))

    def step(self) -> None:
        self.model.now = self.author.time(self.rng)
        for call in self.author.expected_calls(self.rng):
            self.send(call)
        if self.rng.random() < 0.3:
            self.send(self.author.any_call(self.rng))

    def send(self, call: Call) -> None:
        try:
            events = getattr(self.model, call.name)(call.sender, *call.args)
        except RoundError:
            return
        now, at = self.model.now, len(self.log)
        for index, event in enumerate(events):
            block = now.to_bytes(32, "big")
            self.log.append(Event(event.name, event.args, now, block, at.to_bytes(32, "big"), at + index, now))

    def named(self, name: str, number: int | None = None) -> list[Event]:
        return [e for e in self.log if e.name == name and number in (None, e.args["round"])]

    def histories(self, with_lens: bool) -> list[RoundHistory]:
        found: list[RoundHistory] = []
        for number in range(1, self.model.last_opened() + 1):
            events = [event for event in self.log if event.args.get("round") == number]
            view = self.model.round_view(number) if with_lens else None
            before = found[-1] if found else None
            found.append(read_round(number, events, self.config, before, self.model.now, view))
        return found
