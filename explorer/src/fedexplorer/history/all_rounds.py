"""The histories of all rounds. Those that have not changed since the last look are not made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedprotocol.chain.read.events import Event
from fedprotocol.types import FederationConfig, RoundView

from fedexplorer.history.log import Log
from fedexplorer.history.records import RoundHistory
from fedexplorer.history.rounds import read_round


@dataclass(frozen=True)
class _Read:
    """A history, with what it was made of: the end of its round's events, and what the round before ended with."""

    history: RoundHistory
    end: tuple[int, Event | None]
    before: tuple[int | None, bytes | None]


class Rounds:
    """The histories of the rounds 1, 2, …, in `all`. It never changes."""

    def __init__(self, read: Sequence[_Read] = ()) -> None:
        self._read = tuple(read)
        self.all = tuple(entry.history for entry in self._read)

    def number(self, number: int) -> RoundHistory | None:
        """The history of a round; None if it was never opened."""
        return self.all[number - 1] if 0 < number <= len(self.all) else None

    def then(self, log: Log, config: FederationConfig, now: int, views: Mapping[int, RoundView]) -> Rounds:
        """The histories at a later look, or after a re-org. `views`: what the contract's lens says of rounds at `now`,
        at least of those that are not settled."""
        found: list[_Read] = []
        before: RoundHistory | None = None
        while (end := log.end_of_round(len(found) + 1))[0]:
            number = len(found) + 1
            follows = (before.settled_at, before.root_after) if before is not None else (None, None)
            kept = self._read[number - 1] if number <= len(self._read) else None
            if kept is None or kept.history.settled is None or not _same(kept, end, follows):
                history = read_round(number, log.of_round(number), config, before, now, views.get(number))
                kept = _Read(history, end, follows)
            found.append(kept)
            before = kept.history
        return Rounds(found)


def _same(kept: _Read, end: tuple[int, Event | None], follows: tuple[int | None, bytes | None]) -> bool:
    return kept.end[0] == end[0] and kept.end[1] is end[1] and kept.before == follows
