"""Places from which trees and blocks can only be fetched: another site's directory, or a gateway. Everything from a
source is checked when it is copied into the own store.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from fedprotocol import metrics
from fedprotocol.car import CarError, CarFile
from fedprotocol.store.base import Malformed, StoreError
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.store.race import HEAD_START, Attempt
from fedprotocol.store.side_by_side import side_by_side
from fedprotocol.tree import TreeShape

FIND_SECONDS = 30.0
"""Seconds of looking for content after which it counts as not there."""


BLOCK_SECONDS = 60.0
"""Seconds that one block may take, which may be the whole spec."""


class SourceFailed(StoreError):
    """A source did not serve the content. Another one may."""


class Source(Protocol):
    """A source, which is only read. Its methods, and the file that `tree` opens, raise NotFound, SourceFailed, Stopped
    or OSError."""

    @property
    def name(self) -> str:
        """The name by which people know the source."""

    def tree(self, root: bytes, shape: TreeShape, deadline: Deadline) -> AbstractContextManager[BinaryIO]:
        """The source's CAR under `root`, which is not checked yet. `shape` says how large the right one is."""

    def block(self, digest: bytes, max_bytes: int, deadline: Deadline) -> bytes:
        """A raw block, checked. Raises Malformed too."""

    def check(self, deadline: Deadline) -> str:
        """One line that says that it answers."""


def tree_from(source: Source, own: DirectoryStore, root: bytes, shape: TreeShape) -> Attempt[CarFile]:
    """Copy a tree that verifies into `own`, which raises Unavailable if it cannot be written to."""

    def fetch(deadline: Deadline) -> CarFile:
        try:
            with source.tree(root, shape, deadline) as car:
                held = own.admit(car, root, shape)
        except CarError as error:
            raise Malformed(f"{source.name} holds another thing under this root: {error}") from error
        metrics.FETCHED.inc(held.size)
        return held

    return Attempt(source.name, fetch)


def block_from(source: Source, own: DirectoryStore, digest: bytes, max_bytes: int) -> Attempt[bytes]:
    """The same for a raw block."""

    def fetch(deadline: Deadline) -> bytes:
        data = source.block(digest, max_bytes, deadline)
        own.put_block(data)
        metrics.FETCHED.inc(len(data))
        return data

    return Attempt(source.name, fetch)


def patience(deadline: Deadline | None, seconds: float, sources: int) -> Deadline:
    """The time for a fetch that may take `seconds` from one source, if only the last of this many sources may have the
    content."""
    return (deadline or Deadline()).part(seconds + HEAD_START * sources)


def silent(sources: Sequence[Source], seconds: float = 5.0) -> list[str]:
    """The sources that do not answer in time, and why. All are asked at the same time."""

    def named(name: str, error: Exception) -> str:
        return str(error) if str(error).startswith(name) else f"{name}: {error}"

    def ask(source: Source, deadline: Deadline) -> str:
        return source.check(deadline)

    asked = side_by_side(sources, ask, Deadline(seconds), places=max(1, len(sources)))
    answers = {of.key.name: of.error for of in asked}
    return [named(name, error) for name in (s.name for s in sources) if (error := answers[name]) is not None]
