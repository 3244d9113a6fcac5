"""The coordinator's events in memory, in the order of the log, and quickly found by round, account, name, transaction
and block."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Self, overload

from fedprotocol.chain.read.events import Event

LONG = "digests"  # an argument that is not kept: a page of a proposal has up to 2,048 of them


class _Entries:
    """Everything that was ever appended. Logs that share it differ in how much of it they see."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.blocks: list[int] = []
        self.times: list[int] = []
        self.by_round: defaultdict[int, list[int]] = defaultdict(list)
        self.by_account: defaultdict[str, list[int]] = defaultdict(list)
        self.by_name: defaultdict[str, list[int]] = defaultdict(list)
        self.by_tx: defaultdict[bytes, list[int]] = defaultdict(list)

    def append(self, event: Event) -> None:
        at = len(self.events)
        if isinstance(event.args.get(LONG), list | tuple):
            event = replace(event, args={**event.args, LONG: len(event.args[LONG])})
        self.blocks.append(event.block)
        self.times.append(event.time)
        if "round" in event.args:
            self.by_round[event.args["round"]].append(at)
        for account in accounts_of(event):
            self.by_account[account].append(at)
        self.by_name[event.name].append(at)
        self.by_tx[event.tx_hash].append(at)
        self.events.append(event)


class Log:
    """A log that never changes: `extended` gives another one. Logs that follow one another share their memory, so a
    reader may keep one while the follower goes on."""

    def __init__(self) -> None:
        self._entries = _Entries()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Event]:
        return iter(self._entries.events[: self._length])

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            return self._entries.events[start : stop if stop >= 0 else None : step]
        return self._entries.events[range(self._length)[index]]

    def extended(self, events: Iterable[Event]) -> Self:
        """This log and `events`, which follow its last one. Only one of the logs that share a memory is extended."""
        entries = self._entries
        if len(entries.events) != self._length:  # another log has gone on from here, and was given up
            entries = _Entries()
            for event in self:
                entries.append(event)
        for event in events:
            entries.append(event)
        return self._of(entries, len(entries.events))

    def kept_by(self, has: Callable[[Event], bool]) -> Self:
        """The longest beginning of the log whose last event the chain still has, by `has`."""
        if not self._length or has(self[-1]):
            return self
        low, high = 0, self._length - 1  # what the chain has is a beginning: look for its end
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if has(self[middle - 1]) else (low, middle - 1)
        return self._of(self._entries, low)

    # --------------------------------------------------------------- selections

    def last(self, count: int) -> Sequence[Event]:
        """The last `count` events, the newest first."""
        return self[max(0, self._length - count) :][::-1]

    def of_round(self, number: int) -> Sequence[Event]:
        return self._at(self._entries.by_round.get(number, ()))

    def end_of_round(self, number: int) -> tuple[int, Event | None]:
        """How many events name this round, and the last of them. If both are as they were, so are all."""
        return self._end(self._entries.by_round.get(number, ()))

    def end_of_account(self, account: str) -> tuple[int, Event | None]:
        """The same for an account."""
        return self._end(self._entries.by_account.get(account, ()))

    def of_account(self, account: str) -> Sequence[Event]:
        """Events that name this account (checksummed) in any argument."""
        return self._at(self._entries.by_account.get(account, ()))

    def named(self, name: str) -> Sequence[Event]:
        return self._at(self._entries.by_name.get(name, ()))

    def of_transaction(self, tx_hash: bytes) -> Sequence[Event]:
        return self._at(self._entries.by_tx.get(tx_hash, ()))

    def of_block(self, number: int) -> Sequence[Event]:
        return self[self._first_at(number) : self._first_at(number + 1)]

    def between(self, start: float, end: float) -> Sequence[Event]:
        """Events at a time from `start` up to and including `end`, in seconds since 1970."""
        times = self._entries.times
        return self[bisect_left(times, start, hi=self._length) : bisect_right(times, end, hi=self._length)]

    def accounts(self) -> Sequence[str]:
        """Every account that an event names, in the order in which they first appeared."""
        found = [(positions[0], account) for account, positions in list(self._entries.by_account.items())]
        return [account for at, account in sorted(found) if at < self._length]

    def _first_at(self, block: int) -> int:
        return bisect_left(self._entries.blocks, block, hi=self._length)

    def _end(self, positions: Sequence[int]) -> tuple[int, Event | None]:
        count = bisect_left(positions, self._length)
        return count, self._entries.events[positions[count - 1]] if count else None

    def _at(self, positions: Sequence[int]) -> Sequence[Event]:
        end = bisect_left(positions, self._length)
        return [self._entries.events[at] for at in positions[:end]]

    def _of(self, entries: _Entries, length: int) -> Self:
        made = type(self)()
        made._entries, made._length = entries, length
        return made


def accounts_of(event: Event) -> set[str]:
    """The accounts that an event names, checksummed: no event has other texts."""
    return {value for value in event.args.values() if isinstance(value, str)}
