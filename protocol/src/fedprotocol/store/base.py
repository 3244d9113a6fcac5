"""The port through which trees and blocks are published and fetched, and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from fedprotocol.car import CarFile, Leaves
from fedprotocol.errors import FedError
from fedprotocol.tree import TreeShape

if TYPE_CHECKING:
    from fedprotocol.store.deadline import Deadline


class StoreError(FedError):
    """A store did not do what was asked."""


class NotFound(StoreError):
    """The store works, but nobody it can ask has this content, or not all of it, within the time allowed."""


class Unavailable(StoreError):
    """The store itself cannot be used: not running, not reachable, no permission, disk full."""


class Malformed(StoreError):
    """There is content under this root, and it is not the tree or block it must be; `__cause__` says where."""


class Stopped(StoreError):
    """A fetch was called off; nothing is known of the content."""


class Store(Protocol):
    """Content addressed, verified on every way in; digests and roots are 32 raw bytes. Safe to share between threads.

    `get` and `get_block` end by themselves, whatever those do who are asked; with `deadline` they end with it if that
    is sooner.
    """

    def put(self, leaves: Leaves) -> bytes:
        """Publish and pin a tree; returns its root. Raises Unavailable."""
        ...

    def get(self, root: bytes, shape: TreeShape, deadline: Deadline | None = None) -> CarFile:
        """Fetch, verify and pin a tree. Raises NotFound, Malformed, Unavailable or Stopped."""
        ...

    def put_block(self, data: bytes) -> bytes:
        """Publish and pin one raw block (the spec); returns its sha2-256 digest. Raises Unavailable."""
        ...

    def get_block(self, digest: bytes, max_bytes: int, deadline: Deadline | None = None) -> bytes:
        """Fetch one raw block of at most `max_bytes`. Raises NotFound, Malformed, Unavailable or Stopped."""
        ...

    def unpin(self, root: bytes) -> None:
        """Let go of a tree; nothing happens if it is not held. Raises Unavailable."""
        ...

    def check(self) -> str:
        """One line that says what store this is and that it can be used. Raises Unavailable."""
        ...

    def reachable(self) -> int:
        """How many others can be read from now. Raises Unavailable if the store itself cannot be used."""
        ...
