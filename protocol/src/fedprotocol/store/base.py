"""The interface through which trees and blocks are published and fetched, and its errors."""

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
    """The store works, but nobody that it can ask delivered all of this content within the time allowed."""


class Unavailable(StoreError):
    """The store itself cannot be used: not running, not reachable, no permission, disk full."""


class Malformed(StoreError):
    """The content under this root is not the tree or block that it should be. `__cause__` says where."""


class Stopped(StoreError):
    """A fetch was stopped. This says nothing about the content."""


class Store(Protocol):
    """A store of content that is addressed by its hash. Everything is verified when it comes in. Digests and roots are
    32 raw bytes. Threads may share a store. `get` and `get_block` always end, whatever the other side does, and no
    later than `deadline` if there is one.
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
        """Unpin and delete a tree. Nothing happens if it is not there. Raises Unavailable."""
        ...

    def check(self) -> str:
        """One line that says what store this is and that it can be used. Raises Unavailable."""
        ...

    def reachable(self) -> int:
        """From how many other stores content can be fetched now. Raises Unavailable if the store itself cannot be
        used."""
        ...
