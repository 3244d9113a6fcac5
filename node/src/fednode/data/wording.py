"""What stands around a prompt and its answer, by a spec."""

from __future__ import annotations

from typing import Protocol


class Wording(Protocol):
    """Makes text of prompts and tokens of answers. In its texts, control tokens go under the names of `PlainText`."""

    @property
    def start(self) -> list[int]:
        """Token ids before every text: the start of text, or none."""
        ...

    @property
    def end(self) -> list[int]:
        """Token ids behind every answer, of which the last one ends it."""
        ...

    @property
    def empty(self) -> str:
        """The prompt that leaves nothing but what stands around it."""
        ...

    def text(self, prompt: str) -> str:
        """All that an answer follows. Raises EncodingError if the wording has no place for this prompt."""
        ...

    def answer(self, completion: str) -> list[int]:
        """Token ids of an answer without its end; none if the tokenizer makes nothing of it."""
        ...

    def shorter(self, prompt: str, over: int) -> str | None:
        """The prompt without `over` of its tokens, more or less; None if nothing of it is left to take away."""
        ...
