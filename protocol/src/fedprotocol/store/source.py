"""Where trees and blocks may be fetched from, and nothing else: another site's directory, a gateway.

Whatever comes from a source is checked on its way into a store of one's own.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol, TypeVar

from fedprotocol import tree
from fedprotocol.car import CarError, CarFile
from fedprotocol.monitor import metrics
from fedprotocol.store.base import Malformed, NotFound, StoreError
from fedprotocol.store.directory import DirectoryStore
from fedprotocol.tree import TreeShape

T = TypeVar("T")


class SourceFailed(StoreError):
    """A source did not serve; another one may."""


class Source(Protocol):
    """Read only. Its methods, and the file that `tree` opens, raise NotFound, SourceFailed or OSError."""

    @property
    def name(self) -> str:
        """How people know it."""

    def tree(self, root: bytes, shape: TreeShape) -> AbstractContextManager[BinaryIO]:
        """What it has under `root`: a CAR, unchecked. `shape` says how large the right one is."""

    def block(self, digest: bytes, max_bytes: int) -> bytes:
        """A raw block, checked. Raises Malformed too."""

    def check(self) -> str:
        """One line that says that it answers."""


def admit_tree(
    own: DirectoryStore, sources: Sequence[Source], root: bytes, shape: TreeShape, before: StoreError
) -> CarFile:
    """Copy the first tree of a source that verifies. `before`: why `own` has none; it counts as the first refusal.

    Raises NotFound, Malformed, and Unavailable if `own` fails.
    """

    def copy(source: Source) -> CarFile:
        with source.tree(root, shape) as car:
            held = own.admit(car, root, shape)
        metrics.FETCHED.inc(held.path.stat().st_size)
        return held

    return _first(sources, copy, tree.cid(root), before)


def admit_block(
    own: DirectoryStore, sources: Sequence[Source], digest: bytes, max_bytes: int, before: StoreError
) -> bytes:
    """The same for a raw block."""

    def copy(source: Source) -> bytes:
        data = source.block(digest, max_bytes)
        own.put_block(data)
        metrics.FETCHED.inc(len(data))
        return data

    return _first(sources, copy, tree.raw_cid(digest), before)


def _first(sources: Sequence[Source], copy: Callable[[Source], T], what: str, before: StoreError) -> T:
    refusals = [str(before)]
    wrong = before if isinstance(before, Malformed) else None
    for source in sources:
        try:
            return copy(source)
        except Malformed as error:
            wrong = wrong or error
        except (NotFound, SourceFailed) as error:
            refusals.append(str(error))
        except CarError as error:
            refused = Malformed(f"{source.name} holds another thing under this root: {error}")
            refused.__cause__ = error
            wrong = wrong or refused
        except OSError as error:
            refusals.append(f"{source.name} cannot be read: {error}")
    if wrong is not None:
        raise wrong
    raise NotFound(f"nobody has {what}: {'; '.join(refusals)}")
