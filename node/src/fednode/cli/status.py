"""`fednode status`: what the node does or waits for, since when, and what comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_to_read, print_json, warn_of_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedprotocol.chain.read.snapshot import Snapshot
    from fedprotocol.monitor.last_seen import LastSeen

    from fednode.daemon.status import Status
    from fednode.session import Session


def status(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say in one sentence what the node does or waits for, until when, and what comes next; then show figures.

    If the chain does not answer within three seconds, it shows what was last read from it, and how old that is. Exits
    with 1 if the node is not running.
    """
    from contextlib import suppress

    from fedprotocol.chain.amounts import UNITS
    from fedprotocol.errors import FedError
    from fedprotocol.monitor.last_seen import kept, look
    from fedprotocol.program.status import problem_lines

    from fednode.daemon.explain import explain
    from fednode.daemon.logs import LOG
    from fednode.daemon.status import read_status

    with open_to_read(config) as session:
        settings = session.config
        last_status = read_status(settings.status)
        running = last_status is not None and last_status.is_running
        account = None
        with suppress(FedError):  # it is reported when the chain is asked
            account = session.address
        before = kept(settings.last_seen, settings.chain.chain_id, settings.chain.coordinator, account)
        peers: list[str] = []
        found = look(settings.last_seen, before, running, lambda: _read(session, peers))
        now, seen = time.time(), found.seen
        chain = seen.chain if seen is not None else None
        age = seen.age(now) if seen is not None and found.problem else 0.0
        why = explain(
            last_status,
            chain,
            found.problem,
            seen.amounts if seen is not None else UNITS,
            now,
            gas_is_free=seen is not None and seen.gas_is_free,
            age=age,
            was_started=(settings.logs / LOG).exists(),
        )
        penalties = _penalties(last_status, seen, session)
        if as_json:
            daemon = last_status.model_dump() | {"penalties": penalties} if last_status is not None else {}
            shown = {"running": running, "cause": why.cause, "answer": why.sentence}
            asked = {"chain": _chain(chain), "chain_age_seconds": round(age, 1), "chain_problem": found.problem}
            print_json({**daemon, **shown, **asked})
        else:
            lines = [why.sentence]
            lines += _daemon(last_status) if last_status is not None else []
            lines += _privacy(session)
            lines += _on_chain(seen, age, peers) if seen is not None else []
            lines += [f"penalty   {text}" for text in penalties]
            lines += problem_lines(last_status.problems if last_status is not None else (), why.sentence, now)
            say(*lines)
    if not running:
        raise typer.Exit(1)


def _read(session: Session, peers: list[str]) -> LastSeen:
    """Ask the chain. `peers` is filled with what it says of others' stores."""
    from fedprotocol.peers.in_words import others_announce

    seen = session.last_seen()
    warn_of_code(session)
    peers.append(others_announce(session.config, session.coordinator, session.address))
    return seen


def _penalties(last_status: Status | None, seen: LastSeen | None, session: Session) -> tuple[str, ...]:
    """What the node said of penalties. Of a node that has stopped, only if the seat as it is now still needs something
    done."""
    from fednode.daemon.penalties import lacks_stake
    from fednode.stake import wanted_stake

    if last_status is None:
        return ()
    if last_status.is_running or seen is None:
        return last_status.penalties
    wanted = wanted_stake(session.config.node, seen.chain.config, seen.amounts).stake
    return last_status.penalties if lacks_stake(seen.chain, wanted) else ()


def _chain(chain: Snapshot | None) -> dict[str, Any] | None:
    if chain is None:
        return None
    last = chain.round(chain.last_opened)
    return {
        "block": chain.block,
        "time": chain.time,
        "round": chain.last_opened,
        "phase": "none" if last is None else last.view.phase.name.lower(),
        "phase_end": 0 if last is None else last.view.phase_end,
        "final_rounds": chain.final_count,
        "total_rounds": chain.config.total_rounds,
        "stake": chain.settled_seat.stake,
        "owed": chain.settled_owed,
        "tokens": chain.tokens,
        "wei": chain.eth,
    }


def _daemon(last_status: Status) -> list[str]:
    lines = [f"account   {last_status.account}"]
    if last_status.is_running and last_status.base:
        lines.append(f"model     {last_status.base}")
    if last_status.is_running and last_status.meanwhile:
        lines.append(f"meanwhile {last_status.meanwhile}")
    if last_status.is_running and last_status.steps:
        loss = "" if last_status.loss is None else f", loss {last_status.loss:.3f}"
        lines.append(f"step      {last_status.step} of {last_status.steps}{loss}")
    return lines


def _privacy(session: Session) -> list[str]:
    """What was spent, as the ledger says since the last training."""
    from fednode.differential_privacy.ledger import Ledger

    settings = session.config.privacy
    if settings is None:
        return []
    last = Ledger(session.config.privacy_ledger).last()
    spent = f"{last.epsilon:.3g} (delta {last.delta:g})" if last is not None else "0"
    return [f"privacy   epsilon {spent} of {settings.budget:g} is spent"]


def _on_chain(seen: LastSeen, age: float, peers: Sequence[str]) -> list[str]:
    """`age`: seconds, if it is not what the chain says now."""
    from fedprotocol.quantities import duration

    chain, amounts = seen.chain, seen.amounts
    last = chain.round(chain.last_opened)
    phase = "no round is open" if last is None else f"round {last.number} is in {last.view.phase.name.capitalize()}"
    old = f" (read {duration(age)} ago)" if age else ""
    return [
        f"chain     {phase}; {chain.final_count} of {chain.config.total_rounds} rounds are final{old}",
        f"money     stake {amounts(chain.settled_seat.stake)}, owed {amounts(chain.settled_owed)}, "
        f"in hand {amounts(chain.tokens)}{old}",
        *(f"peers     {text}" for text in peers),
    ]
