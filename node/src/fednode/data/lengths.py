"""What a tokenizer makes of a file's rows: which are too long for the spec, which hold control tokens."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fednode.data.rows import Row

if TYPE_CHECKING:
    from fednode.data.encode import Encoder

_SHOWN_TOKENS = 3
_BATCH = 512
"""Rows that are encoded together, which is quicker."""
_KEPT = 4096
"""Answers whose lengths are remembered: where there are classes, all are among a few."""


class Lengths:
    """Counts of rows as the tokenizer has them; `close` counts the last ones.

    `truncated`: the prompt was shortened to fit the spec's sequence length; `answers_cut`: so was the answer itself;
    `empty`: rows whose completion comes to no token; `control`: those that hold a control token as text, by token.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.truncated = 0
        self.answers_cut = 0
        self.empty = 0
        self.control: Counter[str] = Counter()
        self.first: tuple[str, str] | None = None
        self._encoder = encoder
        self._known: dict[str, int] = {}
        self._waiting: list[Row] = []
        self._cut_first = 0
        self._longest = 0

    def add(self, number: int, row: Row) -> None:
        self.control.update(
            self._encoder.control_tokens_in(row.prompt) | self._encoder.control_tokens_in(row.completion)
        )
        answer = self._answer_length(row.completion)
        if answer == 0:
            self.empty += 1
            return
        if answer + self._encoder.end_length > self._encoder.room:
            self.answers_cut += 1
            self._cut_first = self._cut_first or number
            self._longest = max(self._longest, answer)
        self._waiting.append(row)
        if len(self._waiting) == _BATCH:
            self.close()

    def close(self) -> None:
        waiting, self._waiting = self._waiting, []
        end = self._encoder.end_length
        lengths = [self._answer_length(row.completion) + end for row in waiting]
        self.truncated += sum(self._encoder.are_cut([row.prompt for row in waiting], lengths))

    def lines(self) -> list[str]:
        """For a person, one fact a line: what is used as it is."""
        lines = []
        if self.truncated:
            lines.append(f"{self.truncated} rows are longer than the sequence length: their prompts are cut at the end")
        for token, count in self.control.most_common(_SHOWN_TOKENS):
            lines.append(
                f"{count} rows hold {token!r}, a control token of the base model: it is read as the text it is"
            )
        return lines

    def errors(self, unit: str) -> list[str]:
        """What cannot be used so; `unit`: of the rows' numbers."""
        lines = []
        longest = self._longest + self._encoder.end_length
        if self.answers_cut:
            lines.append(
                f"{self.answers_cut} answers are longer than the {self._encoder.room} tokens that the spec's sequence "
                f"length leaves them, the first {unit} {self._cut_first}, the longest of {longest} tokens: "
                "their ends would be lost; shorten them or take their rows out"
            )
        if self.empty:
            lines.append(f"{self.empty} completions are nothing to the base model's tokenizer: take their rows out")
        return lines

    def _answer_length(self, completion: str) -> int:
        if completion in self._known:
            return self._known[completion]
        length = self._encoder.answer_length(completion)
        if len(self._known) < _KEPT:
            self._known[completion] = length
        return length
