"""How far the demo is: the steps before the first round, and what is left from then on, in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fednode.live.rounds import clock
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def steps(console: Console, began: float, total: int) -> Iterator[Callable[[str], None]]:
    """A function that prints which of `total` steps is next. In a terminal, a clock and the number of steps that follow
    are shown below it. `began`: time.monotonic() at the demo's start.
    """
    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", style="dim"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as running:
        task = running.add_task("", total=None)
        done = 0

        def say(step: str) -> None:
            nonlocal done
            done += 1
            told(console, began, f"{done} of {total}: {step}")
            follow = total - done
            next_ones = f"{follow} more step{'s' if follow > 1 else ''} before the first round"
            running.reset(task, description=next_ones if follow else "the first round begins")

        yield say


def told(console: Console, began: float, what: str) -> None:
    """The text with the time since `began` in front of it."""
    console.print(f"[dim][{clock(time.monotonic() - began):>7}][/dim] {escape(what)}", highlight=False)


def left(total: int, marks: Sequence[float], now: float, compare: bool) -> str:
    """What still has to happen.

    Args:
        total: Rounds of the federation.
        marks: Seconds at which the nodes were started and, after that, at which each round became final.
        now: Seconds, on the same clock.
        compare: Whether the sites train models of their own too.
    """
    final = len(marks) - 1
    then = ["the sites' own models are trained and scored"] if compare else []
    then.append("every round is checked once more")
    if final >= total:
        return "; then ".join(["the sites are paid and score the last model", *then])
    rounds = f"round {total}" if final + 1 == total else f"rounds {final + 1} to {total}"
    if final:
        pace = (marks[-1] - marks[0]) / final
        rounds += f", {_about(max(0.0, marks[-1] + pace * (total - final) - now))} at the pace so far"
    return "; then ".join([rounds, *then])


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'s' if minutes > 1 else ''}" if minutes else "less than a minute"
