"""What an aggregator remembers about rounds across restarts: JSON facts in its journal."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fedprotocol.chain.read.snapshot import RoundState, Snapshot
from fedprotocol.journal import Journal

from fedaggregator.daemon.facts import Facts, RoundFacts

PROPOSED = "aggregator.proposed"  # key for rounds whose outcome is not collected
PINNED = "aggregator.pinned"  # key for rounds whose content the store pins


class Memory:
    """Stores facts and returns them. A round's global counts only as long as the round has the inputs from which it was
    computed.

    Safe to use from several threads.
    """

    def __init__(self, journal: Journal, keep_rounds: int, proposes: bool = True, sends: bool = True) -> None:
        self._journal = journal
        self._keep_rounds = keep_rounds
        self._proposes, self._sends = proposes, sends
        self._failed_merges: Counter[int] = Counter()  # not kept when the program ends
        self._lock = threading.RLock()  # reading, changing and writing a note must not be interrupted

    def facts(
        self,
        snapshot: Snapshot,
        unconfirmed: frozenset[int],
        cases: frozenset[tuple[int, bytes]],
        stand: frozenset[int],
        garbage: frozenset[int] = frozenset(),
    ) -> Facts:
        """The remembered part of what `decide` needs.

        Args:
            snapshot: the chain.
            unconfirmed: rounds whose inputs do not lie deep enough yet. cases: round and root of the proposals against
                which a proof is ready. stand: rounds in which our global is a live proposal, although the snapshot does
                not show it. garbage: rounds whose updates add up to garbage.
        """
        return Facts(
            rounds={
                state.number: replace(
                    self._round_facts(state, state.number not in unconfirmed, cases, state.number in stand),
                    garbage=state.number in garbage,
                )
                for state in snapshot.rounds
            },
            proposed=self._rounds(PROPOSED),
            pinned=self._rounds(PINNED),
            keep_rounds=self._keep_rounds,
            proposes=self._proposes,
            sends=self._sends,
        )

    def own_root(self, state: RoundState) -> bytes | None:
        """The root of the global that was computed here from exactly these inputs."""
        note = self._note(state.number)
        return bytes.fromhex(note["own"]) if note.get("inputs") == state.view.inputs else None

    def pin(self, state: RoundState, roots: Iterable[bytes]) -> None:
        """Call this before content of this round enters the store."""
        with self._lock:
            note = self._note(state.number)
            pinned = sorted({*note.get("pinned", ()), *(root.hex() for root in roots)})
            self._write(state.number, note | {"pinned": pinned})
            self._set(PINNED, self._rounds(PINNED) | {state.number})

    def merged(self, state: RoundState, root: bytes) -> None:
        """Remember that the round's global is computed and in the store."""
        with self._lock:
            note = self._note(state.number)
            if note.get("own") != root.hex():  # a proposal that was wrong may be right now, or wrong at another leaf
                note.pop("wrong", None)
            self._write(state.number, note | {"own": root.hex(), "inputs": state.view.inputs})

    def forget_merged(self, round_number: int) -> None:
        """The store lost the global: remember that it must be computed again."""
        with self._lock:
            note = self._note(round_number)
            note.pop("inputs", None)
            self._write(round_number, note)

    def paging(self, round_number: int, root: bytes) -> None:
        """Call this before page 0 of a proposal of `root` is sent."""
        with self._lock:
            self._write(round_number, self._note(round_number) | {"paging": root.hex()})

    def proposing(self, round_number: int) -> None:
        """Call this before the last page is sent. From then on something may be owed to us."""
        with self._lock:
            self._set(PROPOSED, self._rounds(PROPOSED) | {round_number})

    def reported(self, round_number: int, root: bytes, leaf: int) -> None:
        """Remember that the wrong proposal `root` was reported; `leaf` is its first wrong leaf."""
        with self._lock:
            note = self._note(round_number)
            self._write(round_number, note | {"wrong": note.get("wrong", {}) | {root.hex(): leaf}})

    def merge_failed(self, round_number: int) -> None:
        """Remember that the round could not be merged."""
        self._failed_merges[round_number] += 1

    def collected(self, rounds: Iterable[int]) -> None:
        """Remember that the outcome of our proposals in `rounds` is collected."""
        with self._lock:
            self._set(PROPOSED, self._rounds(PROPOSED) - set(rounds))

    def releasable(self, round_number: int) -> list[bytes]:
        """The roots that no other round keeps pinned."""
        others = self._rounds(PINNED) - {round_number}
        still_needed = {root for other in others for root in self._note(other).get("pinned", ())}
        return [bytes.fromhex(root) for root in self._note(round_number).get("pinned", ()) if root not in still_needed]

    def released(self, round_number: int) -> None:
        """Remember that nothing from this round is pinned any more."""
        with self._lock:
            self._set(PINNED, self._rounds(PINNED) - {round_number})
            self._journal.forget(_key(round_number))

    def _round_facts(
        self,
        state: RoundState,
        confirmed: bool,
        cases: frozenset[tuple[int, bytes]] = frozenset(),
        stands: bool = False,
    ) -> RoundFacts:
        note = self._note(state.number)
        paging = note.get("paging")
        return RoundFacts(
            own_root=self.own_root(state),
            confirmed=confirmed,
            paging_root=bytes.fromhex(paging) if paging else None,
            reported=frozenset(bytes.fromhex(root) for root in note.get("wrong", ())),
            cases=frozenset(root for number, root in cases if number == state.number),
            stands=stands,
            failed_merges=self._failed_merges[state.number],
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
