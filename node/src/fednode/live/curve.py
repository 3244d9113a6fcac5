"""A curve in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.,-=+*#"


def curve(values: Sequence[float], width: int, is_ascii: bool = False) -> str:
    """The last `width` values, each as a character between the least and the largest of them. `is_ascii`: the terminal
    knows no blocks."""
    marks = ASCII if is_ascii else BLOCKS
    shown = values[-width:]
    least, most = min(shown, default=0.0), max(shown, default=0.0)
    span = most - least
    return "".join(marks[round((value - least) / span * (len(marks) - 1)) if span else 0] for value in shown)
