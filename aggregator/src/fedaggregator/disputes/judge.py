"""A proposed global against one's own: the first leaf that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedprotocol.car import Leaves
from fedprotocol.errors import FedError


class VerifyError(FedError):
    """The two cannot be compared."""


@dataclass(frozen=True)
class Mismatch:
    """A leaf that differs, with the 32-byte digests of what it should be and of what was claimed."""

    leaf: int
    expected: bytes
    claimed: bytes


def compare(own: Leaves, digests: Sequence[bytes]) -> Mismatch | None:
    """The first leaf at which `digests` differs from `own`, or None if they are the same tree.

    Raises:
        VerifyError: `digests` is not one digest a leaf.
    """
    if len(digests) != len(own):
        raise VerifyError(f"{len(digests)} digests cannot be those of a tree of {len(own)} leaves")
    for leaf, claimed in enumerate(digests):
        expected = own.digest(leaf)
        if claimed != expected:
            return Mismatch(leaf, expected, claimed)
    return None
