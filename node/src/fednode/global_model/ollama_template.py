"""A base model's chat template in Go's template language, as Ollama wants it: https://docs.ollama.com/modelfile.

Ollama does not use the template in a GGUF file, which is Jinja. It compares it with those that it knows, and where it
knows none it shows the model what was asked and nothing else. Jinja cannot be translated, but chat templates are alike:
what they write before a message depends on its role, and on that of the message before. So these pieces are found by
filling the template in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fednode.base_model.errors import BaseModelError
from fednode.data.turns import Turn

Fill = Callable[[Sequence[Turn]], str]
"""The text up to where an answer begins. Raises BaseModelError for turns that the template refuses."""

_NONE, _SYSTEM, _USER, _ASSISTANT = "", "system", "user", "assistant"
_TRIED = (
    [_USER],
    [_USER, _ASSISTANT, _USER],
    [_USER, _ASSISTANT, _USER, _ASSISTANT, _USER],
    [_SYSTEM, _USER],
    [_SYSTEM, _USER, _ASSISTANT, _USER],
)
"""The roles of conversations by which the pieces are found, and tried."""


@dataclass(frozen=True)
class Pieces:
    """What a chat template writes before a message, by the role of the message before (or "") and by its own; and at
    the end. Without pieces for system messages, the template refuses them."""

    before: dict[tuple[str, str], str]
    end: str

    @property
    def behind_answer(self) -> str:
        """What comes after an answer, without blanks before it."""
        return self.before[_ASSISTANT, _USER].lstrip()

    def text(self, turns: Sequence[Turn]) -> str:
        """A conversation. Raises KeyError for roles in an order that no piece is known for."""
        steps = pairwise([_NONE, *(role for role, _ in turns)])
        return "".join(self.before[step] + content for step, (_, content) in zip(steps, turns, strict=True)) + self.end

    def in_go(self) -> str:
        """The template for the messages of a conversation. A system message that the base model's template refuses is
        left out."""
        written = [_written(*step, text) for step, text in self.before.items() if text]
        message = [*written, "{{- .Content }}", "{{- $before = .Role }}"]
        if (_NONE, _SYSTEM) not in self.before:
            message = ['{{- if ne .Role "system" }}', *message, "{{- end }}"]
        lines = ['{{- $before := "" }}', "{{- range .Messages }}", *message, "{{- end }}"]
        return "\n".join([*lines, f"{{{{- {_text(self.end)} }}}}"] if self.end else lines)


def pieces_of(fill: Fill) -> Pieces | None:
    """The pieces of a template, or None if it is not made of pieces."""
    before: dict[tuple[str, str], str] = {}
    end = ""
    tried = []
    for roles in _TRIED:
        turns = [(role, f"qz{number}zq") for number, role in enumerate(roles)]
        try:
            text = fill(turns)
        except BaseModelError:
            if _SYSTEM in roles:
                continue
            return None
        tried.append((turns, text))
        for step, (_, content) in zip(pairwise([_NONE, *roles]), turns, strict=True):
            piece, found, text = text.partition(content)
            if not found:
                return None
            before.setdefault(step, piece)
        end = text
    pieces = Pieces(before, end)
    return pieces if all(pieces.text(turns) == text for turns, text in tried) else None


def _written(before: str, role: str, text: str) -> str:
    return (
        f"{{{{- if and (eq $before {_text(before)}) (eq .Role {_text(role)}) }}}}{{{{ {_text(text)} }}}}{{{{ end }}}}"
    )


def _text(text: str) -> str:
    """A string of Go's template language, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
