"""What an aggregator knows besides the chain, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedprotocol.program.backoff import Setback

from fedaggregator.daemon.actions import Action, Work


@dataclass(frozen=True)
class RoundFacts:
    """What this aggregator knows about one round."""

    own_root: bytes | None = None  # the global computed here, in the store
    confirmed: bool = True  # the inputs lie under enough blocks
    paging_root: bytes | None = None  # the global that the pages handed in so far are of
    reported: frozenset[bytes] = frozenset()  # wrong proposals whose first wrong leaf is known
    cases: frozenset[bytes] = frozenset()  # of these, with a proof that is built and simulated
    stands: bool = False  # our global is live, although the snapshot has no room for it
    failed_merges: int = 0


@dataclass(frozen=True)
class Facts:
    """What this aggregator knows beyond the chain's snapshot."""

    rounds: Mapping[int, RoundFacts] = field(default_factory=dict)
    proposed: frozenset[int] = frozenset()  # rounds with a proposal of ours whose outcome is not collected
    pinned: frozenset[int] = frozenset()  # rounds whose inputs and global this store still pins
    keep_rounds: int = 8
    proposes: bool = True  # False: a watchtower
    sends: bool = True  # False: it has no key and only watches
    left_open: bool = False  # an earlier run's transactions may still be mined
    running: frozenset[Work] = frozenset()  # work in the background
    stopped: frozenset[Work] = frozenset()  # of that, what was told to stop and has not ended yet
    overdue: frozenset[Work] = frozenset()  # of that, what has run for so long that others have a right to its lane
    paused: frozenset[Action] = frozenset()  # tried a moment ago, and left alone for a while
    failing: Mapping[Action, Setback] = field(default_factory=dict)  # of these, what could not be done

    def round(self, number: int) -> RoundFacts:
        return self.rounds.get(number, RoundFacts())
