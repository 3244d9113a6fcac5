"""A view of a node from its files alone: what it says, what it last read of the chain, and its figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from fedprotocol.chain.amounts import UNITS
from fedprotocol.errors import FedError
from fedprotocol.monitor.last_seen import LastSeen, kept
from fedprotocol.program.status import Problem
from fedprotocol.quantities import duration

from fednode.config import NodeConfig
from fednode.daemon.explain import explain
from fednode.daemon.logs import LOG
from fednode.daemon.status import Status, read_status
from fednode.live.past_rounds import past_rounds
from fednode.live.rounds import round_line
from fednode.live.view import NodeView
from fednode.tracking.figure_folder import FigureFolder
from fednode.tracking.permission import known_spec


class Watcher:
    """Looks whenever it is called. `account`: the config's, None if it names none. `now`: seconds since 1970."""

    def __init__(self, config: NodeConfig, account: str | None, now: Callable[[], float] = time.time) -> None:
        self._config = config
        self._account = account
        self._now = now
        self._figures = FigureFolder(config.metrics)
        self._name = ""

    def look(self) -> NodeView:
        """Raises StatusError."""
        config, now = self._config, self._now()
        status = read_status(config.status)
        seen = kept(config.last_seen, config.chain.chain_id, config.chain.coordinator, self._account)
        age = None if seen is None else seen.age(now)
        why = explain(
            status,
            None if seen is None else seen.chain,
            "" if seen is not None else "the node has not read it yet",
            UNITS if seen is None else seen.amounts,
            now,
            gas_is_free=seen is not None and seen.gas_is_free,
            age=age or 0.0,
            was_started=(config.logs / LOG).exists(),
        )
        is_well = status is not None and status.is_running and why.cause != "silent"
        chain = None if seen is None else seen.chain
        view = NodeView(
            title=self._title(),
            account=self._account or (status.account if status is not None else ""),
            trouble="" if is_well else why.sentence,
            rounds=() if chain is None else tuple(round_line(s, chain.time + int(age or 0)) for s in chain.rounds),
            total_rounds=0 if chain is None else chain.config.total_rounds,
            money="" if seen is None else _money(seen),
            past=past_rounds(self._figures.chapters()),
            age=age,
        )
        return _at_work(view, status, self._peers(status, seen), now) if is_well and status is not None else view

    def _title(self) -> str:
        """The federation's name, as soon as the node knows it."""
        with suppress(FedError):
            self._name = self._name or known_spec(self._config)[0].name
        where = f"coordinator {self._config.chain.coordinator} on chain {self._config.chain.chain_id}"
        return self._name or where

    def _peers(self, status: Status | None, seen: LastSeen | None) -> str:
        named = len(self._config.store.peers)
        if status is not None and status.peers is not None:
            said = f"{status.peers} can be read from"
        else:
            said = f"{named} named in [store]" + (
                ", more are found on the chain" if self._config.store.find_peers else ""
            )
        return said if seen is None else f"{said}; {seen.chain.active_count} sites hold active seats"


def _at_work(view: NodeView, status: Status, peers: str, now: float) -> NodeView:
    from dataclasses import replace

    lasts = max(0.0, now - status.since)
    return replace(
        view,
        activity=status.activity,
        lasts=lasts,
        then=status.then,
        meanwhile="" if status.meanwhile == status.activity else status.meanwhile,
        step=status.step,
        steps=status.steps,
        loss=status.loss,
        left=lasts / status.step * (status.steps - status.step) if 0 < status.step < status.steps else None,
        peers=peers,
        problems=(*status.penalties, *(_problem(problem, now) for problem in status.problems)),
    )


def _problem(problem: Problem, now: float) -> str:
    return f"{problem.text} (for {duration(now - problem.since)})"


def _money(seen: LastSeen) -> str:
    chain, amounts = seen.chain, seen.amounts
    stake, owed, tokens = map(amounts, (chain.settled_seat.stake, chain.settled_owed, chain.tokens))
    return f"stake {stake}, owed {owed}, in hand {tokens}"
