"""Two programs' answers beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from exports.ask import Asked

LARGEST = 1e-3
"""How far logits may lie apart where the weights are the same, as a share of the largest: both compute in float32, in
other orders."""


@dataclass(frozen=True)
class Answers:
    """`is_exact`: the files hold the same weights, so that the answers must be the same."""

    what: str
    expected: Sequence[Asked]
    found: Sequence[Asked]
    is_exact: bool

    @property
    def distance(self) -> float:
        """The largest distance of two logits, as a share of the largest logit."""
        pairs = [(ours.logits, theirs.logits[: len(ours.logits)]) for ours, theirs in self._pairs]
        return max(float(np.abs(ours - theirs).max() / np.abs(ours).max()) for ours, theirs in pairs)

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
        f"{answers.what:<46} prompts {answers.prompts} of {len(answers.expected)}, logits within "
        f"{answers.distance:.1e}, answers {answers.same} of {answers.tokens} tokens"
    )


def problems(answers: Answers) -> Iterator[str]:
    """What must not be."""
    if answers.prompts < len(answers.expected):
        yield f"{answers.what}: a prompt becomes other tokens"
    elif answers.is_exact and answers.distance > LARGEST:
        yield f"{answers.what}: the logits lie {answers.distance:.1e} apart"
    elif answers.is_exact and answers.same < answers.tokens:
        yield f"{answers.what}: the answers differ"
