"""`fednode status`: what the node does or waits for, since when, and what comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer
from fedaggregator.cli.shared_options import JsonOption
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, open_session, print_json, warn_of_code

if TYPE_CHECKING:
    from fedprotocol.chain.read.snapshot import Snapshot

    from fednode.daemon.status import Status
    from fednode.session import Session


def status(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say in one sentence what the node does or waits for, until when, and what comes next; then show figures.

    Exits with 1 if the node is not running.
    """
    from fedprotocol.chain.amounts import UNITS
    from fedprotocol.chain.send.fees import is_free
    from fedprotocol.errors import FedError

    from fednode.daemon.explain import explain
    from fednode.daemon.status import read_status

    with open_session(config) as session:
        last_status = read_status(session.config.status)
        running = last_status is not None and last_status.is_running
        try:
            chain: Snapshot | None = session.snapshot()
            warn_of_code(session)
            problem = ""
        except FedError as error:
            chain, problem = None, str(error)
        amounts = session.amounts if chain is not None else UNITS
        gas_is_free = chain is not None and chain.eth == 0 and is_free(session.coordinator.web3.eth)
        why = explain(last_status, chain, problem, amounts, time.time(), gas_is_free)
        if as_json:
            daemon = last_status.model_dump() if last_status is not None else {}
            shown = {"running": running, "cause": why.cause, "answer": why.sentence}
            print_json({**daemon, **shown, "chain": _chain(chain), "chain_problem": problem})
        else:
            lines = [why.sentence]
            lines += _daemon(last_status) if last_status is not None else []
            lines += _on_chain(session, chain) if chain is not None else []
            lines += [f"problem   {text}" for text in (last_status.problems if last_status is not None else ())]
            say(*lines)
    if not running:
        raise typer.Exit(1)


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
        "stake": chain.my_seat.stake,
        "owed": chain.my_owed,
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


def _on_chain(session: Session, chain: Snapshot) -> list[str]:
    from fedprotocol.peers.in_words import others_announce

    last, amounts = chain.round(chain.last_opened), session.amounts
    phase = "no round is open" if last is None else f"round {last.number} is in {last.view.phase.name.capitalize()}"
    return [
        f"chain     {phase}; {chain.final_count} of {chain.config.total_rounds} rounds are final",
        f"money     stake {amounts(chain.my_seat.stake)}, owed {amounts(chain.my_owed)}, "
        f"in hand {amounts(chain.tokens)}",
        f"peers     {others_announce(session.config, session.coordinator, session.address)}",
    ]
