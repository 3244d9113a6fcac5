"""The leaf of a conviction with everything that a reader's browser needs to prove it wrong by itself."""

from __future__ import annotations

from fedprotocol.chain.read.disputes import Opening

from fedexplorer.disputes.replay import Replay
from fedexplorer.views.view import Hex, Model

MOST_BYTES = 1 << 18  # of leaves on a page


class Opened(Model):
    """A leaf and its path to its root: the digests beside it, from the leaf upwards."""

    leaf: Hex
    path: tuple[Hex, ...]


class LeafProof(Model):
    """The leaf `index` of the prior and of each accepted update, in order, and what the proposal has there."""

    index: int
    prior: Opened
    leaves: tuple[Opened, ...]
    claimed_digest: Hex
    claimed_path: tuple[Hex, ...]


def leaf_proof(replay: Replay) -> LeafProof | None:
    """None if the rule keeps more than the weights, or if the leaves are too large for a page."""
    found = replay.found
    openings = [share.opening for share in found.shares]
    if len(found.prior) > 1 or sum(len(opening.leaf) for opening in (*found.prior, *openings)) > MOST_BYTES:
        return None
    return LeafProof(
        index=found.leaf,
        prior=_opened(found.prior[0]),
        leaves=tuple(map(_opened, openings)),
        claimed_digest=found.claimed_digest,
        claimed_path=found.claimed_path,
    )


def _opened(opening: Opening) -> Opened:
    return Opened(leaf=opening.leaf, path=opening.path)
