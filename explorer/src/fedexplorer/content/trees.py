"""Trees by root: from the explorer's own copies, or fetched from the store, one fetch at a time for a root however many
people look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fedprotocol.car import CarFile
from fedprotocol.store.base import Store
from fedprotocol.store.deadline import POLL, Deadline
from fedprotocol.store.download import seconds_for
from fedprotocol.store.source import FIND_SECONDS
from fedprotocol.tree import TreeShape

from fedexplorer.content.jobs import Job, Jobs, Report
from fedexplorer.content.opened import OpenTree
from fedexplorer.content.shelf import Shelf

AT_ONCE = 8  # trees that are fetched at the same time
WAITING = 64
PAUSE = 60.0  # seconds for which nobody is asked again for what nobody served
LONGEST = 1800.0  # seconds for one tree, whatever its size


@dataclass(frozen=True)
class _Wanted:
    root: bytes
    shape: TreeShape


class Trees:
    """What `store` serves, with copies on `shelf`. `store` must copy what it fetches into the shelf's folder."""

    def __init__(self, store: Store, shelf: Shelf, pause: float = PAUSE) -> None:
        self._store, self._shelf = store, shelf
        self._fetches: Jobs[_Wanted, None] = Jobs(
            "fetch a tree", self._fetch, at_once=AT_ONCE, waiting=WAITING, keeps=False, pause=pause, limit=LONGEST
        )

    def close(self) -> None:
        """Stop all fetches."""
        self._fetches.close()

    def look(self, root: bytes, shape: TreeShape, patience: float = 0.0) -> OpenTree | Job[None]:
        """The tree, or how the fetch stands that was started for it or was running already. It may wait `patience`
        seconds for it. Raises Busy; Unavailable if the own copies cannot be read."""
        held = self._shelf.open(root, shape)
        if held is not None:
            return held
        job = self._fetches.ask(_Wanted(root, shape), patience)
        return self._shelf.open(root, shape) or job

    def get(self, root: bytes, shape: TreeShape, deadline: Deadline) -> CarFile:
        """The verified copy, as soon as it is here, for the caller to close. Raises NotFound, Malformed, Unavailable,
        Stopped, TooLarge, Busy."""
        while True:
            held = self._shelf.car(root, shape)
            if held is not None:
                return held
            deadline.check()
            job = self._fetches.ask(_Wanted(root, shape), POLL)
            if job.error is not None:
                raise job.error

    def drop(self, root: bytes) -> None:
        """Forget a copy that turned out to be damaged; it is fetched again when somebody asks."""
        self._shelf.drop(root)

    @contextmanager
    def keeping(self, roots: list[bytes], needed: int) -> Iterator[None]:
        """See `Shelf.keeping`."""
        with self._shelf.keeping(roots, needed):
            yield

    def block(self, digest: bytes, max_bytes: int, deadline: Deadline) -> bytes:
        """A raw block. Raises NotFound, Malformed, Unavailable, Stopped."""
        return self._store.get_block(digest, max_bytes, deadline)

    def _fetch(self, wanted: _Wanted, report: Report) -> None:
        within = report.deadline.part(seconds_for(wanted.shape, 2 * FIND_SECONDS))
        report("asking the store")
        with self._shelf.room_for(wanted.root, wanted.shape):
            self._store.get(wanted.root, wanted.shape, within).close()
