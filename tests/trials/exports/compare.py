"""Two programs' answers beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exports.ask import Asked

LARGEST = 1e-3
"""How far the logarithms of probabilities may lie apart where the weights are the same: both compute in float32, in
other orders."""
SHARE = 0.9
"""This share of the likeliest tokens must be the same."""


@dataclass(frozen=True)
class Answers:
    """`is_exact`: the files hold the same weights, so that the answers must be the same."""

    what: str
    expected: Sequence[Asked]
    found: Sequence[Asked]
    is_exact: bool

    @property
    def distance(self) -> float:
        """How far the logarithms of two probabilities lie apart at most, over all questions for which llama.cpp's
        server tells them. Infinite if the two do not list nearly the same tokens, or if nothing is told."""
        farthest = []
        for ours, theirs in self._pairs:
            if not theirs.likely:
                continue
            both = ours.likely.keys() & theirs.likely.keys()
            if len(both) < SHARE * len(ours.likely):
                return math.inf
            farthest += [abs(ours.likely[token] - theirs.likely[token]) for token in both]
        return max(farthest, default=math.inf)

    @property
    def same(self) -> int:
        """How many of the expected tokens llama.cpp answers too, up to the first other one."""
        count = 0
        for ours, theirs in self._pairs:
            alike = [one == other for one, other in zip(ours.answer, theirs.answer, strict=False)]
            count += alike.index(False) if False in alike else len(alike)
        return count

    @property
    def tokens(self) -> int:
        """How many tokens fednode answers."""
        return sum(len(ours.answer) for ours in self.expected)

    @property
    def prompts(self) -> int:
        """How many prompts became the same tokens."""
        return sum(ours.prompt == theirs.prompt for ours, theirs in self._pairs)

    @property
    def _pairs(self) -> list[tuple[Asked, Asked]]:
        return list(zip(self.expected, self.found, strict=True))


def compared(answers: Answers) -> str:
    """A line for people."""
    return (
        f"{answers.what:<46} prompts {answers.prompts} of {len(answers.expected)}, probabilities within "
        f"{answers.distance:.1e}, answers {answers.same} of {answers.tokens} tokens"
    )


def problems(answers: Answers) -> Iterator[str]:
    """What must not be."""
    if answers.prompts < len(answers.expected):
        yield f"{answers.what}: a prompt becomes other tokens"
    elif answers.is_exact and answers.distance > LARGEST:
        yield f"{answers.what}: the probabilities lie {answers.distance:.1e} apart"
    elif answers.is_exact and answers.same < answers.tokens:
        yield f"{answers.what}: the answers differ"
