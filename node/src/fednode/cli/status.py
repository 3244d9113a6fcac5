"""`fednode status`: what the node does or waits for, since when, and what comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import typer

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, JsonOption, open_session, print_json

if TYPE_CHECKING:
    from fedprotocol.chain.snapshot import Snapshot

    from fednode.session import Session
    from fednode.status import Status


def status(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say what the node does or waits for, since when, and what comes next. Exits with 1 if the node is not running."""
    from fedprotocol.errors import FedError

    from fednode.status import read_status

    with open_session(config) as session:
        said = read_status(session.config.status)
        running = said is not None and said.is_running
        try:
            chain: Snapshot | None = session.snapshot()
            problem = ""
        except FedError as error:
            chain, problem = None, str(error)
        if as_json:
            daemon = said.model_dump() if said is not None else {}
            print_json({**daemon, "running": running, "chain": _chain(chain), "chain_problem": problem})
        else:
            lines = _daemon(said, chain, time.time()) + (
                _on_chain(session, chain) if chain else [f"chain     {problem}"]
            )
            lines += [f"problem   {text}" for text in (said.problems if said is not None else ())]
            typer.echo("\n".join(lines))
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


def _daemon(said: Status | None, chain: Snapshot | None, now: float) -> list[str]:
    if said is None:
        return ["now       NOT RUNNING; it never ran with this config: start it with `fednode run`"]
    lines = [f"account   {said.account}"]
    if not said.is_running:
        over = chain is not None and chain.final_count >= chain.config.total_rounds
        ended = "ended" if over else "NOT RUNNING; last seen"
        return [*lines, f"now       {ended} {duration(now - said.updated)} ago: {said.activity}"]
    lines.append(f"now       {said.activity}, for {duration(now - said.since)}")
    if said.meanwhile:
        lines.append(f"meanwhile {said.meanwhile}")
    if said.steps:
        loss = "" if said.loss is None else f", loss {said.loss:.3f}"
        lines.append(f"step      {said.step} of {said.steps}{loss}")
    if said.until and chain is not None:
        left = said.until - chain.time
        lines.append(f"deadline  in {duration(left)}" if left > 0 else f"deadline  {duration(-left)} ago")
    if said.then:
        lines.append(f"then      {said.then}")
    return lines


def _on_chain(session: Session, chain: Snapshot) -> list[str]:
    last, amounts = chain.round(chain.last_opened), session.amounts
    phase = "no round is open" if last is None else f"round {last.number} is in {last.view.phase.name.capitalize()}"
    return [
        f"chain     {phase}; {chain.final_count} of {chain.config.total_rounds} rounds are final",
        f"money     stake {amounts(chain.my_seat.stake)}, owed {amounts(chain.my_owed)}, "
        f"in hand {amounts(chain.tokens)}",
    ]


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    whole = int(seconds)
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {name}"
    return f"{whole} s"
