"""Rows as tokens, and no more of them than are used: encoding a row takes as long as reading a hundred."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, overload

from fednode.data.encode import Encoder, Example
from fednode.data.plain_text import EncodingError

if TYPE_CHECKING:
    from datasets import Dataset

KEPT_TOKENS = 1 << 24
"""What is kept of encoded rows, of four bytes each."""


class Drawn(Sequence[Example]):
    """The rows of `data` (columns prompt, completion) with their end of text, each encoded when it is asked for.

    Asking raises EncodingError, which names the row, if the tokenizer makes nothing of its completion.
    """

    def __init__(self, data: Dataset, encoder: Encoder) -> None:
        self._data = data
        self._encoder = encoder
        self._cut: dict[int, bool] = {}  # of the rows that were drawn

    @property
    def drawn(self) -> Mapping[int, bool]:
        """The rows that were asked for, by index, and whether each was cut to the sequence length."""
        return self._cut

    def __len__(self) -> int:
        return len(self._data)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        row = self._data[index]
        try:
            example = self._encoder.example(row["prompt"], row["completion"])
        except EncodingError as error:
            raise EncodingError(f"row {index + 1} of the data: {error}") from error
        self._cut[index] = example.truncated or example.answer_cut
        return example


class Kept:
    """Rows that are scored again and again, encoded without their end of text, each once as far as they fit."""

    def __init__(self, encoder: Encoder, most_tokens: int = KEPT_TOKENS) -> None:
        self._encoder = encoder
        self._room = most_tokens
        self._kept: dict[bytes, tuple[Example, array[int]]] = {}

    def examples(self, data: Dataset) -> Iterator[Example]:
        """The encoded rows of all of `data` (columns prompt, completion), in their order. Also raises EncodingError."""
        for number, (prompt, completion) in enumerate(zip(data["prompt"], data["completion"], strict=True), start=1):
            try:
                yield self._example(prompt, completion)
            except EncodingError as error:
                raise EncodingError(f"row {number} of the data: {error}") from error

    def _example(self, prompt: str, completion: str) -> Example:
        content = hashlib.blake2b(digest_size=16)
        for text in (prompt, completion):
            written = text.encode()
            content.update(len(written).to_bytes(8) + written)
        key = content.digest()
        if key in self._kept:
            example, ids = self._kept[key]
            return replace(example, input_ids=list(ids))
        example = self._encoder.example(prompt, completion, end=False)
        if len(example.input_ids) <= self._room:
            self._room -= len(example.input_ids)
            self._kept[key] = (replace(example, input_ids=[]), array("i", example.input_ids))
        return example
