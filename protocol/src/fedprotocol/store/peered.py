"""A directory of one's own that fetches what it lacks from others: directories of other sites, gateways.

Those are read as a network is: read only, every block checked on its way into one's own.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from fedprotocol import tree
from fedprotocol.car import CarFile, Leaves
from fedprotocol.store.base import Malformed, NotFound, StoreError, Unavailable
from fedprotocol.store.directory import DirectoryStore, block_path, car_path, open_regular, read_block
from fedprotocol.store.source import Source, admit_block, admit_tree
from fedprotocol.tree import TreeShape


class PeerDirectory:
    """Another site's directory store as a source."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def tree(self, root: bytes, shape: TreeShape) -> AbstractContextManager[BinaryIO]:  # noqa: ARG002
        """Its CAR. Raises NotFound, OSError."""
        return open_regular(car_path(self.path, root))

    def block(self, digest: bytes, max_bytes: int) -> bytes:
        """Its raw block. Raises NotFound, Malformed, OSError."""
        return read_block(block_path(self.path, digest), digest, max_bytes)

    def check(self) -> str:
        """Whether it is there. Raises NotFound."""
        if not (self.path / "trees").is_dir():
            raise NotFound(f"there is no store in {self.path}")
        return f"{self.path} can be read"


class PeeredStore:
    """`own` holds everything this site published or fetched; `sources` are asked in turn for what it lacks."""

    def __init__(self, own: DirectoryStore, sources: Sequence[Source]) -> None:
        self.own = own
        self.sources = tuple(sources)

    def put(self, leaves: Leaves) -> bytes:
        """Publish and pin a tree in one's own directory."""
        return self.own.put(leaves)

    def get(self, root: bytes, shape: TreeShape) -> CarFile:
        """Open one's own copy, else copy the first one of a source that verifies."""
        try:
            return self.own.get(root, shape)
        except (NotFound, Malformed) as error:  # a damaged copy of one's own is replaced
            return admit_tree(self.own, self.sources, root, shape, error)

    def put_block(self, data: bytes) -> bytes:
        """Publish and pin a raw block in one's own directory."""
        return self.own.put_block(data)

    def get_block(self, digest: bytes, max_bytes: int) -> bytes:
        """Read one's own copy, else copy the first one of a source that verifies."""
        try:
            return self.own.get_block(digest, max_bytes)
        except (NotFound, Malformed) as error:
            return admit_block(self.own, self.sources, digest, max_bytes, error)

    def unpin(self, root: bytes) -> None:
        """Let go of one's own copy."""
        self.own.unpin(root)

    def check(self) -> str:
        """One's own directory, and which of the sources answer."""
        own, silent = self.own.check(), self._silent()
        answering = len(self.sources) - len(silent)
        said = f"{own}; {answering} of {len(self.sources)} peers can be read"
        return said + "".join(f"; {line}" for line in silent)

    def reachable(self) -> int:
        """Sources that answer."""
        self.own.check()
        return len(self.sources) - len(self._silent())

    def _silent(self) -> list[str]:
        """The sources that do not answer, and why."""
        silent = []
        for source in self.sources:
            try:
                source.check()
            except (StoreError, OSError) as error:
                silent.append(f"{source.name}: {error}")
        return silent


class ReadOnlyStore(PeeredStore):
    """For those who only watch: copies of what was fetched in `own`, and nothing is published."""

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
