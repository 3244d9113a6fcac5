"""How a site's files are read: what they call the prompt, the completion and the domain, what its labels stand for, and
the encoding of their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fednode.data.turns import Learned

PROMPT = "prompt"
COMPLETION = "completion"
DOMAIN = "domain"


@dataclass(frozen=True)
class Columns:
    """The name of a column may be a path into it, such as `answers.text.0` (`fednode.data.fields`).

    `labels`: the completion for each value of the completion's column, by the value as text: numbers without a
    point where they are whole, "true" and "false"; empty: the column holds completions. `encoding`: of text files that
    have no byte-order mark, by Python's name; None: UTF-8. `turns`: as in a spec's prompt."""

    prompt: str = PROMPT
    completion: str = COMPLETION
    domain: str = DOMAIN
    labels: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    turns: Learned | None = None

    @property
    def texts(self) -> tuple[str, str]:
        return self.prompt, self.completion

    def answer(self, value: object) -> object:
        """The completion that a value stands for; without labels the value itself. Raises KeyError: no label."""
        return self.labels[label(value)] if self.labels and value is not None else value


def label(value: object) -> str:
    """A value of a column as `[data] labels` writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
