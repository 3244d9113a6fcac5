"""Random histories of a federation, mostly sensible, for the model and the contract alike."""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from eth_utils.crypto import keccak
from fedprotocol.hashes import commit_hash
from fedprotocol.reference import Federation
from fedprotocol.tree import PAGE_LEAVES, root
from fedprotocol.types import Phase
from support.federation import Call

T = TypeVar("T")
ZERO = bytes(32)


@functools.cache
def digests(label: int, leaf_count: int) -> tuple[bytes, ...]:
    """The leaf digests of a made-up global."""
    return tuple(hashlib.sha256(f"{label} {i}".encode()).digest() for i in range(leaf_count))


@functools.cache
def global_root(label: int, leaf_count: int) -> bytes:
    return root(digests(label, leaf_count))


@dataclass(frozen=True)
class Opening:
    """What a client committed to."""

    root: bytes
    shift: int
    examples: int
    salt: bytes


class Author:
    """Writes the calls of a history: knows the model's state and the clients' secrets."""

    def __init__(self, model: Federation, actors: list[str]) -> None:
        self.model = model
        self.actors = actors
        self.openings: dict[tuple[int, str], Opening] = {}
        self.shift = 0 if model.config.is_masked else 12

    # ------------------------------------------------------------------- times

    def time(self, rng: random.Random) -> int:
        """When the next block is: mostly soon, else at one of the moments at which something changes, or beside it."""
        model = self.model
        if rng.random() < 0.7:
            return model.now + rng.choice([1, 1, 1, 7])
        moments = {model.now + 1}
        for number in (model.last_opened(), model.last_opened() - 1):
            s = model.status(number)
            if s.phase == Phase.NONE or s.phase.settled:
                continue
            moments |= {s.end - 1, s.end, s.end + 1}
            if s.phase == Phase.AGGREGATE:
                moments |= {s.start + model.config.abandon_after - 1, s.start + model.config.abandon_after}
            if s.phase == Phase.CHALLENGE:
                early = s.end - model.config.challenge_length + model.config.min_window
                moments |= {early - 1, early, early + 1}
        return rng.choice(sorted(m for m in moments if m > model.now))

    # ------------------------------------------------------------------- calls

    def any_call(self, rng: random.Random) -> Call:
        """One call of any kind by anybody; often in order, sometimes not."""
        number = self.model.last_opened() + rng.choice([0, 0, 0, -1, -1, 1, 2])
        kinds = KINDS | (OF_MASKED if self.model.config.is_masked else {})
        [kind] = rng.choices(list(kinds), list(kinds.values()))
        return getattr(self, f"_{kind}")(rng, rng.choice(self.actors), max(number, 0))

    def expected_calls(self, rng: random.Random) -> list[Call]:
        """What those who may act now would do, most of them at least: brings a history forward."""
        model = self.model
        last = model.last_opened()
        for number in (last - 1, last):
            r, phase = model.rounds.get(number), model.status(number).phase
            if r is not None and phase == Phase.REVEAL:
                clients = [c for c in r.commits if r.index_of(c) is None]
                return [self._reveal(rng, c, number) for c in self._most(rng, clients)]
            if r is not None and phase == Phase.ATTEST:
                clients = [u.client for u in r.updates if not u.attested]
                return [self._attest(rng, c, number) for c in self._most(rng, clients)]
            if phase == Phase.AGGREGATE and rng.random() < 0.6:
                return self._proposal(rng, rng.choice(self.actors), number)
            if phase == Phase.CHALLENGE and rng.random() < 0.3:
                rival = self._proposal(rng, rng.choice(self.actors), number)
                return [*rival, self._convict(rng, self.actors[0], number)]
        if model.status(last).phase == Phase.WAITING:
            return []
        number = last if model.status(last).phase == Phase.TRAIN else last + 1
        members = [c for c in model.clients() if model.accounts[c].active_in(number)]
        if len(members) <= model.config.min_clients:
            calls = [Call(c, "add_stake", (300,)) for c in model.clients() if c not in members]
            if model.config.is_masked:  # where seats are lost all the time
                calls += [Call(c, "withdraw") for c, account in model.accounts.items() if account.exited]
            return calls + [Call(a, "join", (model.config.min_stake,)) for a in self.actors if a not in model.accounts]
        if number == last:
            members = [c for c in members if c not in model.rounds[last].commits or rng.random() < 0.1]
        return [self._commit(rng, c, number) for c in self._most(rng, members)]

    def _proposal(self, rng: random.Random, who: str, number: int) -> list[Call]:
        """All pages of a proposal."""
        label = rng.randrange(4)
        pages = -(-self.model.config.leaf_count // PAGE_LEAVES)
        inputs = self._inputs(number)
        return [Call(who, "propose", (number, *inputs, page, self._page(label, page))) for page in range(pages)]

    def _most(self, rng: random.Random, who: Sequence[T]) -> list[T]:
        return rng.sample(who, len(who) - (rng.random() < 0.25 and len(who) > 1))

    def _fund(self, rng: random.Random, who: str, _: int) -> Call:
        return Call(who, "fund", (rng.choice([0, 1, 1_004, 3_000, 10**12]),))

    def _close(self, rng: random.Random, who: str, _: int) -> Call:
        return Call(rng.choice([who, who, self.model.config.sponsor]), "close")

    def _join(self, rng: random.Random, who: str, _: int) -> Call:
        least = self.model.config.min_stake
        return Call(who, "join", (rng.choice([least, least + 300, least - 1, 10**12]),))

    def _add_stake(self, rng: random.Random, who: str, _: int) -> Call:
        return Call(who, "add_stake", (rng.choice([0, 1, 100, 300]),))

    def _exit(self, _: random.Random, who: str, __: int) -> Call:
        return Call(who, "exit")

    def _drop(self, rng: random.Random, who: str, _: int) -> Call:
        """Often of one that has been away for long."""
        laziest = min(self.model.accounts, key=lambda c: self.model.accounts[c].last_commit, default=who)
        return Call(who, "drop", (rng.choice([laziest, rng.choice(self.actors)]),))

    def _withdraw(self, _: random.Random, who: str, __: int) -> Call:
        return Call(who, "withdraw")

    def _claim(self, _: random.Random, who: str, __: int) -> Call:
        return Call(who, "claim")

    def _settle(self, rng: random.Random, who: str, _: int) -> Call:
        return Call(who, "settle", (rng.choice(self.actors),))

    def _open(self, _: random.Random, who: str, __: int) -> Call:
        return Call(who, "open")

    def _commit(self, rng: random.Random, who: str, number: int) -> Call:
        model = self.model
        prior = model.status(number).prior_root
        if prior is None:
            live = model.proposals(number - 1, 1)
            prior = live[0].root if live else model.latest_final()[1]
        if rng.random() < 0.05:
            prior = rng.choice([ZERO, global_root(rng.randrange(4), model.config.leaf_count)])
        opening = Opening(
            ZERO if rng.random() < 0.02 else keccak(text=f"{who} {number}"),
            rng.choice([0, 11, 23, 24]) if rng.random() < 0.05 else self.shift,
            rng.choice([100, 100, 1, 7, 200, 10**6]) if rng.random() < 0.98 else 0,
            keccak(text=f"salt {rng.randrange(4)}"),
        )
        if rng.random() < 0.03:
            return Call(who, "commit", (number, prior, ZERO))
        self.openings[number, who] = opening
        return Call(who, "commit", (number, prior, self._hash(number, who, prior, opening)))

    def _hash(self, number: int, who: str, prior: bytes, o: Opening) -> bytes:
        m = self.model
        return commit_hash(m.chain_id, m.address, number, who, prior, o.root, o.shift, o.examples, o.salt)

    def _reveal(self, rng: random.Random, who: str, number: int) -> Call:
        o = self.openings.get((number, who), Opening(keccak(text=who), self.shift, 100, ZERO))
        if rng.random() < 0.04:
            o = replace(o, examples=o.examples + 1)
        losses = rng.choice([(0, 0), (4_170_000, 1_750_000), (2**64 - 1, 2**64 - 1)])
        return Call(who, "reveal", (number, o.root, o.shift, o.examples, o.salt, *losses))

    def _attest(self, rng: random.Random, who: str, number: int) -> Call:
        count = len(self.model.updates(number))
        bitmap = rng.randrange(2 << count) if rng.random() < 0.15 else (1 << count) - 1
        if self.model.config.is_masked and number % 3 == 0:
            bitmap &= ~1  # nobody has the first update
        inputs = self.model.rounds[number].inputs_hash if number in self.model.rounds else ZERO
        return Call(who, "attest", (number, ZERO if rng.random() < 0.04 else inputs, bitmap))

    def _propose(self, rng: random.Random, who: str, number: int) -> Call:
        pages = -(-self.model.config.leaf_count // PAGE_LEAVES)
        page = rng.choice([*range(pages), *range(pages), pages, 2**200])
        content = self._page(rng.randrange(10), min(page, pages - 1))
        inputs = self._inputs(number)
        if rng.random() < 0.1:
            inputs = rng.choice([(ZERO, inputs[1]), (inputs[0], inputs[1] ^ 1)])
        return Call(who, "propose", (number, *inputs, page, content[1:] if rng.random() < 0.1 else content))

    def _inputs(self, number: int) -> tuple[bytes, int]:
        """What a proposal names of its round."""
        view = self.model.round_view(number)
        return view.inputs_hash, view.accepted_mask

    def _page(self, label: int, page: int) -> tuple[bytes, ...]:
        leaves = digests(label, self.model.config.leaf_count)
        return leaves[page * PAGE_LEAVES : (page + 1) * PAGE_LEAVES]

    def _convict(self, rng: random.Random, who: str, number: int) -> Call:
        """By Disputes, so that `who` gets the bounty; or by an impostor."""
        live = [p.root for p in self.model.proposals(number, 256)]
        target = rng.choice([*live, *live, *live, global_root(0, self.model.config.leaf_count)])
        sender = who if rng.random() < 0.1 else self.model.config.disputes
        return Call(sender, "convict", (number, target, who))

    def _impeach(self, rng: random.Random, who: str, number: int) -> Call:
        """Often a round that takes proposals."""
        phases = {n: self.model.status(n).phase for n in (number, self.model.last_opened() - 1)}
        fit = [n for n, phase in phases.items() if phase in (Phase.AGGREGATE, Phase.CHALLENGE)]
        number = rng.choice([number, *fit, *fit])
        return Call(who if rng.random() < 0.1 else self.model.config.disputes, "impeach", (number,))

    def _abandon(self, _: random.Random, who: str, number: int) -> Call:
        return Call(who, "abandon", (number,))


KINDS = {  # and how often
    **dict.fromkeys(("commit", "reveal", "attest", "propose", "convict"), 10.0),
    **dict.fromkeys(("join", "add_stake", "exit", "drop", "withdraw", "claim", "settle", "open", "abandon"), 3.0),
    "fund": 5.0,
    "close": 0.3,
}
OF_MASKED = {"impeach": 10.0}
