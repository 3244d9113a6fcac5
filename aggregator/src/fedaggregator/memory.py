"""What an aggregator remembers about rounds across restarts: JSON facts in its journal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fedprotocol.chain.snapshot import RoundState, Snapshot
from fedprotocol.journal import Journal

from fedaggregator.decide import Facts, RoundFacts

PROPOSED = "aggregator.proposed"  # rounds whose outcome is not collected
UNREADABLE_SECONDS = 60.0
CLAIM_REST = 60.0  # seconds
PINNED = "aggregator.pinned"  # rounds whose content the store pins


class Memory:
    """Facts in, facts out. A round's global counts only as long as the round has the inputs it was computed from."""

    def __init__(self, journal: Journal, keep_rounds: int, proposes: bool = True, sends: bool = True) -> None:
        self._journal = journal
        self._keep_rounds = keep_rounds
        self._proposes, self._sends = proposes, sends
        # Forgotten at the end of the program: another node of the chain, or more ether, may help the next one.
        self._unreadable: dict[tuple[int, bytes], float] = {}  # until when (monotonic seconds)
        self._failures: Counter[tuple[int, bytes]] = Counter()
        self._claim_rest = 0.0  # until when (monotonic seconds)

    def facts(self, snapshot: Snapshot, confirmed: frozenset[int]) -> Facts:
        """Everything `decide` needs; `confirmed` are the rounds whose inputs lie under enough blocks."""
        return Facts(
            rounds={state.number: self._round_facts(state, state.number in confirmed) for state in snapshot.rounds},
            proposed=self._rounds(PROPOSED),
            pinned=self._rounds(PINNED),
            keep_rounds=self._keep_rounds,
            proposes=self._proposes,
            sends=self._sends,
            claim_rests=self._claim_rest > time.monotonic(),
        )

    def own_root(self, state: RoundState) -> bytes | None:
        """Root of the global computed here from exactly these inputs."""
        note = self._note(state.number)
        return bytes.fromhex(note["own"]) if note.get("inputs") == state.view.inputs else None

    def pin(self, state: RoundState, roots: Iterable[bytes]) -> None:
        """Before content of this round enters the store."""
        note = self._note(state.number)
        pinned = sorted({*note.get("pinned", ()), *(root.hex() for root in roots)})
        self._write(state.number, note | {"pinned": pinned})
        self._set(PINNED, self._rounds(PINNED) | {state.number})

    def merged(self, state: RoundState, root: bytes) -> None:
        """The round's global is computed and in the store."""
        note = self._note(state.number)
        if note.get("own") != root.hex():  # what was wrong may be right now, or wrong at another leaf
            note.pop("wrong", None)
        self._write(state.number, note | {"own": root.hex(), "inputs": state.view.inputs})

    def forget_merged(self, round_number: int) -> None:
        """The store lost the global: compute it again."""
        note = self._note(round_number)
        note.pop("inputs", None)
        self._write(round_number, note)

    def paging(self, round_number: int, root: bytes) -> None:
        """Before page 0 of a proposal of `root` is sent."""
        self._write(round_number, self._note(round_number) | {"paging": root.hex()})

    def proposing(self, round_number: int) -> None:
        """Before the last page is sent: from then on something may be owed to us."""
        self._set(PROPOSED, self._rounds(PROPOSED) | {round_number})

    def reported(self, round_number: int, root: bytes, leaf: int) -> None:
        """The wrong proposal `root` was named; `leaf` is its first wrong one."""
        note = self._note(round_number)
        self._write(round_number, note | {"wrong": note.get("wrong", {}) | {root.hex(): leaf}})

    def unreadable(self, round_number: int, root: bytes) -> None:
        """The wrong proposal `root` was named, but no leaf of it; it is looked at again after a while."""
        self._unreadable[round_number, root] = time.monotonic() + UNREADABLE_SECONDS

    def failed(self, round_number: int, root: bytes) -> None:
        """Something kept a challenge or a proposal of `root` from being sent; UNMERGED: the round from being merged."""
        self._failures[round_number, root] += 1

    def collected(self, rounds: Iterable[int]) -> None:
        """What came of our proposals in `rounds` is collected."""
        self._set(PROPOSED, self._rounds(PROPOSED) - set(rounds))

    def claim_failed(self) -> None:
        """What is owed cannot be had now (a token may block us): other work must not wait for that."""
        self._claim_rest = time.monotonic() + CLAIM_REST

    def releasable(self, round_number: int) -> list[bytes]:
        """Roots that only this round keeps pinned."""
        others = self._rounds(PINNED) - {round_number}
        still_needed = {root for other in others for root in self._note(other).get("pinned", ())}
        return [bytes.fromhex(root) for root in self._note(round_number).get("pinned", ()) if root not in still_needed]

    def released(self, round_number: int) -> None:
        """Nothing of this round is pinned any more."""
        self._set(PINNED, self._rounds(PINNED) - {round_number})
        self._journal.forget(_key(round_number))

    def _round_facts(self, state: RoundState, confirmed: bool) -> RoundFacts:
        note, now = self._note(state.number), time.monotonic()
        paging = note.get("paging")
        return RoundFacts(
            own_root=self.own_root(state),
            confirmed=confirmed,
            paging_root=bytes.fromhex(paging) if paging else None,
            reported=frozenset(bytes.fromhex(root) for root in note.get("wrong", ())),
            unreadable=frozenset(
                root for (number, root), until in self._unreadable.items() if number == state.number and until > now
            ),
            failures={root: count for (number, root), count in self._failures.items() if number == state.number},
        )

    def _note(self, round_number: int) -> dict[str, Any]:
        return dict(self._journal.recall(_key(round_number), {}))

    def _write(self, round_number: int, note: dict[str, Any]) -> None:
        self._journal.note(_key(round_number), note)

    def _rounds(self, key: str) -> frozenset[int]:
        return frozenset(self._journal.recall(key, []))

    def _set(self, key: str, rounds: frozenset[int]) -> None:
        self._journal.note(key, sorted(rounds))


def _key(round_number: int) -> str:
    return f"aggregator.round.{round_number}"
