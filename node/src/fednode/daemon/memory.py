"""The daemon's small facts, kept in the journal so that a restart goes on where the last run was."""

from __future__ import annotations

from typing import Any

from fedaggregator.dispute import Case
from fedprotocol.journal import Journal

from fednode.daemon.facts import Checked, Verdict


class Memory:
    """Every change is in the journal when the call returns."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.recomputed = _roots(journal.recall("recomputed"))
        self.fetched = _roots(journal.recall("fetched"))
        self.trained = set[int](journal.recall("trained") or ())
        self.evaluated = set[int](journal.recall("evaluated") or ())
        self.solo_trained = set[int](journal.recall("solo_trained") or ())
        self.solo_evaluated = set[int](journal.recall("solo_evaluated") or ())
        # What could not be read is not known to the next run: it may have another node of the chain.
        judged = [entry for entry in journal.recall("judged") or () if not entry["finding"] or "leaf" in entry]
        self.findings: dict[tuple[int, bytes], str] = {_key(entry): entry["finding"] for entry in judged}
        self.wrong_leaves: dict[tuple[int, bytes], int] = {
            _key(entry): entry["leaf"] for entry in judged if "leaf" in entry
        }
        self.cases: dict[tuple[int, bytes], Case] = {}  # not journalled: they are made of what is
        self.has_bounty = bool(journal.recall("has_bounty"))
        self.checked: dict[int, Checked] = {
            int(number): Checked(
                bytes.fromhex(entry["inputs_hash"]), {int(i): Verdict(v) for i, v in entry["verdicts"].items()}
            )
            for number, entry in (journal.recall("checked") or {}).items()
        }
        self.train_seconds = float(journal.recall("train_seconds") or 0.0)

    def note_recomputed(self, number: int, root: bytes) -> None:
        self.recomputed[number] = root
        self._journal.note("recomputed", _hex(self.recomputed))

    def note_fetched(self, number: int, root: bytes) -> None:
        self.fetched[number] = root
        self._journal.note("fetched", _hex(self.fetched))

    def note_released(self, number: int) -> None:
        """Nothing of the round is in the store any more."""
        self.cases = {key: case for key, case in self.cases.items() if key[0] != number}
        for known in (self.recomputed, self.fetched, self.checked):
            known.pop(number, None)
        self._journal.note("recomputed", _hex(self.recomputed))
        self._journal.note("fetched", _hex(self.fetched))
        self._note_checked()

    def note_verdict(self, number: int, inputs_hash: bytes, index: int, verdict: Verdict) -> None:
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

    @property
    def judged(self) -> dict[tuple[int, bytes], bool]:
        """Round and root of every proposal looked at -> whether it is right."""
        return {key: not finding for key, finding in self.findings.items()}

    def note_judged(self, number: int, root: bytes, finding: str, leaf: int | None = None) -> None:
        """`finding`: what is wrong with the proposal, empty if nothing is; `leaf`: its first wrong one."""
        self.findings[number, root] = finding
        if leaf is not None:
            self.wrong_leaves[number, root] = leaf
        self._note_findings()

    def note_doubtful(self, number: int) -> None:
        """The own merge of the round is not what its inputs give: it and what followed from it are made again."""
        self.recomputed.pop(number, None)
        self._journal.note("recomputed", _hex(self.recomputed))
        for key in [key for key in self.findings if key[0] == number]:
            del self.findings[key]
            self.wrong_leaves.pop(key, None)
            self.cases.pop(key, None)
        self._note_findings()

    def note_bounty(self, is_there: bool) -> None:
        self.has_bounty = is_there
        self._journal.note("has_bounty", is_there)

    def _note_findings(self) -> None:
        leaves = self.wrong_leaves
        entries = [
            {"round": key[0], "root": key[1].hex(), "finding": text} | ({"leaf": leaves[key]} if key in leaves else {})
            for key, text in self.findings.items()
        ]
        self._journal.note("judged", entries)

    def note_evaluated(self, number: int) -> None:
        self.evaluated.add(number)
        self._journal.note("evaluated", sorted(self.evaluated))

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


def _key(entry: dict[str, Any]) -> tuple[int, bytes]:
    return entry["round"], bytes.fromhex(entry["root"])


def _roots(stored: Any) -> dict[int, bytes]:
    return {int(number): bytes.fromhex(root) for number, root in (stored or {}).items()}


def _hex(roots: dict[int, bytes]) -> dict[str, str]:
    return {str(number): root.hex() for number, root in roots.items()}
