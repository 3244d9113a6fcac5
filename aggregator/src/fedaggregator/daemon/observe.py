"""Watching without a key: every round is recomputed, every proposal and every final global is compared with the result,
and nothing is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fedprotocol.address import NOBODY
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import Snapshot
from fedprotocol.chain.read.trust import warnings
from fedprotocol.config import ConnectionConfig, StoreConfig
from fedprotocol.journal import Journal, locked
from fedprotocol.monitor.chain import introduce
from fedprotocol.peers.find import open_shared_store
from fedprotocol.store.base import Store
from fedprotocol.tree import cid
from fedprotocol.types import Phase

from fedaggregator.compute.inputs import rule_of
from fedaggregator.config import AggregatorConfig, AggregatorSection
from fedaggregator.daemon.decide import given_up
from fedaggregator.daemon.facts import Facts
from fedaggregator.daemon.journal_facts import Memory
from fedaggregator.daemon.loop import log
from fedaggregator.daemon.watch import Watcher
from fedaggregator.disputes.judge import Claim, Right, Verdict, judge

NO_INPUTS = "its inputs are not to be had"
GARBAGE = "its updates add up to garbage, so that nothing follows from them"


@dataclass(frozen=True)
class Finding:
    """The verdict on one root of a round, found from the root alone. `proposer` is None for the final global."""

    round: int
    root: bytes
    proposer: str | None
    verdict: Verdict

    @property
    def right(self) -> bool:
        return isinstance(self.verdict, Right)

    def __str__(self) -> str:
        what = "the final global" if self.proposer is None else f"the proposal of {self.proposer},"
        return f"round {self.round}: {what} {cid(self.root)} {self.verdict}"


def findings(snapshot: Snapshot, facts: Facts) -> Iterator[Finding]:
    """The verdicts on everything in `snapshot` that can be compared with our own result, and on what can never be
    compared."""
    for state in snapshot.rounds:
        known, is_final = facts.round(state.number), state.view.phase is Phase.FINAL
        if known.own_root is None and not known.garbage and not given_up(known):
            continue
        missing = GARBAGE if known.garbage else NO_INPUTS
        proposed = [(proposal.root, proposal.proposer) for proposal in state.proposals if known.own_root is not None]
        for root, proposer in [*proposed, *([(state.view.global_root, None)] if is_final else [])]:
            yield Finding(state.number, root, proposer, judge(Claim(root), known.own_root, missing=missing))


class Observer(Watcher):
    """Remembers in `seen` what it found: the latest verdict on each root."""

    def __init__(self, config: AggregatorConfig, coordinator: Coordinator, store: Store, journal: Journal) -> None:
        memory = Memory(journal, config.aggregator.keep_rounds, proposes=False, sends=False)
        super().__init__(config, coordinator, store, NOBODY, memory)
        self.seen: dict[tuple[int, bytes, str | None], Finding] = {}

    @classmethod
    @contextmanager
    def open(cls, config: ConnectionConfig, keep_rounds: int) -> Iterator[Self]:
        """An observer with the config of a node or an aggregator, which must not run at the same time. Its files are in
        `home`/watch. A directory store is not changed.

        Raises:
            FedError: the home is in use, the chain or the store does not answer, the rule is unknown.
        """
        own = config.home / "watch"
        settings = AggregatorConfig(
            home=own,
            chain=config.chain,
            store=_beside(config.store, own),
            monitor=config.monitor,
            aggregator=AggregatorSection(keep_rounds=keep_rounds),
        )
        settings.cache.mkdir(parents=True, exist_ok=True)
        chain = config.chain
        with locked(config.journal), Journal(settings.journal) as journal:
            coordinator = Coordinator.connect(chain.rpc, chain.coordinator, chain.chain_id)
            journal.bind(chain.chain_id, coordinator.address, "nobody")
            store = open_shared_store(settings, lambda: coordinator)
            log.info("store: %s", store.check())
            for warning in warnings(coordinator, chain, own):
                log.warning("%s", warning)
            log.info("rule: %s; watching without a key, nothing is sent", rule_of(coordinator).name)
            introduce("fedaggregator", coordinator, NOBODY)
            yield cls(settings, coordinator, store, journal)

    def look(self, snapshot: Snapshot, facts: Facts) -> None:
        for finding in findings(snapshot, facts):
            key = (finding.round, finding.root, finding.proposer)
            if self.seen.get(key) != finding:
                (log.info if finding.right else log.error)("%s", finding)
            self.seen[key] = finding


def observe(config: ConnectionConfig, keep_rounds: int, stop: threading.Event) -> list[Finding]:
    """Watch until `stop` is set or the federation is over; returns what was seen, in the order of rounds."""
    with Observer.open(config, keep_rounds) as watch:
        watch.run(stop)
        return sorted(watch.seen.values(), key=lambda finding: finding.round)


def in_lines(seen: Sequence[Finding]) -> list[str]:
    """A line for each thing that was seen."""
    return list(map(str, seen)) or ["nothing was seen: no round had fixed inputs"]


def _beside(store: StoreConfig, own: Path) -> StoreConfig:
    """A directory store is only read. Copies and merged globals go into the observer's own store."""
    if not store.url.startswith("dir:"):
        return store
    return StoreConfig(url=f"dir:{own}/store", peers=(store.url, *store.peers))
