"""Whether a site takes part with a set of members: pure rules, each with a reason for people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A round for which this site published its masked update. `arrived`: its members less those whose updates this
    site asked for and never got."""

    round: int
    members: frozenset[str]
    arrived: frozenset[str]


def too_few_peers(peers: Collection[str], at_least: int, account: str, present: Collection[str]) -> str:
    """Why the accounts that are `present` are too few of this site's own list; empty: they are enough. The site's own
    `account` does not count."""
    wanted = set(peers) - {account}
    here = wanted & set(present)
    if len(here) >= at_least:
        return ""
    missing = ", ".join(sorted(wanted - here))
    return f"{len(here)} of at least {at_least} of its own peers ([private] peers) take part; missing: {missing}"


def changed_set(earlier: Sequence[Published], members: Collection[str], agreed: bool = False) -> str:
    """Why this site does not publish for `members` after it published on the same global before; empty: it does.

    The difference of two sums of nearly the same updates shows those of whoever is in only one of them. So the set must
    be the earlier one, less members whose updates never arrived: without these the earlier sum stays hidden. `agreed`:
    a person looked at it and agrees to another set.
    """
    if agreed:
        return ""
    now = frozenset(members)
    for published in earlier:
        added, gone = now - published.members, published.arrived - now
        if added or gone:
            changes = [f"{', '.join(sorted(who))} {what}" for who, what in ((added, "came"), (gone, "went")) if who]
            return (
                f"this site published in round {published.round} on the same global, and the members are others now "
                f"({'; '.join(changes)}): the difference of both sums would show the updates of these. A person must "
                "look at it: put the number of the coming round into [private] changed_in, or stop this node"
            )
    return ""
