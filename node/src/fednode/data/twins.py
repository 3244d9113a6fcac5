"""Rows that repeat others, and rows that contradict them; what is kept of a row are 24 bytes, of many on the disk."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HELD = 1 << 20
"""Rows that are held in memory at once. Those of one prompt always are."""
_FIELDS = 3  # digests of prompt and answer, and the row's number


@dataclass(frozen=True)
class Found:
    """`repeated`: rows that are in the file before, prompt and answer. `contradicting`: rows to whose prompt there is
    another answer too, `pair` the numbers of two of them."""

    repeated: int
    contradicting: int
    pair: tuple[int, int] | None

    def __add__(self, other: Found) -> Found:
        """With rows of other prompts."""
        return Found(self.repeated + other.repeated, self.contradicting + other.contradicting, self.pair or other.pair)

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
    """Rows are compared a part at a time, each part those whose prompts' digests lie in one range."""

    def __init__(self) -> None:
        self._count = 0
        self._held = array("Q")
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - has no name, and ends with this object

    def add(self, number: int, prompt: str, answer: str) -> None:
        """`prompt`, `answer`: as the model gets them."""
        self._held.extend((_digest(prompt), _digest(answer), number))
        self._count += 1
        if len(self._held) == _FIELDS * HELD:
            self._held.tofile(self._file)
            self._held = array("Q")

    def found(self) -> Found:
        parts = -(-self._count // HELD)
        found = Found(0, 0, None)
        for part in range(parts):
            within = [rows[_part_of(rows, parts) == part] for rows in self._rows()]
            found += _compared(np.concatenate(within))
        return found

    def _rows(self) -> Iterator[NDArray[np.uint64]]:
        """All rows in their order, at most HELD at once: uint64 [rows, 3]."""
        self._file.flush()
        self._file.seek(0)
        while block := self._file.read(8 * _FIELDS * HELD):
            yield np.frombuffer(block, np.uint64).reshape(-1, _FIELDS)
        yield np.frombuffer(self._held, np.uint64).reshape(-1, _FIELDS)


def _part_of(rows: NDArray[np.uint64], parts: int) -> NDArray[np.uint64]:
    """Which of `parts` equal ranges of digests each row's prompt falls into: uint64 [rows]."""
    return (rows[:, 0] >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32)


def _compared(rows: NDArray[np.uint64]) -> Found:
    """What is found among `rows`, uint64 [rows, 3], in the file's order."""
    order = np.lexsort((rows[:, 1], rows[:, 0]))  # stable: equal rows stay in the file's order
    prompts, answers, numbers = rows[order].T
    same_prompt = prompts[1:] == prompts[:-1]
    differs = same_prompt & (answers[1:] != answers[:-1])
    repeated = int(np.count_nonzero(same_prompt & ~differs))
    if not differs.any():
        return Found(repeated, 0, None)
    asked = np.unique(prompts[1:][differs])
    contradicting = int(np.count_nonzero(np.isin(prompts, asked)))
    places = np.flatnonzero(differs)
    begin = np.searchsorted(prompts, prompts[places[0]])
    first, second = sorted((int(numbers[begin]), int(numbers[places[0] + 1])))
    return Found(repeated, contradicting, (first, second))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
