"""A row as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fednode.data.rows import Row

if TYPE_CHECKING:
    from fednode.data.encode import Encoder


@dataclass(frozen=True)
class Shown:
    """`prompt`: what the template makes of the prompt, read back from its tokens; `learned`: likewise the answer and
    the end of text behind it. `tokens`: of both, `learned_tokens` of these are learned."""

    prompt: str
    learned: str
    tokens: int
    learned_tokens: int
    prompt_cut: bool
    answer_cut: bool

    def counts(self) -> str:
        cut = [name for name, is_cut in (("prompt", self.prompt_cut), ("answer", self.answer_cut)) if is_cut]
        said = f"the end of its {' and of its '.join(cut)} is cut off to fit" if cut else "nothing is cut"
        return f"{self.tokens} tokens, {self.learned_tokens} of them learned; {said}"

    def marked(self) -> list[str]:
        """Its lines, with what is learned between marks."""
        return f"{self.prompt}>>>{self.learned}<<<".split("\n")


def shown(row: Row, encoder: Encoder) -> Shown:
    """Raises EncodingError if the tokenizer makes nothing of the completion."""
    example = encoder.example(row.prompt, row.completion)
    prompt, learned = encoder.shown(example)
    return Shown(prompt, learned, len(example.input_ids), example.answer_length, example.truncated, example.answer_cut)
