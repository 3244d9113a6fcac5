"""The final tables, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fednode.live.rounds import clock
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from fedlab.demo.brownie import NETWORK
from fedlab.demo.live import amount
from fedlab.demo.options import Paths
from fedlab.demo.round_seconds import TIMED
from fedlab.results.records import Report, RoundRecord, RoundSeconds, Score, Summary

UNBOUNDED = 1000  # characters, more than any table needs


def render(
    rounds: Sequence[RoundRecord], summary: Summary, report: Report, clients: Sequence[str], decimals: int
) -> RenderableType:
    """The tables with the result of a run: losses, payouts, gas, and how many nodes recomputed each global."""
    losses = Fitting([_losses(rounds, report, clients, whole) for whole in (True, False)])
    by_round = Fitting([_rounds(rounds, clients, whole) for whole in (True, False)])
    tables: list[RenderableType] = [losses, by_round, _seconds(report.seconds), _gas(report), _paid(report, decimals)]
    parts: list[RenderableType] = [part for table in tables for part in (table, "")]
    reduction = f"{summary.loss_reduction_pct:.0f} % less" if summary.loss_reduction_pct > 0 else "no less"
    line = f"Loss {summary.initial_loss:.3f} → {summary.final_loss:.3f} ({reduction})"
    if summary.initial_accuracy is not None:
        line += f", accuracy {_percent(summary.initial_accuracy)} → {_percent(summary.final_accuracy)}"
    line += f" on {summary.test_items} held-out items; {summary.rounds_finalized} rounds, {summary.clients} sites, "
    parts.append(Text(line + f"{clock(summary.seconds_total)} in all.", "bold"))
    return Group(*parts)


@dataclass(frozen=True)
class Fitting:
    """The first of some tables that fits the terminal, or else the last: no value is cut."""

    tables: Sequence[Table]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(width=UNBOUNDED)
        needed = ((table, console.measure(table, options=unbounded).maximum) for table in self.tables)
        fitting = (table for table, width in needed if width <= options.max_width)
        yield next(fitting, self.tables[-1])


def _losses(rounds: Sequence[RoundRecord], report: Report, clients: Sequence[str], whole: bool) -> Table:
    domains = list(rounds[0].by_domain)
    columns = domains if whole and rounds[0].global_accuracy is not None else []
    title = "Held-out common test set" + (" (by domain: accuracy)" if columns else "")
    table = _table(title, "model", "loss", "accuracy", *columns)
    for record in (rounds[0], rounds[-1]) if len(rounds) > 1 else rounds:
        name = "genesis (before)" if record.round == 0 else f"federated, round {record.round}"
        every = Score(loss=record.global_loss, accuracy=record.global_accuracy, items=0)
        parts = [record.by_domain[domain].accuracy for domain in columns]
        table.add_row(name, *_cells(every), *(_percent(part, 0) for part in parts), style="bold")
    for client in clients if report.solo else ():
        score = report.solo.get(client)
        table.add_row(f"{client} alone", *(_cells(score) if score else ("not scored", "")))
    return table


def _rounds(rounds: Sequence[RoundRecord], clients: Sequence[str], whole: bool) -> Table:
    table = _table(
        "Rounds", "round", "global adapter", "loss", "accuracy", *(("gas", "recomputed by") if whole else ())
    )
    for record in rounds:
        checked = f"{len(record.recomputed_by)} of {len(clients)} nodes"
        if record.round == 0:
            checked = ""
        elif record is rounds[-1]:
            checked = "see below"
        gas = f"{record.gas / 1e6:.2f}M" if record.gas else ""
        cid = f"{record.cid[:10]}…{record.cid[-4:]}"
        accuracy = _percent(record.global_accuracy)
        more = (gas, checked) if whole else ()
        table.add_row(str(record.round), cid, f"{record.global_loss:.3f}", accuracy, *more)
    table.caption = (
        "Counted on the chain: nodes whose commit in the next round names this root. Nobody commits after the last "
        "round; its audit bundle was recomputed by a program of its own, as all were."
    )
    table.caption_justify = "left"
    return table


def _seconds(seconds: Sequence[RoundSeconds]) -> Table:
    phases = [phase for phase in TIMED if any(phase in one.phases for one in seconds)]
    table = _table("Seconds by phase", "round", *phases, "next training")
    for one in seconds:
        following = "" if one.next_training is None else f"{one.next_training:.1f}"
        table.add_row(str(one.round), *(str(one.phases.get(phase, 0)) for phase in phases), following)
    table.caption = (
        "By the chain's clock; train is from the round's opening to the last commit. Next training: from that "
        "until the last site began to train for the round after, which need not wait for the challenge window."
    )
    table.caption_justify = "left"
    return table


def _gas(report: Report) -> Table:
    table = _table("Gas by call", "call", "calls", "least", "mean", "most")
    for call, use in sorted(report.gas.items(), key=lambda item: -item[1].mean):
        table.add_row(call, str(use.calls), f"{use.least:,}", f"{use.mean:,}", f"{use.most:,}")
    return table


def _paid(report: Report, decimals: int) -> Table:
    table = _table("Money (tokens) and memory", "account", "earned", "bonds back", "claimed", "peak memory")
    for name, payout in report.paid.items():
        memory = report.peak_memory.get(name)
        size = f"{memory / 2**20:,.0f} MiB" if memory else ""
        parts = (payout.rewards, payout.bonds_returned, payout.claimed)
        table.add_row(name, *(amount(part / 10**decimals) for part in parts), size)
    return table


def next_steps(paths: Paths, results: Path, site: Path, kept: str, compared: bool) -> RenderableType:
    """Where everything is, and commands to try. `kept`: the RPC URL of the chain if it keeps running, otherwise empty;
    `compared`: whether the results have models of sites alone."""
    run = _short(paths.run)
    if kept:
        node = f"--config {_short(site)}/fednode.toml"
        brownie = f"HOME={run}/home DEPLOYMENTS_DIR={run}/deployments SOLCX_BINARY_PATH=.tools/solcx "
        commands = {
            f"the rounds as a node sees them (the chain is at {kept})": f".venv/bin/fednode rounds {node}",
            "rounds, participants, events, balances": f"{brownie}.venv/bin/brownie run rounds --network {NETWORK}",
            "ask the tuned model": f".venv/bin/fednode generate {node} 'a tax on the value of a house'",
        }
    else:
        commands = {
            "look at it in the browser again": f"make explorer RUN={paths.run.name}",
            "check every round with a program apart": f".venv/bin/python -m fedlab.demo.recheck {run}/audit/*",
            "draw the plots again, from the results": f".venv/bin/python -m fedlab.results.plots {_short(results)}",
            "the same with the chain left up": "make demo DEMO=--keep",
        }
        if not compared:
            commands["the same beside what each site reaches alone"] = "make demo DEMO=--compare"
    text = Text(f"\nResults: {_short(results)}   Configs, logs, stores, audit bundles: {run}\n")
    if (first := paths.pages / "index.html").is_file():
        text.append(f"Every round in the browser, without a server: {_short(first)}\n")
    text.append("\nTry next:\n")
    for what, command in commands.items():
        text.append(f"  # {what}\n", "dim").append(f"  {command}\n", "cyan")
    return text


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold cyan", caption_style="dim", box=None, padding=(0, 2, 0, 0)
    )
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right", header_style="dim", no_wrap=True)
    return table


def _cells(score: Score) -> tuple[str, str]:
    return f"{score.loss:.3f}", _percent(score.accuracy)


def _percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{100 * share:.{digits}f} %"


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
