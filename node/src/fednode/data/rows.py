"""What a data file is made of: records turned into rows of text, or told what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fedprotocol.errors import FedError

from fednode.data.learnable import no_words, not_text
from fednode.data.messages import prompt_and_answer

TEXTS = ("prompt", "completion")
MESSAGES = "messages"
DOMAIN = "domain"


class DataError(FedError):
    """The data file cannot be used as it is."""

    needs_person = True


@dataclass(frozen=True)
class Row:
    """One example: the model sees `prompt` (in the spec's template) and learns `completion`."""

    prompt: str
    completion: str
    domain: str | None


@dataclass(frozen=True)
class Problem:
    """What is wrong at the line or row `number` of the file (from 1; for a CSV row of several lines, its last)."""

    number: int
    what: str
    unit: Literal["line", "row"] = "line"

    def __str__(self) -> str:
        return f"{self.unit} {self.number}: {self.what}"


@dataclass(frozen=True)
class Table:
    """The usable rows of a file in their order, and what is wrong with the others."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def to_row(record: Mapping[str, Any]) -> Row | str:
    """The row of a record with `prompt` and `completion`, or with `messages`, or what is wrong with it."""
    given = [name for name in TEXTS if record.get(name) is not None]
    if record.get(MESSAGES) is not None:
        if given:
            return f"has messages beside {' and '.join(given)}; give one or the other"
        found = prompt_and_answer(record[MESSAGES])
        if isinstance(found, str):
            return found
        prompt, completion = found
    else:
        if not given:
            return "has neither prompt and completion nor messages"
        for name in TEXTS:
            if wrong := no_words(name, record.get(name)):
                return wrong
        prompt, completion = record["prompt"], record["completion"]
    domain = record.get(DOMAIN)
    if domain is None or domain == "":
        return Row(prompt, completion, None)
    return not_text(DOMAIN, domain) or Row(prompt, completion, domain)
