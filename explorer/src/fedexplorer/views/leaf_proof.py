"""One leaf with everything that a reader's browser needs to do a proof again by itself."""

from __future__ import annotations

from fedprotocol.chain.read.disputes import Opening

from fedexplorer.disputes.gathered import Gathered
from fedexplorer.disputes.replay import Replay
from fedexplorer.views.view import Hex, Model

MOST_BYTES = 1 << 18  # of leaves on a page


class Opened(Model):
    """A leaf and its path to its root: the digests beside it, from the leaf upwards."""

    leaf: Hex
    path: tuple[Hex, ...]


class SumsProof(Model):
    """The leaf `index` of each accepted update, in order."""

    index: int
    leaves: tuple[Opened, ...]


class LeafProof(Model):
    """The leaf `index` of each accepted update, in order, and of each part of the prior; and what the proposal has
    there in `part`."""

    index: int
    part: int
    prior: tuple[Opened, ...]
    leaves: tuple[Opened, ...]
    claimed_digest: Hex
    claimed_path: tuple[Hex, ...]


def leaf_proof(replay: Replay) -> LeafProof | None:
    """None if the leaves are too large for a page."""
    found = replay.found
    openings = [share.opening for share in found.shares]
    if sum(len(opening.leaf) for opening in (*found.prior, *openings)) > MOST_BYTES:
        return None
    return LeafProof(
        index=found.leaf,
        part=found.part,
        prior=tuple(map(_opened, found.prior)),
        leaves=tuple(map(_opened, openings)),
        claimed_digest=found.claimed_digest,
        claimed_path=found.claimed_path,
    )


def sums_proof(found: Gathered) -> SumsProof | None:
    """None if the leaves are too large for a page."""
    openings = [share.opening for share in found.shares]
    if sum(len(opening.leaf) for opening in openings) > MOST_BYTES:
        return None
    return SumsProof(index=found.leaf, leaves=tuple(map(_opened, openings)))


def _opened(opening: Opening) -> Opened:
    return Opened(leaf=opening.leaf, path=opening.path)
