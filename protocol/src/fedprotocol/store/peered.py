"""A directory of one's own that fetches what it lacks from the directories of others.

Those are read as a network would be: read only, every block checked on its way into one's own.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from fedprotocol import tree
from fedprotocol.car import CarError, CarFile, Leaves
from fedprotocol.store.base import Malformed, NotFound, StoreError
from fedprotocol.store.directory import DirectoryStore, block_path, car_path, open_regular, read_block
from fedprotocol.tree import TreeShape

T = TypeVar("T")


class PeeredStore:
    """`own` holds everything this site published or fetched; `peers` are directories of other sites."""

    def __init__(self, own: DirectoryStore, peers: Sequence[Path]) -> None:
        self.own = own
        self.peers = tuple(peers)

    def put(self, leaves: Leaves) -> bytes:
        """Publish and pin a tree in one's own directory."""
        return self.own.put(leaves)

    def get(self, root: bytes, shape: TreeShape) -> CarFile:
        """Open one's own copy, else copy the first one of a peer that verifies."""

        def copy(peer: Path) -> CarFile:
            with open_regular(car_path(peer, root)) as source:
                return self.own.admit(source, root, shape)

        return self._first(lambda: self.own.get(root, shape), copy, tree.cid(root))

    def put_block(self, data: bytes) -> bytes:
        """Publish and pin a raw block in one's own directory."""
        return self.own.put_block(data)

    def get_block(self, digest: bytes, max_bytes: int) -> bytes:
        """Read one's own copy, else copy the first one of a peer that verifies."""

        def copy(peer: Path) -> bytes:
            data = read_block(block_path(peer, digest), digest, max_bytes)
            self.own.put_block(data)
            return data

        return self._first(lambda: self.own.get_block(digest, max_bytes), copy, tree.raw_cid(digest))

    def unpin(self, root: bytes) -> None:
        """Let go of one's own copy."""
        self.own.unpin(root)

    def check(self) -> str:
        """One's own directory, and how many of the peers' directories can be seen."""
        seen = sum(1 for peer in self.peers if (peer / "trees").is_dir())
        return f"{self.own.check()}; {seen} of {len(self.peers)} peers' directories can be read"

    def _first(self, own: Callable[[], T], copy: Callable[[Path], T], what: str) -> T:
        refusals: list[StoreError] = []
        try:
            return own()
        except (NotFound, Malformed) as error:  # a damaged copy of one's own is replaced by a peer's
            refusals.append(error)
        for peer in self.peers:
            try:
                return copy(peer)
            except (NotFound, Malformed) as error:
                refusals.append(error)
            except CarError as error:
                refusals.append(Malformed(f"{peer} holds another thing under this root: {error}"))
                refusals[-1].__cause__ = error
            except OSError as error:
                refusals.append(NotFound(f"{peer} cannot be read: {error}"))
        wrong = next((error for error in refusals if isinstance(error, Malformed)), None)
        if wrong is not None:
            raise wrong
        raise NotFound(f"nobody has {what}: looked in {self.own.path} and in {len(self.peers)} peers' directories")
