"""A node at one moment, and how a terminal shows it: drawn again and again, or as lines where nothing can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

from fedprotocol.printable import printable
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fednode.live.curve import curve
from fednode.live.past_rounds import PastRound
from fednode.live.rounds import WIDE, RoundLine, clock, new_phases, phases

ROWS = 8  # of earlier rounds


@dataclass(frozen=True)
class NodeView:
    """`trouble`: the sentence about a node that does not run, or is silent; empty for one that is at work. `lasts`:
    seconds since `activity` began. `left`: seconds that training still takes at its pace so far; None: not known.
    `money`, `peers`: in words. `age`: seconds since what is shown of the chain was read; None: it never was."""

    title: str
    account: str
    trouble: str = ""
    activity: str = ""
    lasts: float = 0.0
    then: str = ""
    meanwhile: str = ""
    rounds: tuple[RoundLine, ...] = ()
    total_rounds: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    left: float | None = None
    money: str = ""
    peers: str = ""
    past: tuple[PastRound, ...] = ()
    problems: tuple[str, ...] = ()
    age: float | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The whole view. The word before a line says what it is."""
        head = Text.assemble((printable(self.title), "bold"), f"   {printable(self.account)}")
        if self.age is not None and self.age > 15:
            head.append(f"   chain read {clock(self.age)} ago", "yellow")
        yield head
        yield from (phases(line, self.total_rounds, options.max_width < WIDE) for line in self.rounds)
        yield self._doing()
        if self.steps:
            yield self._training()
        for name, text in (("meanwhile", self.meanwhile), ("money", self.money), ("peers", self.peers)):
            if text:
                yield Text.assemble((f"{name:<10}", "dim"), printable(text))
        if self.past:
            yield Text()
            yield self._table()
            yield from self._curves(options)
        yield from (Text.assemble(("problem   ", "bold red"), printable(text)) for text in self.problems)
        yield Text("Ctrl-C leaves" if self.trouble else "Ctrl-C leaves; the node goes on", "dim")

    def _doing(self) -> Text:
        if self.trouble:
            return Text(printable(self.trouble), "bold yellow")
        text = Text.assemble(("now       ", "dim"), printable(self.activity), (f"  {clock(self.lasts)}", "dim"))
        return text.append(f"; next: {printable(self.then)}") if self.then else text

    def _training(self) -> Table:
        row = Table.grid(padding=(0, 2, 0, 0))
        words = [f"{self.step}/{self.steps}"]
        if self.loss is not None:
            words.append(f"loss {self.loss:.3f}")
        if self.left is not None:
            words.append(f"about {clock(self.left)} left")
        row.add_row(
            Text("training", "dim"),
            ProgressBar(total=self.steps, completed=self.step, width=20),
            Text("  ".join(words)),
        )
        return row

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
        for name in ("round", "loss before", "after", "global's loss", "accuracy", "payout"):
            table.add_column(name, justify="right", no_wrap=True)
        for past in self.past[-ROWS:]:
            table.add_row(
                str(past.number),
                *(_number(value, ".3f") for value in (past.before, past.after, past.loss)),
                _number(past.accuracy, ".1%"),
                _number(past.payout, ",.4g"),
            )
        return table

    def _curves(self, options: ConsoleOptions) -> list[Text]:
        width = max(1, min(60, options.max_width - 34))
        drawn = []
        for name, values in (
            ("own loss", [past.after for past in self.past]),
            ("global's", [past.loss for past in self.past]),
        ):
            known = [value for value in values if value is not None]
            if len(known) > 1:
                line = curve(known, width, options.ascii_only)
                ends = f"{known[-width:][0]:.3f} to {known[-1]:.3f}"
                drawn.append(Text.assemble((f"{name:<10}", "dim"), (line, "cyan"), f"  {ends}"))
        return drawn


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def changes(before: NodeView | None, now: NodeView) -> list[str]:
    """A line for each thing that is new since `before`, for logs and terminals that cannot draw."""
    old = before or NodeView("", "")
    lines = new_phases(old.rounds, now.rounds, now.total_rounds)
    if now.trouble and _stem(now.trouble) != _stem(old.trouble):
        lines.append(now.trouble)
    if now.activity and (now.activity, now.trouble) != (old.activity, old.trouble) and not now.trouble:
        lines.append(now.activity + (f"; next: {now.then}" if now.then else ""))
    lines += [f"meanwhile {now.meanwhile}"] if now.meanwhile not in ("", old.meanwhile) else []
    lines += [f"money     {now.money}"] if now.money not in ("", old.money) else []
    lines += [_in_words(past) for past in now.past if past not in old.past]
    lines += [f"problem   {text}" for text in now.problems if _stem(text) not in map(_stem, old.problems)]
    return lines


def _in_words(past: PastRound) -> str:
    parts = []
    if past.before is not None and past.after is not None:
        parts.append(f"trained, loss {past.before:.3f} to {past.after:.3f}")
    if past.loss is not None:
        accuracy = "" if past.accuracy is None else f", accuracy {past.accuracy:.1%}"
        parts.append(f"its global scores loss {past.loss:.3f}{accuracy}")
    if past.payout is not None:
        parts.append(f"it paid {past.payout:,.4g}")
    return f"round {past.number}: {'; '.join(parts)}"


def _stem(text: str) -> str:
    """A text without the times in it, which change all the time."""
    return "".join(character for character in text if not character.isdigit())
