"""Combines what the chain shows and what the programs say about themselves into one View."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fednode.figure_files import records
from fednode.live.rounds import round_line
from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.chain.read.snapshot import Snapshot, take_snapshot

from fedlab.demo.ledger import Ledger, gas_by_sender
from fedlab.demo.live import NodeLine, ScoreLine, View
from fedlab.demo.options import Paths
from fedlab.demo.prepare import AGGREGATOR, Ready
from fedlab.demo.progress import left
from fedlab.demo.supervisor import Process
from fedlab.results.records import Score, pool


class Watcher:
    """Makes a View when it is called. Create it just before the nodes are started. `began`: time.monotonic() of the
    start; `compare`: the sites train models of their own too."""

    def __init__(
        self, paths: Paths, ready: Ready, coordinator: Coordinator, ledger: Ledger, began: float, compare: bool
    ) -> None:
        self._paths = paths
        self._ready = ready
        self._coordinator = coordinator
        self._ledger = ledger
        self._began = began
        self._compare = compare
        self._marks = [time.monotonic() - began]
        self._unit = 10 ** coordinator.token.decimals()
        self._start_tokens = {
            name: coordinator.token.balance_of(account) + coordinator.seat(account).stake
            for name, account in ready.accounts.items()
        }

    def look(self, processes: Mapping[str, Process]) -> View:
        """Errors: those of Coordinator's reads."""
        chain = take_snapshot(self._coordinator, self._ready.accounts[AGGREGATOR])
        self._ledger.advance()
        spent = gas_by_sender(self._ledger.spent)
        elapsed, total = time.monotonic() - self._began, chain.config.total_rounds
        self._marks += [elapsed] * (chain.final_count + 1 - len(self._marks))
        return View(
            title=f"Federation on chain {chain.chain_id}",
            elapsed=elapsed,
            block=chain.block,
            total_rounds=total,
            rounds=tuple(round_line(state, chain.time) for state in chain.rounds),
            nodes=tuple(
                self._node_line(name, account, processes.get(name), spent.get(account, 0), _bonds(chain, account))
                for name, account in self._ready.accounts.items()
            ),
            scores=tuple(
                ScoreLine(number, score.loss, score.accuracy, score.items)
                for number, score in sorted(self.scores().items())
            ),
            pool=chain.balances.pool / self._unit,
            reserved=chain.balances.reserved / self._unit,
            gas=sum(spent.values()),
            final_rounds=chain.final_count,
            left=left(total, self._marks, elapsed, self._compare),
        )

    def scores(self) -> dict[int, Score]:
        """Round -> the scores of all nodes that have scored its global so far, taken together."""
        found: dict[int, dict[str, Score]] = {}
        for site in self._ready.sites:
            for number, (_, score) in site_scores(self._paths.site(site.name)).items():
                found.setdefault(number, {})[site.name] = score
        return {number: pool(by_site) for number, by_site in found.items()}

    def _node_line(self, name: str, account: str, process: Process | None, gas: int, bonds: int) -> NodeLine:
        seat, owed = self._coordinator.seat(account), self._coordinator.owed(account)
        tokens = self._coordinator.token.balance_of(account)
        earned = (tokens + seat.stake + owed + bonds - self._start_tokens[name]) / self._unit
        line = _status_line(self._paths, name)
        if process is not None and process.code is not None:
            problem = f"ended with exit status {process.code}" if process.code else ""
            line = replace(line, activity="finished", meanwhile="", since=0.0, step=0, steps=0, problem=problem)
        return replace(line, stake=seat.stake / self._unit, earned=earned, gas=gas)


def site_scores(folder: Path) -> dict[int, tuple[str, Score]]:
    """Round -> root (0x-hex) and score of a global, as the node in `folder` wrote them down."""
    return {
        entry["round"]: (
            entry["global_root"],
            Score(loss=entry["loss"], accuracy=entry["accuracy"], items=entry["items"]),
        )
        for entry in records(folder / "home" / "metrics" / "rounds.jsonl")
    }


def _status_line(paths: Paths, name: str) -> NodeLine:
    """What a program's status file says."""
    line, now = NodeLine(name, activity="starting"), time.time()
    if name == AGGREGATOR:
        from fedaggregator.daemon.status import read_status as read_aggregator

        aggregator = read_aggregator(paths.aggregator / "home" / "status.json")
        if aggregator is None:
            return line
        problem = aggregator.problems[-1].text if aggregator.problems else ""
        return replace(line, activity=aggregator.activity, since=now - aggregator.since, problem=problem)
    from fednode.daemon.status import read_status

    node = read_status(paths.site(name) / "home" / "status.json")
    if node is None:
        return line
    return replace(
        line,
        activity=node.activity,
        meanwhile=node.meanwhile,
        since=now - node.since,
        step=node.step,
        steps=node.steps,
        loss=node.loss,
        problem=node.problems[-1].text if node.problems else "",
    )


def _bonds(chain: Snapshot, account: str) -> int:
    """The token units that are locked as bonds of the account's proposals."""
    open_rounds = [state for state in chain.rounds if not state.view.phase.settled]
    return sum(p.bond for state in open_rounds for p in state.proposals if p.proposer == account)
