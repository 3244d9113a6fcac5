"""Rows that repeat others, and rows that contradict them; what is kept of a row are twenty bytes."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Found:
    """`repeated`: rows that are in the file before, prompt and answer. `contradicting`: rows to whose prompt there is
    another answer too, `pair` the numbers of two of them."""

    repeated: int
    contradicting: int
    pair: tuple[int, int] | None

    def lines(self, unit: str) -> list[str]:
        lines = []
        if self.repeated:
            lines.append(f"{self.repeated} rows repeat an earlier row (kept)")
        if self.pair:
            first, second = self.pair
            lines.append(
                f"{self.contradicting} rows contradict each other: the same prompt with another answer, such as "
                f"{unit}s {first} and {second}"
            )
        return lines


class Twins:
    def __init__(self) -> None:
        self._prompts, self._answers, self._numbers = array("Q"), array("Q"), array("L")

    def add(self, number: int, prompt: str, answer: str) -> None:
        """`prompt`, `answer`: as the model gets them."""
        self._prompts.append(_digest(prompt))
        self._answers.append(_digest(answer))
        self._numbers.append(number)

    def found(self) -> Found:
        if not self._prompts:
            return Found(0, 0, None)
        prompts, answers = (np.frombuffer(part, np.uint64) for part in (self._prompts, self._answers))
        order = np.lexsort((answers, prompts))  # stable: equal rows stay in the file's order
        prompts, answers = prompts[order], answers[order]
        same_prompt = prompts[1:] == prompts[:-1]
        differs = same_prompt & (answers[1:] != answers[:-1])
        repeated = int(np.count_nonzero(same_prompt & ~differs))
        if not differs.any():
            return Found(repeated, 0, None)
        asked = np.unique(prompts[1:][differs])
        contradicting = int(np.count_nonzero(np.isin(prompts, asked)))
        numbers = np.frombuffer(self._numbers, np.dtype("L"))[order]
        places = np.flatnonzero(differs)
        begin = np.searchsorted(prompts, prompts[places[0]])
        first, second = sorted((int(numbers[begin]), int(numbers[places[0] + 1])))
        return Found(repeated, contradicting, (first, second))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
