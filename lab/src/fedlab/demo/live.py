"""The live view: one value that says what is going on, and how it is shown in a terminal or, without a terminal, as
lines."""

from __future__ import annotations

from dataclasses import dataclass

from fednode.evaluation.in_words import loss_and_accuracy
from fednode.live.rounds import RoundLine, clock, new_phases, phases
from fedprotocol.printable import printable
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class NodeLine:
    """One program. `since`: how many seconds `activity` has lasted; `meanwhile`: what it does while it waits. Money is
    in whole tokens."""

    name: str
    activity: str
    meanwhile: str = ""
    since: float = 0.0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    stake: float = 0.0
    earned: float = 0.0
    gas: int = 0
    problem: str = ""


@dataclass(frozen=True)
class ScoreLine:
    """The score of a global adapter on the part of the common test set that was scored so far."""

    round: int
    loss: float
    accuracy: float | None
    items: int


@dataclass(frozen=True)
class View:
    """The state at one moment. `elapsed`: seconds since the demo began; `pool`, `reserved`: whole tokens; `left`: what
    is still to come, in words."""

    title: str
    elapsed: float
    block: int
    total_rounds: int
    rounds: tuple[RoundLine, ...]
    nodes: tuple[NodeLine, ...]
    scores: tuple[ScoreLine, ...]
    pool: float
    reserved: float
    gas: int
    final_rounds: int
    left: str


def amount(tokens: float) -> str:
    """An amount of tokens with as many digits as matter; a little is not none."""
    return "<0.01" if 0 < tokens < 0.01 else f"{tokens:,.2f}".rstrip("0").rstrip(".")


def render(view: View) -> RenderableType:
    """The whole view for rich's Live."""
    head = Text.assemble(
        (view.title, "bold"),
        f"   {clock(view.elapsed)}   block {view.block}   pool {amount(view.pool)} (+{amount(view.reserved)} reserved)",
        f"   {view.gas / 1e6:.1f}M gas",
    )
    rounds = (phases(line, view.total_rounds) for line in view.rounds)
    return Group(head, *rounds, _nodes(view), *_scores(view), Text.assemble(("left  ", "dim"), view.left))


def _nodes(view: View) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), expand=True)
    table.add_column("node", no_wrap=True)
    table.add_column("is", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("", width=12)
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("loss", justify="right", no_wrap=True)
    table.add_column("stake", justify="right", no_wrap=True)
    table.add_column("earned", justify="right", no_wrap=True)
    table.add_column("Mgas", justify="right", no_wrap=True)
    for node in view.nodes:
        activity = Text(printable(node.activity))
        activity.append(f"  {clock(node.since)}", "dim")
        if node.meanwhile not in ("", node.activity):
            activity.append(f"  {printable(node.meanwhile)}", "italic")
        if node.problem:
            activity.append(f"  {printable(node.problem)}", "bold red")
        table.add_row(
            Text(node.name, "bold"),
            activity,
            ProgressBar(total=node.steps, completed=node.step, width=12) if node.steps else "",
            f"{node.step}/{node.steps}" if node.steps else "",
            "" if node.loss is None else f"{node.loss:.3f}",
            amount(node.stake) if node.stake else "",
            amount(node.earned),
            f"{node.gas / 1e6:.2f}",
        )
    return table


def _scores(view: View) -> list[Text]:
    if not view.scores:
        return []
    parts = [("global adapter  ", "dim")]
    for score in view.scores:
        accuracy = "" if score.accuracy is None else f", {100 * score.accuracy:.0f} %"
        name = "genesis" if score.round == 0 else f"round {score.round}"
        parts.append((f"{name}: {score.loss:.3f}{accuracy} ({score.items} items)   ", ""))
    return [Text.assemble(*parts)]


def changes(before: View | None, now: View) -> list[str]:
    """One line for each thing that changed since `before`, for logs and terminals that cannot redraw."""
    time = f"[{clock(now.elapsed):>7}]"
    old_nodes = {node.name: node for node in before.nodes} if before else {}
    old_scores = set(before.scores) if before else set()
    rounds = new_phases(before.rounds if before else (), now.rounds, now.total_rounds)
    lines = [f"{time} {text}" for text in rounds]
    for node in now.nodes:
        old = old_nodes.get(node.name)
        if node.problem and (old is None or old.problem != node.problem):
            lines.append(f"{time} {node.name}: {node.problem}")
        if not node.activity.startswith("waiting") and (old is None or old.activity != node.activity):
            lines.append(f"{time} {node.name}: {node.activity}")
        if node.meanwhile not in ("", node.activity) and (old is None or old.meanwhile != node.meanwhile):
            lines.append(f"{time} {node.name}: {node.meanwhile}")
    for score in now.scores:
        if score not in old_scores:
            said = loss_and_accuracy(score.loss, score.accuracy)
            lines.append(f"{time} global of round {score.round}: {said} on {score.items} test items")
    if before is None or before.final_rounds != now.final_rounds:
        lines.append(f"{time} left: {now.left}")
    return list(map(printable, lines))
