"""The final tables, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fednode.demo.live import amount, clock
from fednode.results.records import Report, RoundRecord, Score, Summary


def render(
    rounds: Sequence[RoundRecord], summary: Summary, report: Report, clients: Sequence[str], decimals: int
) -> RenderableType:
    """The result of a run: losses, payouts, gas, and who recomputed what."""
    parts: list[RenderableType] = [_losses(rounds, report, clients), _rounds(rounds, clients), _gas(report)]
    parts.append(_paid(report, decimals))
    reduction = f"{summary.loss_reduction_pct:.0f} % less" if summary.loss_reduction_pct > 0 else "no less"
    line = f"Loss {summary.initial_loss:.3f} → {summary.final_loss:.3f} ({reduction})"
    if summary.initial_accuracy is not None and summary.final_accuracy is not None:
        line += f", accuracy {_percent(summary.initial_accuracy)} → {_percent(summary.final_accuracy)}"
    line += f" on {summary.test_items} held-out items; {summary.rounds_finalized} rounds, {summary.clients} sites, "
    parts.append(Text(line + f"{clock(summary.seconds_total)} in all.", "bold"))
    return Group(*parts)


def _losses(rounds: Sequence[RoundRecord], report: Report, clients: Sequence[str]) -> Table:
    domains = list(rounds[0].by_domain)
    table = _table("On the common test set", "model", "loss", "accuracy", *domains)
    for record in (rounds[0], rounds[-1]) if len(rounds) > 1 else rounds:
        name = "before (genesis)" if record.round == 0 else f"federated, round {record.round}"
        whole = Score(loss=record.global_loss, accuracy=record.global_accuracy, items=0)
        table.add_row(name, *_cells(whole), *(_brief(record.by_domain.get(domain)) for domain in domains))
    for client in clients:
        score = report.solo.get(client)
        table.add_row(f"{client} alone", *(_cells(score) if score else ("not scored", "")), style="dim")
    return table


def _rounds(rounds: Sequence[RoundRecord], clients: Sequence[str]) -> Table:
    table = _table("Rounds", "round", "global adapter", "loss", "accuracy", "gas", "recomputed by")
    for record in rounds:
        accuracy = "" if record.global_accuracy is None else _percent(record.global_accuracy)
        if record.round == 0:
            checked = "published by the sponsor"
        elif record is rounds[-1]:
            checked = "no later commit names it; the audit bundle was recomputed"
        else:
            checked = f"{len(record.recomputed_by)} of {len(clients)} nodes (their next commits name it)"
        gas = f"{record.gas / 1e6:.2f}M" if record.gas else ""
        cid = f"{record.cid[:12]}…{record.cid[-6:]}"
        table.add_row(str(record.round), cid, f"{record.global_loss:.3f}", accuracy, gas, checked)
    return table


def _gas(report: Report) -> Table:
    table = _table("Gas by call", "call", "calls", "least", "mean", "most")
    for call, use in sorted(report.gas.items(), key=lambda item: -item[1].mean):
        table.add_row(call, str(use.calls), f"{use.least:,}", f"{use.mean:,}", f"{use.most:,}")
    return table


def _paid(report: Report, decimals: int) -> Table:
    table = _table("Paid (claimed from the contract) and memory", "account", "tokens", "peak memory")
    for name in dict.fromkeys([*report.paid, *report.peak_memory]):
        memory = report.peak_memory.get(name)
        size = f"{memory / 2**20:,.0f} MiB" if memory else ""
        table.add_row(name, amount(report.paid.get(name, 0) / 10**decimals), size)
    return table


def next_steps(run: Path, results: Path, site: Path, kept: bool, rpc: str) -> RenderableType:
    """Where everything is, and three commands to try."""
    text = Text()
    text.append(
        f"\nResults  {_short(results)}    Everything else (configs, logs, stores, audit bundles)  {_short(run)}\n"
    )
    text.append("\nTry next\n", "bold")
    text.append(f"  .venv/bin/python -m fednode.demo.recheck {_short(run)}/audit/*     ", "cyan")
    text.append("check every round with a program that shares no code with the nodes\n", "dim")
    text.append(f"  .venv/bin/python -m fednode.results.plots {_short(results)}     ", "cyan")
    text.append("draw the plots again, from the results alone\n", "dim")
    if kept:
        text.append(f"  .venv/bin/fednode status --config {_short(site)}/fednode.toml     ", "cyan")
        text.append(f"the chain is up at {rpc} until Ctrl-C\n", "dim")
    else:
        text.append("  make demo DEMO='--keep'     ", "cyan")
        text.append("the same with the chain left up, for `fednode status`, `generate`, `export`\n", "dim")
    return text


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right", header_style="dim", no_wrap=True)
    return table


def _cells(score: Score) -> tuple[str, str]:
    return f"{score.loss:.3f}", "" if score.accuracy is None else _percent(score.accuracy)


def _brief(score: Score | None) -> str:
    if score is None:
        return ""
    return f"{score.loss:.2f}" + ("" if score.accuracy is None else f" · {_percent(score.accuracy)}")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
