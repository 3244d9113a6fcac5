"""Random histories of a federation, mostly sensible, for the model and the contract alike."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from eth_utils.crypto import keccak
from hypothesis import strategies as st
from support.federation import Call

from fedprotocol.chain.types import Phase
from fedprotocol.round import Federation, commit_hash
from fedprotocol.tree import PAGE_LEAVES, root

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]
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

    # ------------------------------------------------------------------- times

    def time(self, draw: Draw) -> int:
        """When the next block is: soon, or at one of the moments at which something changes, or beside it."""
        model = self.model
        moments = {model.now + 1, model.now + 7}
        for number in (model.last_opened(), model.last_opened() - 1):
            s = model.status(number)
            if s.phase == Phase.NONE or s.phase.settled:
                continue
            moments |= {s.end - 1, s.end, s.end + 1}
            if s.phase == Phase.AGGREGATE:
                moments |= {s.start + model.config.abandon_after - 1, s.start + model.config.abandon_after}
            if s.phase == Phase.CHALLENGE:
                moments |= {s.start + model.config.min_window + d for d in (-1, 0, 1)}
        return draw(st.sampled_from(sorted(m for m in moments if m > model.now)))

    # ------------------------------------------------------------------- calls

    def any_call(self, draw: Draw) -> Call:
        """One call of any kind by anybody; often in order, sometimes not."""
        number = self.model.last_opened() + draw(st.sampled_from([0, 0, 0, -1, -1, 1, 2]))
        who = draw(st.sampled_from(self.actors))
        kind = draw(st.sampled_from(KINDS))
        return getattr(self, f"_{kind}")(draw, who, max(number, 0))

    def expected_calls(self, draw: Draw) -> list[Call]:
        """What those who may act now would do, some of them at least: brings a history forward."""
        model = self.model
        last = model.last_opened()
        phases = {n: model.status(n).phase for n in (last, last - 1)}
        for number, phase in phases.items():
            if phase == Phase.REVEAL:
                clients = list(model.rounds[number].commits)
                return [self._reveal(draw, c, number) for c in self._most(draw, clients)]
            if phase == Phase.ATTEST:
                clients = [u.client for u in model.rounds[number].updates]
                return [self._attest(draw, c, number) for c in self._most(draw, clients)]
            if phase == Phase.AGGREGATE and draw(st.booleans()):
                return self.proposal(draw, draw(st.sampled_from(self.actors)), number)
        number = last if phases[last] == Phase.TRAIN else last + 1
        members = [c for c in model.clients() if model.accounts[c].active_in(number)]
        if len(members) < model.config.min_clients:
            return [Call(a, "join", (model.config.min_stake,)) for a in self._most(draw, self.actors)]
        return [self._commit(draw, c, number) for c in self._most(draw, members)]

    def proposal(self, draw: Draw, who: str, number: int) -> list[Call]:
        """All pages of a proposal."""
        label = draw(st.integers(0, 3))
        pages = -(-self.model.config.leaf_count // PAGE_LEAVES)
        return [Call(who, "propose", (number, page, self._page(label, page))) for page in range(pages)]

    def _most(self, draw: Draw, who: list[str]) -> list[str]:
        missing = draw(st.sampled_from([None, None, None, *who]))
        return [w for w in draw(st.permutations(who)) if w != missing]

    def _fund(self, draw: Draw, who: str, _: int) -> Call:
        return Call(who, "fund", (draw(st.sampled_from([0, 1, 1_003, 3_000, 10**12])),))

    def _close(self, draw: Draw, who: str, _: int) -> Call:
        return Call(draw(st.sampled_from([who, self.model.config.sponsor])), "close")

    def _join(self, draw: Draw, who: str, _: int) -> Call:
        least = self.model.config.min_stake
        return Call(who, "join", (draw(st.sampled_from([least, least + 300, least - 1, 10**12])),))

    def _add_stake(self, draw: Draw, who: str, _: int) -> Call:
        return Call(who, "add_stake", (draw(st.sampled_from([0, 1, 100, 300])),))

    def _exit(self, _: Draw, who: str, __: int) -> Call:
        return Call(who, "exit")

    def _drop(self, draw: Draw, who: str, _: int) -> Call:
        return Call(who, "drop", (draw(st.sampled_from(self.actors)),))

    def _withdraw(self, _: Draw, who: str, __: int) -> Call:
        return Call(who, "withdraw")

    def _claim(self, _: Draw, who: str, __: int) -> Call:
        return Call(who, "claim")

    def _settle(self, draw: Draw, who: str, _: int) -> Call:
        return Call(who, "settle", (draw(st.sampled_from(self.actors)),))

    def _open(self, _: Draw, who: str, __: int) -> Call:
        return Call(who, "open")

    def _commit(self, draw: Draw, who: str, number: int) -> Call:
        model = self.model
        prior = model.status(number).prior_root
        if prior is None and number > 0:
            live = model.proposals(number - 1)
            prior = live[0].root if live else model.latest_final()[1]
        if draw(st.integers(0, 9)) == 0:
            prior = draw(st.sampled_from([ZERO, global_root(draw(st.integers(0, 3)), model.config.leaf_count)]))
        opening = Opening(
            keccak(text=f"{who} {number}") if draw(st.integers(0, 30)) else ZERO,
            draw(st.sampled_from([0, 11, 23, 24])) if draw(st.integers(0, 9)) == 0 else 12,
            draw(st.sampled_from([100, 1, 7, 200, 10**6, 0])),
            keccak(text=f"salt {draw(st.integers(0, 3))}"),
        )
        hash_ = self._hash(number, who, prior or ZERO, opening)
        if draw(st.integers(0, 30)) == 0:
            hash_ = ZERO
        else:
            self.openings[number, who] = opening
        return Call(who, "commit", (number, prior or ZERO, hash_))

    def _hash(self, number: int, who: str, prior: bytes, o: Opening) -> bytes:
        m = self.model
        return commit_hash(m.chain_id, m.address, number, who, prior, o.root, o.shift, o.examples, o.salt)

    def _reveal(self, draw: Draw, who: str, number: int) -> Call:
        o = self.openings.get((number, who), Opening(keccak(text=who), 12, 100, ZERO))
        if draw(st.integers(0, 19)) == 0:
            o = replace(o, examples=o.examples + 1)
        losses = draw(st.sampled_from([(0, 0), (4_170_000, 1_750_000), (2**64 - 1, 2**64 - 1)]))
        return Call(who, "reveal", (number, o.root, o.shift, o.examples, o.salt, *losses))

    def _attest(self, draw: Draw, who: str, number: int) -> Call:
        count = len(self.model.updates(number))
        bitmap = (1 << count) - 1
        if draw(st.integers(0, 3)) == 0:
            bitmap = draw(st.integers(0, (2 << count) - 1))
        inputs = self.model.rounds[number].inputs_hash if number in self.model.rounds else ZERO
        return Call(who, "attest", (number, ZERO if draw(st.integers(0, 19)) == 0 else inputs, bitmap))

    def _propose(self, draw: Draw, who: str, number: int) -> Call:
        pages = -(-self.model.config.leaf_count // PAGE_LEAVES)
        page = draw(st.sampled_from([*range(pages), *range(pages), pages, 2**200]))
        content = self._page(draw(st.integers(0, 9)), min(page, pages - 1))
        if draw(st.integers(0, 9)) == 0:
            content = content[1:]
        return Call(who, "propose", (number, page, content))

    def _page(self, label: int, page: int) -> tuple[bytes, ...]:
        leaves = digests(label, self.model.config.leaf_count)
        return leaves[page * PAGE_LEAVES : (page + 1) * PAGE_LEAVES]

    def _convict(self, draw: Draw, who: str, number: int) -> Call:
        """By Disputes, so that `who` gets the bounty; or by an impostor."""
        live = [p.root for p in self.model.proposals(number)]
        target = draw(st.sampled_from([*live, *live, global_root(0, self.model.config.leaf_count)]))
        sender = who if draw(st.integers(0, 9)) == 0 else self.model.config.disputes
        return Call(sender, "convict", (number, target, who))

    def _abandon(self, _: Draw, who: str, number: int) -> Call:
        return Call(who, "abandon", (number,))


RARE = ["fund", "close", "join", "add_stake", "exit", "drop", "withdraw", "claim", "settle", "open", "abandon"]
COMMON = ["commit", "reveal", "attest", "propose", "convict"]
KINDS = RARE + 3 * COMMON
