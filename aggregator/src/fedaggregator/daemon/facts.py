"""Everything that an aggregator knows besides the chain, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedprotocol.chain.amounts import UNITS, Amounts
from fedprotocol.program.backoff import Setback

from fedaggregator.daemon.actions import Action, Work


@dataclass(frozen=True)
class RoundFacts:
    """What this aggregator knows about one round."""

    own_root: bytes | None = None  # root of the global that was computed here and is in the store
    confirmed: bool = True  # the inputs lie deep enough in the chain
    paging_root: bytes | None = None  # the global to which the pages sent so far belong
    reported: frozenset[bytes] = frozenset()  # wrong proposals whose first wrong leaf is known
    cases: frozenset[bytes] = frozenset()  # those of them whose proof is ready and was simulated
    garbage: bool = False  # its updates add up to what no honest ones do, and the proof is ready
    stands: bool = False  # our global is a live proposal, although the snapshot has no room for it
    failed_merges: int = 0


@dataclass(frozen=True)
class Facts:
    """What this aggregator knows beyond the chain's snapshot."""

    rounds: Mapping[int, RoundFacts] = field(default_factory=dict)
    proposed: frozenset[int] = frozenset()  # rounds in which we proposed and whose outcome is not collected
    pinned: frozenset[int] = frozenset()  # rounds whose inputs and global this store still pins
    keep_rounds: int = 8
    proposes: bool = True  # False: a watchtower
    sends: bool = True  # False: it has no key and only watches
    amounts: Amounts = UNITS  # how money is written
    announcement: str | None = None  # what the peer directory should say of us and does not yet
    left_open: bool = False  # transactions of an earlier run may still be mined
    running: frozenset[Work] = frozenset()  # work in the background
    stopped: frozenset[Work] = frozenset()  # background work that was told to stop and has not ended yet
    overdue: frozenset[Work] = frozenset()  # background work that has run so long that other work may have its lane
    paused: frozenset[Action] = frozenset()  # actions that failed a moment ago and are not tried for a while
    failing: Mapping[Action, Setback] = field(default_factory=dict)  # those of them that could not be done, and why

    def round(self, number: int) -> RoundFacts:
        return self.rounds.get(number, RoundFacts())
