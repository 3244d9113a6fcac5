"""Which figures and labels an expression of PromQL names."""

from __future__ import annotations

import re
from dataclasses import dataclass

STRING = re.compile(r'"[^"]*"')
RANGE = re.compile(r"\[[^\]]*\]")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTED = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
LABEL = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
WORD = re.compile(r"(?<![\w.])([a-zA-Z_:][\w:]*)(?!\w)(\s*\()?")
WORDS = {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True)
class Named:
    """`figures`: with the labels by which each is selected. `labels`: those by which results are grouped or matched."""

    figures: frozenset[tuple[str, frozenset[str]]]
    labels: frozenset[str]


def named(expression: str) -> Named:
    """What `expression` names."""
    text = RANGE.sub("", STRING.sub('""', expression))
    labels = {label.strip() for found in GROUPING.findall(text) for label in found.split(",") if label.strip()}
    text = GROUPING.sub(" ", text)
    figures = {(name, frozenset(LABEL.findall(inside))) for name, inside in SELECTED.findall(text)}
    rest = SELECTED.sub(" ", text)
    figures |= {(word, frozenset()) for word, call in WORD.findall(rest) if not call and word not in WORDS}
    return Named(frozenset(figures), frozenset(labels))
