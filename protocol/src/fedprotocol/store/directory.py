"""A directory as a store: `trees/<cid>.car` with its index beside it, `blocks/<cid>`.

A file gets its name only when it is whole, verified and on the disk, so everything that has a name may be served. A
damaged tree is renamed to `trees/<cid>.car.damaged`. Other sites may read the directory (`peered.py`); nobody else
writes to it.
"""

import hashlib
import logging
import os
import shutil
import stat
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from fedprotocol import metrics, tree
from fedprotocol.car import CarError, CarFile, Leaves, read_car, write_car
from fedprotocol.errors import FedError
from fedprotocol.files.whole import STALE_SECONDS, sync_file, sync_folder, written_whole
from fedprotocol.foreign_errors import in_a_line
from fedprotocol.quantities import size
from fedprotocol.store.base import Malformed, NotFound, Unavailable
from fedprotocol.tree import TreeShape

log = logging.getLogger(__name__)


class DirectoryStore:
    """A program's own store. Everything in it is pinned until `unpin`."""

    def __init__(self, path: Path) -> None:
        """Create the directory if it does not exist. Raises Unavailable."""
        self.path = path
        self._temporary = path / "tmp"
        self._naming = threading.Lock()  # a CAR and its index get their names, and are deleted, together
        with self._usable():
            for folder in (path / "trees", path / "blocks", self._temporary):
                folder.mkdir(parents=True, exist_ok=True)
            for left in self._temporary.iterdir():  # left by a process that was killed while it wrote
                with suppress(FileNotFoundError):  # or it is another program's, which has just finished with it
                    if left.stat().st_mtime < time.time() - STALE_SECONDS:
                        left.unlink()

    def put(self, leaves: Leaves) -> bytes:
        """Write and pin a tree; returns its root. Raises Unavailable."""
        try:
            self.get(leaves.root, leaves.shape).close()
        except (NotFound, Malformed):
            with self._usable(), self._drafts() as (car, index):
                write_car(leaves, car, index)
                with self._named(leaves.root, car, index):
                    metrics.PUBLISHED.inc(car.tell())
        return leaves.root

    def get(self, root: bytes, shape: TreeShape) -> CarFile:
        """Open a tree that is here. Raises NotFound, Malformed (damaged, or of another shape) or Unavailable.

        An index that is lost or damaged is made again. If a leaf turns out to be damaged when it is read, the whole
        tree counts as not found from then on.
        """
        car = self.car_path(root)
        with self._usable():
            try:
                return self._open(root, shape)
            except (FileNotFoundError, CarError):
                pass
            try:
                with open_regular(car) as source:
                    return self.admit(source, root, shape)
            except NotFound:
                raise NotFound(f"{tree.cid(root)} is not in {self.path}") from None
            except CarError as error:
                raise Malformed(f"{car} is not the tree it must be: {error}") from error

    def admit(self, source: BinaryIO, root: bytes, shape: TreeShape) -> CarFile:
        """Verify a CAR from anywhere while copying it in, and pin it. Raises a CarError, and Unavailable."""
        with self._usable(), self._drafts() as (car, index):
            index_digest = read_car(source, root, shape, car, index)
            with self._named(root, car, index):
                return self._open(root, shape, index_digest)

    def put_block(self, data: bytes) -> bytes:
        """Write and pin a raw block; returns its digest. Raises Unavailable."""
        digest = hashlib.sha256(data).digest()
        with self._usable(), written_whole(self.block_path(digest), drafts=self._temporary) as block:
            block.write(data)
        return digest

    def get_block(self, digest: bytes, max_bytes: int) -> bytes:
        """Read a raw block of at most `max_bytes`. Raises NotFound, Malformed or Unavailable."""
        with self._usable():
            return read_block(self.block_path(digest), digest, max_bytes)

    def unpin(self, root: bytes) -> None:
        """Delete a tree. Code that has it open can still read it. Raises Unavailable."""
        with self._usable(), self._naming:
            self.car_path(root).unlink(missing_ok=True)
            self._index_path(root).unlink(missing_ok=True)
            self._damaged_path(root).unlink(missing_ok=True)

    def check(self) -> str:
        """One line that says where it is, how much is in it, and how much room is left. Raises Unavailable if it cannot
        be written to."""
        with self._usable(), self._temporary_file() as probe:
            probe.write_bytes(b"")
            trees = sum(1 for _ in (self.path / "trees").glob("*.car"))
            free = size(shutil.disk_usage(self.path).free)
        return f"directory {self.path}: {trees} trees, {free} free"

    def car_path(self, root: bytes) -> Path:
        """Where a tree's CAR is, or would be."""
        return car_path(self.path, root)

    def block_path(self, digest: bytes) -> Path:
        """Where a raw block is, or would be."""
        return block_path(self.path, digest)

    def _index_path(self, root: bytes) -> Path:
        return self.car_path(root).with_suffix(".idx")

    def _damaged_path(self, root: bytes) -> Path:
        return self.car_path(root).with_suffix(".car.damaged")

    def _open(self, root: bytes, shape: TreeShape, index_digest: bytes | None = None) -> CarFile:
        return CarFile(self.car_path(root), self._index_path(root), root, shape, self._put_aside, index_digest)

    @contextmanager
    def _drafts(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """New files for a CAR and its index."""
        with (
            self._temporary_file() as car,
            self._temporary_file() as index,
            car.open("xb") as out,
            index.open("xb") as entries,
        ):
            yield out, entries

    @contextmanager
    def _named(self, root: bytes, car: BinaryIO, index: BinaryIO) -> Iterator[None]:
        """Give both their names, once they are on the disk. In this context nobody deletes them."""
        for file in (car, index):
            sync_file(file)
        with self._naming:
            Path(index.name).replace(self._index_path(root))  # first: a CAR with a name always has its index
            Path(car.name).replace(self.car_path(root))
            sync_folder(self.path / "trees")
            yield

    def _put_aside(self, held: CarFile) -> None:
        """Rename a damaged tree, unless a new copy has its name by now. The code that read it gets an error anyway."""
        with suppress(OSError), self._naming:
            if held.is_at(self.car_path(held.root)):
                aside = self._damaged_path(held.root)
                self.car_path(held.root).replace(aside)
                self._index_path(held.root).unlink(missing_ok=True)
                log.warning("%s was damaged on disk; what is left of it is %s", tree.cid(held.root), aside)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except FedError:
            raise
        except Exception as error:
            raise Unavailable(f"the store {self.path} cannot be used: {in_a_line(error)}") from error

    @contextmanager
    def _temporary_file(self) -> Iterator[Path]:
        """A name for a new file, which is deleted afterwards unless it was moved."""
        path = self._temporary / uuid.uuid4().hex
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def car_path(store: Path, root: bytes) -> Path:
    """Where a store directory keeps the CAR of a tree."""
    return store / "trees" / f"{tree.cid(root)}.car"


def block_path(store: Path, digest: bytes) -> Path:
    """Where a store directory keeps a raw block."""
    return store / "blocks" / tree.raw_cid(digest)


def read_block(path: Path, digest: bytes, max_bytes: int) -> bytes:
    """Read and verify a block's file. Raises NotFound, Malformed, and OSError if it cannot be read."""
    with open_regular(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise Malformed(f"{path} has more than the {max_bytes} bytes allowed")
    if hashlib.sha256(data).digest() != digest:
        raise Malformed(f"the bytes of {path} do not hash to its name")
    return data


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; if a pipe or device has its name, nobody has to wait for it. Raises NotFound,
    OSError."""
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    except FileNotFoundError:
        raise NotFound(f"there is no {path}") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotFound(f"{path} is not a file")
    return file
