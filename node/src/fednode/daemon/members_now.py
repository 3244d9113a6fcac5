"""Whether the members of a masked round are still those that this site masked for: a re-org deeper than its
confirmations can take a commit away."""

from __future__ import annotations

from fedprotocol.chain.read.signed_commits import standing_commits

from fednode.daemon.action_context import Tools
from fednode.daemon.earlier_sets import Unsafe
from fednode.masking.site_journal import FixedSet


def require_members(tools: Tools, number: int, fixed: FixedSet) -> None:
    """Raise Unsafe unless exactly these accounts stand committed on the round's prior. To refuse before the reveal
    costs nothing where others refuse too; afterwards nothing could be published, which costs the penalty. Another key
    of a member is no reason to refuse: the sum is garbage then, and nobody pays. Also raises CommitsHidden, ChainError.
    """
    found = standing_commits(tools.coordinator, tools.events, number, fixed.prior_root, ())
    if changed := found.hashes.keys() ^ fixed.members.keys():
        raise Unsafe(
            f"round {number}: the chain was re-organised, and its members are no longer those that masks are for "
            f"({', '.join(sorted(changed))}): this site reveals nothing. If it happens again, raise [chain] "
            "confirmations"
        )
