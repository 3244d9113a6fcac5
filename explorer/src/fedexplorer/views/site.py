"""What every page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fedexplorer.follow.state import State

if TYPE_CHECKING:
    from fedexplorer.scores import Score


@dataclass(frozen=True)
class Site:
    """The state of the federation at one moment, and what the person who runs the explorer has added.

    Args:
        names: what accounts are called, by checksummed address.
        title: what the federation is called; empty for its address.
        scores: evaluations of globals that somebody measured, by round.
    """

    state: State
    names: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    scores: Mapping[int, Score] = field(default_factory=dict)
