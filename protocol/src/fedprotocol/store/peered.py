"""A store in a directory that fetches what it lacks from others: the directories of other sites, and gateways. They are
treated like a network: nothing is written there, and every block is checked when it is copied.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fedprotocol import tree
from fedprotocol.car import CarFile, Leaves
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.deadline import Deadline
from fedprotocol.store.directory import DirectoryStore, block_path, car_path, open_regular, read_block
from fedprotocol.store.download import Download, seconds_for, time_for
from fedprotocol.store.race import first_of
from fedprotocol.store.source import BLOCK_SECONDS, FIND_SECONDS, Source, block_from, patience, silent, tree_from
from fedprotocol.tree import TreeShape

_READS = 64
_CHUNK = 1 << 20


class PeerDirectory:
    """Another site's directory store as a source.

    It may be on a network disk that hangs, where no deadline can end a read. So only a few reads are started at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._reads = threading.BoundedSemaphore(_READS)

    @contextmanager
    def tree(self, root: bytes, shape: TreeShape, deadline: Deadline) -> Iterator[BinaryIO]:
        """The CAR in that directory. Raises NotFound, Stopped, OSError."""
        with self._reading(), open_regular(car_path(self.path, root)) as file:
            chunks = iter(partial(file.read, _CHUNK), b"")
            yield io.BufferedReader(Download(chunks, time_for(shape, FIND_SECONDS, deadline)))

    def block(self, digest: bytes, max_bytes: int, deadline: Deadline) -> bytes:
        """The raw block in that directory. Raises NotFound, Malformed, Stopped, OSError."""
        with self._reading():
            deadline.check()
            return read_block(block_path(self.path, digest), digest, max_bytes)

    def check(self, deadline: Deadline) -> str:
        """Whether the file exists. Raises NotFound, Stopped."""
        with self._reading():
            deadline.check()
            if not (self.path / "trees").is_dir():
                raise NotFound(f"there is no store in {self.path}")
            return f"{self.path} can be read"

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if not self._reads.acquire(blocking=False):
            raise NotFound(f"{self.path} hangs: {_READS} reads of it have not ended")
        try:
            yield
        finally:
            self._reads.release()


class PeeredStore:
    """`own` holds everything this site published or fetched; `sources`, and then those that `more` names at that time,
    are asked in turn for what it lacks, and several at a time if they are slow."""

    def __init__(
        self, own: DirectoryStore, sources: Sequence[Source], more: Callable[[], Sequence[Source]] = tuple
    ) -> None:
        self.own = own
        self.sources = tuple(sources)
        self._more = more

    def _asked(self) -> tuple[Source, ...]:
        named = {source.name for source in self.sources}
        return (*self.sources, *(source for source in self._more() if source.name not in named))

    def put(self, leaves: Leaves) -> bytes:
        """Publish and pin a tree in the own directory."""
        return self.own.put(leaves)

    def get(self, root: bytes, shape: TreeShape, deadline: Deadline | None = None) -> CarFile:
        """Open the own copy; if there is none, copy it from the first source whose copy verifies."""
        try:
            return self.own.get(root, shape)
        except (NotFound, Malformed) as error:  # a damaged own copy is replaced
            attempts = [tree_from(source, self.own, root, shape) for source in self._asked()]
            return first_of(
                attempts, tree.cid(root), error, patience(deadline, seconds_for(shape, FIND_SECONDS), len(attempts))
            )

    def put_block(self, data: bytes) -> bytes:
        """Publish and pin a raw block in the own directory."""
        return self.own.put_block(data)

    def get_block(self, digest: bytes, max_bytes: int, deadline: Deadline | None = None) -> bytes:
        """Read the own copy; if there is none, copy it from the first source whose copy verifies."""
        try:
            return self.own.get_block(digest, max_bytes)
        except (NotFound, Malformed) as error:
            attempts = [block_from(source, self.own, digest, max_bytes) for source in self._asked()]
            return first_of(attempts, tree.raw_cid(digest), error, patience(deadline, BLOCK_SECONDS, len(attempts)))

    def unpin(self, root: bytes) -> None:
        """Delete the own copy."""
        self.own.unpin(root)

    def check(self) -> str:
        """One line with the own directory, and which sources answer."""
        asked = self._asked()
        own, quiet = self.own.check(), silent(asked)
        summary = f"{own}; {len(asked) - len(quiet)} of {len(asked)} peers can be read"
        return summary + "".join(f"; {line}" for line in quiet)

    def reachable(self) -> int:
        """How many sources answer."""
        self.own.check()
        asked = self._asked()
        return len(asked) - len(silent(asked))


class ReadOnlyStore(PeeredStore):
    """A store for programs that only watch. What it fetches is copied into `own`, and nothing is published."""

    def put(self, leaves: Leaves) -> bytes:
        """Raises Unavailable."""
        raise self._refusal(tree.cid(leaves.root))

    def put_block(self, data: bytes) -> bytes:
        """Raises Unavailable."""
        raise self._refusal(f"a block of {len(data)} bytes")

    def _refusal(self, what: str) -> Unavailable:
        names = ", ".join(source.name for source in self.sources)
        return Unavailable(
            f"{what} cannot be published: gateways ({names}) are read only; use a store of your own, dir: or kubo:, "
            "with the gateways as its peers"
        )


def directory_of(url: str) -> Path:
    """The folder that `dir:/absolute/path` names. Raises StoreError."""
    scheme, _, rest = url.partition(":")
    path = Path(rest)
    if scheme != "dir" or not path.is_absolute():
        raise StoreError(f"{url!r} names no directory; write dir:/absolute/path")
    return path
