"""The daemon's small facts, kept in the journal so that a restart goes on where the last run was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedaggregator.disputes.case import Case
from fedaggregator.disputes.impeachment import Impeachment
from fedprotocol.chain.read.penalties import Penalty
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.journal import Journal
from fedprotocol.types import PenaltyReason

from fednode.daemon.facts import Checked, ProposalVerdict, UpdateVerdict


class Memory:
    """Every change is in the journal when the call returns.

    What follows from a round's inputs is kept under them, so that a re-org that changes them leaves nothing stale.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.merged: dict[int, dict[str, bytes]] = {  # round -> inputs -> root
            int(number): {inputs: bytes.fromhex(root) for inputs, root in merges.items()}
            for number, merges in (journal.recall("recomputed") or {}).items()
        }
        self.fetched = _roots(journal.recall("fetched"))
        self.trained = set[int](journal.recall("trained") or ())
        self.evaluated = _roots(journal.recall("evaluated"))
        self.solo_trained = set[int](journal.recall("solo_trained") or ())
        self.solo_evaluated = set[int](journal.recall("solo_evaluated") or ())
        self.verdicts: dict[tuple[int, bytes], ProposalVerdict] = {}
        for entry in journal.recall("judged") or ():
            verdict = ProposalVerdict(bytes.fromhex(entry["own"]), entry["text"], entry["leaf"])
            if not verdict.text or verdict.leaf is not None:  # else another of the chain's nodes may show more
                self.verdicts[entry["round"], bytes.fromhex(entry["root"])] = verdict
        self.cases: dict[tuple[int, bytes], Case] = {}  # not journalled: they are made of what is
        self.garbage: dict[int, str] = {int(n): inputs for n, inputs in (journal.recall("garbage") or {}).items()}
        self.impeachments: dict[int, Impeachment] = {}  # not journalled: a recomputation makes them again
        self.penalties: dict[int, Penalty] = {
            entry["round"]: Penalty(entry["round"], entry["amount"], PenaltyReason(entry["reason"]))
            for entry in journal.recall("penalties") or ()
        }
        self.penalties_known = int(journal.recall("penalties_known") or 0)  # the last round that was looked at
        self.has_bounty = bool(journal.recall("has_bounty"))
        self.proposed = set[int](journal.recall("proposed") or ())
        self.checked: dict[int, Checked] = {
            int(number): Checked(
                bytes.fromhex(entry["inputs_hash"]), {int(i): UpdateVerdict(v) for i, v in entry["verdicts"].items()}
            )
            for number, entry in (journal.recall("checked") or {}).items()
        }
        self.announced = str(journal.recall("announced") or "")
        self.train_seconds = float(journal.recall("train_seconds") or 0.0)

    def recomputed(self, chain: Snapshot) -> dict[int, bytes]:
        """Round -> root of the global that was computed here from the inputs that it has by now."""
        inputs = {state.number: state.view.inputs for state in chain.rounds}
        current = {
            number: merges.get(inputs[number]) if number in inputs else [*merges.values()][-1]
            for number, merges in self.merged.items()
        }
        return {number: root for number, root in current.items() if root is not None}

    def verdicts_by(self, recomputed: Mapping[int, bytes]) -> dict[tuple[int, bytes], ProposalVerdict]:
        """(Round, proposed root) -> verdict, of proposals that were compared with the globals in `recomputed`."""
        return {key: verdict for key, verdict in self.verdicts.items() if recomputed.get(key[0]) == verdict.own_root}

    def open_cases(self, chain: Snapshot) -> frozenset[tuple[int, bytes]]:
        """Round and proposed root of the cases that are made of the round's inputs."""
        inputs = {s.number: (s.view.inputs_hash, s.view.accepted_mask) for s in chain.rounds}
        return frozenset(
            key for key, case in self.cases.items() if inputs.get(key[0]) == (case.inputs_hash, case.accepted_mask)
        )

    def garbage_in(self, chain: Snapshot) -> frozenset[int]:
        """Rounds whose updates add up to garbage, with the inputs that they have by now."""
        inputs = {state.number: state.view.inputs for state in chain.rounds}
        return frozenset(number for number, found in self.garbage.items() if inputs.get(number, found) == found)

    def note_garbage(self, number: int, inputs: str, made: Impeachment) -> None:
        self.garbage[number] = inputs
        self.impeachments[number] = made
        self._note_garbage()

    def forget_impeachment(self, number: int) -> None:
        """Its proof is made again."""
        self.impeachments.pop(number, None)

    def note_recomputed(self, number: int, inputs: str, root: bytes) -> None:
        merges = self.merged.setdefault(number, {})
        merges.pop(inputs, None)
        merges[inputs] = root  # the newest comes last
        self._note_merged()
        if self.garbage.pop(number, None) is not None:  # there was a re-org: other inputs are no garbage
            self._note_garbage()

    def note_fetched(self, number: int, root: bytes) -> None:
        self.fetched[number] = root
        self._journal.note("fetched", _hex(self.fetched))

    def keeps(self, number: int) -> bool:
        """Whether something from the round is in the own store, and noted, so that it will be let go."""
        return number in self.merged or number in self.fetched or number in self.checked

    def note_released(self, number: int) -> None:
        """Remember that nothing from the round is in the store any more."""
        self.cases = {key: case for key, case in self.cases.items() if key[0] != number}
        for known in (self.merged, self.fetched, self.checked):
            known.pop(number, None)
        self._note_merged()
        self._journal.note("fetched", _hex(self.fetched))
        self._note_checked()

    def note_verdict(self, number: int, inputs_hash: bytes, index: int, verdict: UpdateVerdict) -> None:
        """A verdict on another input set replaces all of the round's: there was a re-org."""
        before = self.checked.get(number)
        verdicts = dict(before.verdicts) if before is not None and before.inputs_hash == inputs_hash else {}
        verdicts[index] = verdict
        self.checked[number] = Checked(inputs_hash, verdicts)
        self._note_checked()

    def _note_checked(self) -> None:
        entries: dict[str, Any] = {
            str(n): {
                "inputs_hash": checked.inputs_hash.hex(),
                "verdicts": {str(i): v.value for i, v in checked.verdicts.items()},
            }
            for n, checked in self.checked.items()
        }
        self._journal.note("checked", entries)

    def note_judged(self, number: int, root: bytes, verdict: ProposalVerdict) -> None:
        self.verdicts[number, root] = verdict
        self._note_judged()

    def note_doubtful(self, number: int) -> None:
        """The global computed here is not what the round's inputs give: it and what followed from it are made again."""
        self.merged.pop(number, None)
        self._note_merged()
        self.verdicts = {key: verdict for key, verdict in self.verdicts.items() if key[0] != number}
        self.cases = {key: case for key, case in self.cases.items() if key[0] != number}
        self._note_judged()

    def note_bounty(self, is_there: bool) -> None:
        self.has_bounty = is_there
        self._journal.note("has_bounty", is_there)

    def note_announced(self, text: str) -> None:
        self.announced = text
        self._journal.note("announced", text)

    def note_penalties(self, found: Mapping[int, Penalty | None], known: int) -> None:
        """What rounds cost (None: nothing; a re-org may change it). All rounds up to `known` are settled."""
        changed = {**self.penalties, **{number: penalty for number, penalty in found.items() if penalty is not None}}
        changed = {number: penalty for number, penalty in changed.items() if found.get(number, penalty) is not None}
        if (changed, known) == (self.penalties, self.penalties_known):
            return
        self.penalties, self.penalties_known = changed, known
        entries = [{"round": p.round, "amount": p.amount, "reason": p.reason.value} for p in changed.values()]
        self._journal.note("penalties", entries)
        self._journal.note("penalties_known", known)

    def note_proposed(self, number: int) -> None:
        """Call this before a proposal is sent. From then on its bond may be locked, or owed to this account."""
        self.proposed.add(number)
        self._journal.note("proposed", sorted(self.proposed))

    def note_settled(self) -> None:
        """Remember that what settled rounds mean for this account's proposals is part of what it is owed now."""
        self.proposed.clear()
        self._journal.note("proposed", [])

    def _note_garbage(self) -> None:
        self._journal.note("garbage", {str(number): inputs for number, inputs in self.garbage.items()})

    def _note_merged(self) -> None:
        entries = {str(n): {i: root.hex() for i, root in merges.items()} for n, merges in self.merged.items()}
        self._journal.note("recomputed", entries)

    def _note_judged(self) -> None:
        entries = [
            {
                "round": number,
                "root": root.hex(),
                "own": verdict.own_root.hex(),
                "text": verdict.text,
                "leaf": verdict.leaf,
            }
            for (number, root), verdict in self.verdicts.items()
        ]
        self._journal.note("judged", entries)

    def note_evaluated(self, number: int, root: bytes) -> None:
        self.evaluated[number] = root
        self._journal.note("evaluated", _hex(self.evaluated))

    def note_solo_trained(self, number: int) -> None:
        self.solo_trained.add(number)
        self._journal.note("solo_trained", sorted(self.solo_trained))

    def note_solo_evaluated(self, number: int) -> None:
        self.solo_evaluated.add(number)
        self._journal.note("solo_evaluated", sorted(self.solo_evaluated))

    def note_trained(self, number: int, seconds: float) -> None:
        self.trained.add(number)
        self.train_seconds = seconds
        self._journal.note("trained", sorted(self.trained))
        self._journal.note("train_seconds", seconds)


def _roots(stored: Any) -> dict[int, bytes]:
    return {int(number): bytes.fromhex(root) for number, root in (stored or {}).items()}


def _hex(roots: dict[int, bytes]) -> dict[str, str]:
    return {str(number): root.hex() for number, root in roots.items()}
