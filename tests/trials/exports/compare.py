"""Two programs' answers beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exports.ask import Asked

LARGEST = 1e-3
"""How far the logarithms of probabilities may lie apart where the weights are the same: both compute in float32, in
other orders."""
HALF = 3e-2
"""The same where a program keeps what it attends to in 16 bits."""
SHARE = 0.9
"""This share of the likeliest tokens must be the same."""
FEWEST = 5
"""A program must tell the probabilities of so many tokens."""


@dataclass(frozen=True)
class Answers:
    """`within`: how far the logarithms of probabilities may lie apart; None: the files hold other weights."""

    what: str
    expected: Sequence[Asked]
    found: Sequence[Asked]
    within: float | None

    @property
    def distance(self) -> float:
        """How far the logarithms of two probabilities lie apart at most, over all questions for which the program
        tells them. Infinite if the two do not list nearly the same tokens, or if nothing is told."""
        farthest = []
        for ours, theirs in self._pairs:
            if not theirs.likely or not ours.likely:
                continue
            both = ours.likely.keys() & theirs.likely.keys()
            if len(both) < max(FEWEST, SHARE * min(len(ours.likely), len(theirs.likely))):
                return math.inf
            farthest += [abs(ours.likely[token] - theirs.likely[token]) for token in both]
        return max(farthest, default=math.inf)

    @property
    def same(self) -> int:
        """How many of the expected tokens the program answers too, up to the first other one."""
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
    elif answers.within is not None and answers.distance > answers.within:
        yield f"{answers.what}: the probabilities lie {answers.distance:.1e} apart"
    elif answers.within == LARGEST and answers.same < answers.tokens:
        yield f"{answers.what}: the answers differ"
