"""The explorer's own copies of trees: on disk, verified, and not more of them than a limit allows."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from fedprotocol.car import CarError, CarFile
from fedprotocol.quantities import size
from fedprotocol.store.base import Malformed, NotFound
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.tree import NODE_BYTES, TreeShape, parse_cid

from fedexplorer.content.opened import OpenTree
from fedexplorer.content.told import Told

SECTION_BYTES = 45  # length and CID before each block of a CAR, and an entry of its index
INDEX_BYTES = 40
MOST_OPEN_LEAVES = 1 << 21  # whose digests are in memory, 64 bytes each


class TooLarge(Told):
    """There is no room for this on the explorer's disk."""


def bytes_of(shape: TreeShape) -> int:
    """The most bytes that a tree of this shape takes on disk."""
    return shape.leaf_count * (shape.leaf_bytes + NODE_BYTES + 2 * SECTION_BYTES + INDEX_BYTES)


class Shelf:
    """Trees in `folder`, at most `limit` bytes of them; those that were not looked at for longest go first.

    Threads may share it. Only this program writes to the folder.
    """

    def __init__(self, folder: DirectoryStore, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._lock = threading.RLock()
        self._sizes: OrderedDict[bytes, int] = OrderedDict()  # the least recently used first
        self._reserved = 0
        self._kept: Counter[bytes] = Counter()
        self._open: OrderedDict[bytes, OpenTree] = OrderedDict()
        for damaged in (folder.path / "trees").glob("*.damaged"):
            damaged.unlink(missing_ok=True)
        held = sorted((folder.path / "trees").glob("*.car"), key=lambda path: path.stat().st_mtime)
        for path in held:
            _, root = parse_cid(path.stem)
            self._sizes[root] = path.stat().st_size + _index_size(folder, root)

    @property
    def used(self) -> int:
        """Bytes on disk, and those that are being fetched."""
        with self._lock:
            return sum(self._sizes.values()) + self._reserved

    def open(self, root: bytes, shape: TreeShape) -> OpenTree | None:
        """A tree that is here; None if it is not, or is damaged. Raises Unavailable."""
        with self._lock:
            known = self._open.get(root)
            if known is not None and known.shape == shape:
                self._used_now(root)
                return known
        held = self.car(root, shape)
        if held is None:
            return None
        opened = OpenTree.of(held)
        with self._lock:
            known = self._open.get(root)
            if known is not None and known.shape == shape:  # somebody else has opened it meanwhile
                return known
            self._open[root] = opened
            self._used_now(root)
            while len(self._open) > 1 and sum(len(tree) for tree in self._open.values()) > MOST_OPEN_LEAVES:
                self._open.popitem(last=False)
        return opened

    def car(self, root: bytes, shape: TreeShape) -> CarFile | None:
        """The file of a tree that is here, for the caller to close; None if it is not, or is damaged. Raises
        Unavailable."""
        with self._lock:
            if root not in self._sizes:
                return None
            self._used_now(root)
        try:
            return self.folder.get(root, shape)
        except (NotFound, Malformed, CarError):
            self.drop(root)
            return None

    def drop(self, root: bytes) -> None:
        """Delete a copy, which turned out to be damaged. Raises Unavailable."""
        with self._lock:
            self._open.pop(root, None)
            self._sizes.pop(root, None)
            self.folder.unpin(root)

    @contextmanager
    def room_for(self, root: bytes, shape: TreeShape) -> Iterator[None]:
        """Room for a tree while it is fetched into the folder, where it is counted from then on. Raises TooLarge,
        Unavailable."""
        wanted = bytes_of(shape)
        with self._lock:
            self._make_room(wanted)
            self._reserved += wanted
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= wanted
                car = self.folder.car_path(root)
                if car.exists():
                    self._sizes[root] = car.stat().st_size + _index_size(self.folder, root)
                    self._used_now(root)

    @contextmanager
    def keeping(self, roots: Collection[bytes], needed: int) -> Iterator[None]:
        """Trees that must not go while a piece of work needs them all, `needed` bytes. Raises TooLarge."""
        if needed > self.limit:
            raise TooLarge(
                f"this needs {size(needed)} on disk at once, and the explorer may use {size(self.limit)}: start it "
                "with a larger --cache"
            )
        with self._lock:
            self._kept.update(roots)
        try:
            yield
        finally:
            with self._lock:
                self._kept.subtract(roots)

    def _make_room(self, wanted: int) -> None:
        for root in list(self._sizes):
            if self.used + wanted <= self.limit:
                break
            if self._kept[root] <= 0:
                self.drop(root)
        if self.used + wanted > self.limit:
            raise TooLarge(
                f"a tree of up to {size(wanted)} does not fit beside what is in use: the explorer may use "
                f"{size(self.limit)} of the disk; start it with a larger --cache"
            )

    def _used_now(self, root: bytes) -> None:
        for known in (self._sizes, self._open):
            if root in known:
                known.move_to_end(root)


def _index_size(folder: DirectoryStore, root: bytes) -> int:
    index = folder.car_path(root).with_suffix(".idx")
    return index.stat().st_size if index.exists() else 0
