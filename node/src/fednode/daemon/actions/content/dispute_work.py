"""The common part of judging a live proposal and preparing the proof against it."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.chain.read.snapshot import Snapshot

from fednode.daemon.actions.action import Lane, Work
from fednode.daemon.facts import Facts
from fednode.daemon.snapshot_questions import is_live, window_left


@dataclass(frozen=True)
class DisputeWork(Work):
    """Work on the proposal of `root` by `proposer`, until it can no longer be convicted. `disputes.py` says when."""

    round: int
    proposer: str
    root: bytes
    lane = Lane.DISPUTES
    keeps_node_running = True

    def time_left(self, chain: Snapshot) -> float:
        return window_left(chain, self.round, self.root)

    def still_wanted(self, chain: Snapshot, facts: Facts) -> bool:
        return is_live(chain, self.round, self.root)
