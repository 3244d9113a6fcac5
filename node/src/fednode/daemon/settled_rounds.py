"""How rounds ended for the account, written down for people: what they paid, and what is held for it since."""

from __future__ import annotations

from pathlib import Path

from fedprotocol.chain.read.payouts import payout
from fedprotocol.chain.read.snapshot import RoundState, Snapshot

from fednode.figure_files import SETTLED, record


class SettledRounds:
    """Writes an entry for every settled round that a snapshot shows, and again if a re-org lets it end in another way.
    `decimals`: the token's. What was settled while the node did not run, and another round after it too, is not
    seen."""

    def __init__(self, folder: Path, decimals: int) -> None:
        self._file = folder / SETTLED
        self._unit = 10**decimals
        self._written: dict[int, tuple[str, bytes, int]] = {}  # round -> how it ended

    def note(self, chain: Snapshot) -> None:
        """Raises OSError."""
        for state in chain.rounds:
            if not state.view.phase.settled:
                continue
            paid = payout(chain, state)
            ended = state.view.phase.name.lower(), state.view.global_root, paid
            if self._written.get(state.number) != ended:
                self._write(chain, state, ended[0], paid)
                self._written = {state.number: ended}  # a snapshot shows one of them

    def _write(self, chain: Snapshot, state: RoundState, phase: str, paid: int) -> None:
        entry = {
            "round": state.number,
            "phase": phase,
            "payout": paid / self._unit,
            "stake": chain.settled_seat.stake / self._unit,
            "owed": chain.settled_owed / self._unit,
            "tokens": chain.tokens / self._unit,
            "at": state.view.settled_at or chain.time,
        }
        record(self._file, entry)
