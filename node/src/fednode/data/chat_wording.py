"""A conversation in the base model's own chat template.

The template is a small program that comes with the base model. It runs in transformers' sandbox, and its control tokens
are put under the names of `PlainText` before it runs: what it writes itself is then a control token, and what a row
says is not, whatever the row says.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fedprotocol.spec import Prompt

from fednode.base_model.chat_template import chat_template_of, digest_of, fill_in, named_tokens, without_clock
from fednode.base_model.errors import BaseModelError
from fednode.data.plain_text import EncodingError, PlainText
from fednode.data.turns import Turn, as_text, messages_of, turns_in

_QUESTION, _ANSWER = ("user", "Which one?"), ("assistant", "the answer")
_SYSTEM = ("system", "Be brief.")
_TRIED: tuple[tuple[Turn, ...], ...] = (
    (_QUESTION,),
    (_SYSTEM, _QUESTION),
    (_QUESTION, _ANSWER, ("user", "And then?")),
)
"""Conversations by which a template is compared with what transformers makes of it. The first must be accepted."""


class ChatWording:
    """An answer is what the template puts behind the question, up to the token that ends a text. Where the template
    puts none there, the end of text is added. A conversation that is too long loses its oldest question and answer
    first, and at last the end of its last question."""

    def __init__(self, tokenizer: Any, text: PlainText, prompt: Prompt) -> None:
        """Raises EncodingError if the template is not the spec's, or cannot be used here."""
        self._text = text
        try:
            own = chat_template_of(tokenizer)
        except BaseModelError as error:
            raise EncodingError(f"prompt.template: {error}") from error
        if prompt.chat_template is not None and digest_of(own) != prompt.chat_template:
            raise EncodingError(
                "prompt.chat_template: the base model here has another chat template than the spec's; take its files "
                "from where the spec says"
            )
        self._template = text.with_control(without_clock(own))
        self._names = {name: text.with_control(token) for name, token in named_tokens(tokenizer).items()}
        self._require_same_tokens(tokenizer, without_clock(own))
        self._asked = self._filled([_QUESTION], goes_on=True)
        self._behind = self._closing()
        last = text.with_control(str(tokenizer.eos_token))
        before, found, _ = self._behind.partition(last)
        self.start: list[int] = []
        self.end = text.tokens(before + last if found else self._behind.rstrip() + last)
        self.empty = as_text([("user", "")])

    def text(self, prompt: str) -> str:
        return self._filled(turns_in(prompt), goes_on=True)

    def answer(self, completion: str) -> list[int]:
        return self._text.tokens(self._answered(completion).removesuffix(self._behind)) if completion.strip() else []

    def shorter(self, prompt: str, over: int) -> str | None:
        turns = turns_in(prompt)
        first = 1 if turns[0][0] == "system" else 0
        if len(turns) > first + 1:
            return as_text([*turns[:first], *turns[first + 2 :]])
        if question := turns[-1][1]:
            return as_text([*turns[:first], ("user", self._text.without_last(question, over))])
        return as_text(turns[1:]) if first else None

    def _filled(self, turns: Sequence[Turn], goes_on: bool) -> str:
        try:
            return fill_in(self._template, messages_of(turns), goes_on, self._names)
        except BaseModelError as error:
            raise EncodingError(str(error)) from error

    def _answered(self, completion: str) -> str:
        """What the template puts behind a question that is answered so: the answer, and what closes it."""
        whole = self._filled([_QUESTION, ("assistant", completion)], goes_on=False)
        if not whole.startswith(self._asked):
            raise EncodingError(
                "the base model's chat template begins an answer otherwise than it writes one (as models do that think "
                "first); write what stands around a prompt as prompt.template"
            )
        return whole.removeprefix(self._asked)

    def _closing(self) -> str:
        """What the template puts behind an answer, in every conversation that it takes."""
        answered, (_, answer) = self._answered(_ANSWER[1]), _ANSWER
        for turns in _TRIED[1:]:
            with suppress(EncodingError):
                if self._filled([*turns, _ANSWER], goes_on=False) != self._filled(turns, goes_on=True) + answered:
                    answered = ""
        if answer not in answered:
            raise EncodingError(
                "the base model's chat template does not write every answer as it is; write what stands around a "
                "prompt as prompt.template"
            )
        return answered.rpartition(answer)[2]

    def _require_same_tokens(self, tokenizer: Any, template: str) -> None:
        """As transformers makes with the template alone, of conversations without control tokens in what is said."""
        for number, turns in enumerate(_TRIED):
            try:
                text = self._filled(turns, goes_on=True)
            except EncodingError:
                if number == 0:
                    raise
                continue  # such rows are refused one by one
            told = tokenizer.apply_chat_template(
                messages_of(turns), chat_template=template, add_generation_prompt=True, return_dict=False
            )
            if self._text.tokens(text) != list(told):
                raise EncodingError(
                    "the base model's chat template puts its control tokens together in a way by which they cannot be "
                    "told from what rows say; write what stands around a prompt as prompt.template"
                )
