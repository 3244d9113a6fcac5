"""The model and the contract side by side: every call goes to both, and all that either says must be the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, is_dataclass
from typing import Any

from eth_utils.crypto import keccak
from fedprotocol.hashes import commit_hash
from fedprotocol.reference import Event, Federation
from fedprotocol.reference.errors import RoundError
from fedprotocol.types import RoundView
from support.federation import Call, Deployed, Done, Refused
from support.histories import digests, global_root

TOKENS = 10**9  # of every account


class Twin:
    """A new federation on `deployed`, whose chain is put back by `close`. `actors` hold tokens and approvals."""

    def __init__(self, deployed: Deployed, actors: int) -> None:
        self.deployed = d = deployed
        self.snapshot = d.chain.rpc("evm_snapshot")
        self.compared = 0  # single values that both were asked for, or told in events
        self.config = d.config
        self.model = Federation(d.config, chain_id=d.chain_id, address=d.address, now=d.now())
        for account in d.accounts:
            self.model.wallets[account] = TOKENS
        self.supply = sum(self.model.wallets.values())
        self.sponsor = d.config.sponsor
        self.actors = d.accounts[1 : 1 + actors]

    def close(self) -> None:
        self.deployed.chain.rpc("evm_revert", self.snapshot)

    def block(self, at: int, calls: Sequence[Call]) -> list[tuple[Call, Done | Refused]]:
        return self.block_as_it_comes(at, iter(calls).__next__, len(calls))

    def block_as_it_comes(
        self, at: int, next_call: Callable[[], Call], count: int
    ) -> list[tuple[Call, Done | Refused]]:
        """Both execute `count` calls in one block; each is asked for when the model has executed those before it."""
        self.model.now = at
        calls: list[Call] = []
        expected: list[list[Event] | Refused] = []
        for _ in range(count):
            calls.append(next_call())
            expected.append(self._in_model(calls[-1]))
        outcomes = self.deployed.block(calls, at)
        for call, mine, theirs in zip(calls, expected, outcomes, strict=True):
            given = theirs if isinstance(theirs, Refused) else theirs.events
            assert given == mine, f"{call}\nmodel:    {mine}\ncontract: {given}"
            self.compared += _size(given)
        self.compare_views(at)
        return list(zip(calls, outcomes, strict=True))

    def _in_model(self, call: Call) -> list[Event] | Refused:
        try:
            events: list[Event] = getattr(self.model, call.name)(call.sender, *call.args)
        except RoundError as error:
            return Refused(type(error).__name__, error.arguments)
        return events

    def compare_views(self, at: int) -> None:
        """Every view, as of time `at`; every token balance; the balance equation."""
        model, d = self.model, self.deployed
        last = model.last_opened()
        names = (
            "balances",
            "active_count",
            "last_opened",
            "final_count",
            "latest_final",
            "is_closed",
            "clients",
            "silent",
        )
        queries: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in names]
        for account in [*self.actors, self.sponsor]:
            queries += [(name, (account,)) for name in ("seat", "owed", "bond_of", "bond_due")]
        for number in range(max(last - 2, 0), last + 2):
            queries += [
                ("round_view", (number,)),
                ("updates", (number,)),
                ("proposals", (number, 256)),
                ("proposals", (number, 2)),
            ]
            queries += [("proposal", (number, p.root)) for p in model.proposals(number, 256)]
            queries += [("proposal", (number, global_root(0, self.config.leaf_count)))]
            for account in self.actors:
                queries += [(name, (number, account)) for name in ("commitment", "update_index", "pages_of")]
        queries += [("balanceOf", (a,)) for a in [*d.accounts, d.address]]

        now, model.now = model.now, at
        for (name, args), theirs in zip(queries, d.read(queries, at), strict=True):
            mine = model.wallets[args[0]] if name == "balanceOf" else getattr(model, name)(*args)
            if name == "clients":
                mine, theirs = sorted(mine), sorted(theirs)
            if name == "silent":
                mine, theirs = [*map(sorted, mine)], [*map(sorted, theirs)]
            assert theirs == mine, f"{name}{args} at {at}\nmodel:    {mine}\ncontract: {theirs}"
            self.compared += _size(theirs)
        model.now = now
        assert model.wallets[d.address] == model.balances().total, "the balance equation"
        assert sum(model.wallets.values()) == self.supply, "a token was lost or made"


class Play(Twin):
    """A twin with the words of a test: `do` must succeed, `refused` must not; each call is a block, one second after
    the one before, or at the time that `at` names."""

    def __init__(self, deployed: Deployed, actors: int) -> None:
        super().__init__(deployed, actors)
        self._next: int | None = None

    # ------------------------------------------------------------------- calls

    def at(self, timestamp: int) -> Play:
        """The next block's timestamp."""
        self._next = timestamp
        return self

    def do(self, sender: str, name: str, *args: Any) -> list[Event]:
        outcome = self._one(sender, name, *args)
        assert isinstance(outcome, Done), f"{name}{args} was refused: {outcome}"
        return outcome.events

    def refused(self, error: str, sender: str, name: str, *args: Any) -> tuple[Any, ...]:
        """The call must be refused with this error; returns its arguments."""
        outcome = self._one(sender, name, *args)
        assert isinstance(outcome, Refused) and outcome.name == error, f"{name}{args}: {outcome}"
        return outcome.arguments

    def together(self, *calls: Call) -> list[Event]:
        """All in one block, all must succeed."""
        at, self._next = self._next or self.model.now + 1, None
        outcomes = [outcome for _, outcome in self.block(at, calls)]
        events: list[Event] = []
        for call, outcome in zip(calls, outcomes, strict=True):
            assert isinstance(outcome, Done), f"{call} was refused: {outcome}"
            events += outcome.events
        return events

    def _one(self, sender: str, name: str, *args: Any) -> Done | Refused:
        at, self._next = self._next or self.model.now + 1, None
        [(_, outcome)] = self.block(at, [Call(sender, name, args)])
        return outcome

    # ------------------------------------------------------- a round's business

    def start(self, members: int = 3, rounds: int = 4) -> list[str]:
        """A funded federation; the first `members` actors have a seat."""
        clients = self.actors[:members]
        joins = [Call(c, "join", (self.config.min_stake,)) for c in clients]
        self.together(Call(self.sponsor, "fund", (rounds * self.config.round_reward,)), *joins)
        return clients

    def prior(self, number: int) -> bytes:
        return self.model.status(number).prior_root or self.model.latest_final()[1]

    def opening(self, number: int, client: str, examples: int) -> tuple[bytes, int, int, bytes]:
        shift = 0 if self.config.is_masked else 12
        return keccak(text=f"{client} {number}"), shift, examples, keccak(text="salt")

    def commits(self, number: int, *clients: str, prior: bytes | None = None, examples: int = 100) -> list[Event]:
        """Each names `prior`, or what it takes for the prior. All in one block."""
        named = prior or self.prior(number)
        hashes = {c: self.commit_hash(number, c, named, *self.opening(number, c, examples)) for c in clients}
        return self.together(*(Call(c, "commit", (number, named, hash_)) for c, hash_ in hashes.items()))

    def commit_hash(
        self, number: int, client: str, prior: bytes, root: bytes, shift: int, examples: int, salt: bytes
    ) -> bytes:
        m = self.model
        return commit_hash(m.chain_id, m.address, number, client, prior, root, shift, examples, salt)

    def reveal(self, number: int, client: str, examples: int = 100) -> Call:
        return Call(client, "reveal", (number, *self.opening(number, client, examples), 0, 0))

    def reveals(self, number: int, *clients: str, examples: int = 100) -> list[Event]:
        return self.together(*(self.reveal(number, c, examples) for c in clients))

    def attests(self, number: int, *clients: str, bitmap: int | None = None) -> list[Event]:
        view = self.model.round_view(number)
        bits = (1 << view.revealed) - 1 if bitmap is None else bitmap
        return self.together(*(Call(c, "attest", (number, view.inputs_hash, bits)) for c in clients))

    def to_aggregate(self, number: int, clients: Sequence[str], prior: bytes | None = None) -> None:
        """A round in which all do what they should, up to the end of Attest."""
        self.commits(number, *clients, prior=prior)
        self.reveals(number, *clients)
        self.attests(number, *clients)

    def propose(self, number: int, proposer: str, label: int = 0) -> bytes:
        """A complete proposal; returns its root."""
        self.do(proposer, "propose", *self.page(number, 0, digests(label, self.config.leaf_count)))
        return global_root(label, self.config.leaf_count)

    def page(self, number: int, page: int, leaves: Sequence[bytes]) -> tuple[Any, ...]:
        """Arguments of `propose`, from the round's inputs as they are in the next block."""
        view = self._view_at(self._next or self.model.now + 1, number)
        return number, view.inputs_hash, view.accepted_mask, page, leaves

    def _view_at(self, at: int, number: int) -> RoundView:
        now, self.model.now = self.model.now, at
        view = self.model.round_view(number)
        self.model.now = now
        return view

    def to_final(self, number: int, clients: Sequence[str], label: int = 0) -> bytes:
        """A whole round, final by the clock and settled by its first client."""
        self.to_aggregate(number, clients)
        root = self.propose(number, clients[0], label)
        self.at(self.model.now + self.config.challenge_length).do(clients[0], "settle", clients[0])
        return root

    def convict(self, number: int, root: bytes, challenger: str) -> list[Event]:
        return self.do(self.config.disputes, "convict", number, root, challenger)

    def end_of_phase(self, number: int) -> int:
        end = self.model.status(number).end
        assert end, "this phase has no deadline"
        return end

    def phase(self, number: int, at: int | None = None) -> str:
        view = self.deployed.view("round_view", number, at=at or self.model.now)
        return str(view.phase.name if not view.void_reason else f"VOID {view.void_reason.name}")


def _size(value: Any) -> int:
    """How many single values it holds."""
    if is_dataclass(value) and not isinstance(value, type):
        value = astuple(value)
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 1


def names(events: Sequence[Event]) -> list[str]:
    return [e.name for e in events]


def one(events: Sequence[Event], name: str) -> dict[str, Any]:
    """The arguments of the only event of this name."""
    [event] = [e for e in events if e.name == name]
    return event.args
