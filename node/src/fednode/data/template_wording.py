"""A prompt in the spec's own template, the answer behind it, then end of text."""

from __future__ import annotations

from typing import Any

from fedprotocol.spec import Prompt

from fednode.base_model.tokenizer import start_of_text
from fednode.data.plain_text import EncodingError, PlainText

PLACE = "{prompt}"
"""Where the prompt goes in the template."""

_BEFORE = "a"
"""What a word is written behind to see its tokens behind a space; the first letter that every vocabulary has."""


class TemplateWording:
    """A last space of the spec's `join` belongs to the answer, because tokenizers make one token of a space and the
    word behind it; all else of `join` belongs to the prompt."""

    def __init__(self, tokenizer: Any, text: PlainText, prompt: Prompt) -> None:
        """Raises EncodingError if the tokenizer cannot be used with this template."""
        self._text = text
        self._prompt = prompt
        self._template = text.with_control(prompt.before_answer)
        plain = tokenizer(prompt.before_answer.replace(PLACE, ""), add_special_tokens=False)["input_ids"]
        if self._text.tokens(self.text("")) != list(plain):
            raise EncodingError(
                "prompt.template: the base model's tokenizer does not read its special tokens apart from the text "
                "around them; write it without them"
            )
        start = start_of_text(tokenizer)
        begins_with_it = self._text.tokens(self._template.partition(PLACE)[0])[:1] == start
        self.start: list[int] = [] if begins_with_it else start
        self.end = [int(tokenizer.eos_token_id)]
        self.empty = ""

    def text(self, prompt: str) -> str:
        return self._template.replace(PLACE, self._prompt.trimmed(prompt))

    def answer(self, completion: str) -> list[int]:
        """Tokenizers differ in what a space at the beginning of a text becomes; some put one there by themselves. What
        they make of a word behind a space is what counts, so the word is written behind another one."""
        text = self._prompt.trimmed(completion)
        if not self._prompt.answer_after_space or not text:
            return self._text.tokens(text)
        before, whole = self._text.tokens(_BEFORE), self._text.tokens(f"{_BEFORE} {text}")
        return whole[len(before) :] if whole[: len(before)] == before else self._text.tokens(f" {text}")

    def shorter(self, prompt: str, over: int) -> str | None:
        prompt = self._prompt.trimmed(prompt)
        return self._text.without_last(prompt, over) if prompt else None
