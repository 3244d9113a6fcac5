"""What a data file is made of: records turned into rows of text, or told what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fedprotocol.errors import FedError
from fedprotocol.printable import printable

from fednode.data.columns import DOMAIN, Columns
from fednode.data.fields import absence, value_at
from fednode.data.layouts import CONVERSATIONS, as_messages, from_instruction
from fednode.data.learnable import no_words, not_text
from fednode.data.messages import answers_in
from fednode.data.turns import as_text

MESSAGES = "messages"
_SHOWN = 200  # characters of names of columns

Unit = Literal["line", "row", "item"]


class DataError(FedError):
    """The data file cannot be used as it is."""

    needs_person = True


@dataclass(frozen=True)
class Row:
    """One example: the model sees `prompt` (in the spec's template) and learns `completion`. Where the spec has the
    base model's chat template, `prompt` is the turns before the answer (`fednode.data.turns`)."""

    prompt: str
    completion: str
    domain: str | None
    conversation: str | None = field(default=None, repr=False)
    """Where a conversation is several rows: all of it."""


REST_LOST = "and nothing after it can be read"


@dataclass(frozen=True)
class Problem:
    """What is wrong at the line, row or item `number` of the file (from 1; where several lines make a row, its first).

    Problems of one cause begin alike, up to a colon.
    """

    number: int
    what: str
    unit: Unit = "line"

    @property
    def hides_the_rest(self) -> bool:
        """Whether the file cannot be read beyond this."""
        return REST_LOST in self.what

    def __str__(self) -> str:
        return f"{self.unit} {self.number}: {self.what}"


@dataclass(frozen=True)
class Table:
    """The usable rows of a file in their order, and what is wrong with the others."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


def to_rows(record: Mapping[str, Any], columns: Columns) -> Sequence[Row] | str:
    """The rows of a record with prompt and completion (as `columns` names them), with `messages`, or in one of the
    other `layouts`; or what is wrong with it. It is one row, unless `columns` asks for every answer of a
    conversation."""
    given = [name for name in columns.texts if value_at(record, name) is not None]
    messages, conversations = record.get(MESSAGES), record.get(CONVERSATIONS)
    if messages is not None:
        if given:
            return f"has messages beside {' and '.join(given)}; give one or the other"
        found = answers_in(messages, columns.turns)
    elif given:
        found = _asked(_as_named(record, columns), columns)
    elif instructed := from_instruction(record):
        found = _asked(_checked(("instruction", "output"), instructed), columns)
    elif conversations is not None:
        found = answers_in(as_messages(conversations), columns.turns)
    else:
        return f"has neither {' and '.join(columns.texts)} nor messages{_names_of(record)}"
    if isinstance(found, str):
        return found
    domain = value_at(record, columns.domain)
    if domain == "":
        domain = None
    if domain is not None and (wrong := not_text(DOMAIN, domain)):
        return wrong
    whole = "".join(found[-1]) if len(found) > 1 else None
    return [Row(prompt, answer, domain, whole) for prompt, answer in found]


def _asked(found: tuple[str, str] | str, columns: Columns) -> list[tuple[str, str]] | str:
    """A prompt and its answer as the only turns of a conversation, where rows are conversations."""
    if isinstance(found, str):
        return found
    prompt, answer = found
    return [(prompt if columns.turns is None else as_text([("user", prompt)]), answer)]


def name_columns(columns: Columns) -> str:
    """How to say which columns of a file are meant, for an error."""
    missing = [key for key in ("prompt", "completion") if getattr(columns, key) == key]
    if not missing:
        return "correct [data] in the config, or --prompt and --completion"
    options, settings = " ".join(f"--{key} …" for key in missing), ", ".join(f'{key} = "…"' for key in missing)
    return f"say which they are: [data] {settings} in the config, or {options} for this command"


def _as_named(record: Mapping[str, Any], columns: Columns) -> tuple[str, str] | str:
    for name in columns.texts:
        if why := absence(record, name):
            return f"has no {name}: {why}"
    value = value_at(record, columns.completion)
    try:
        answer = columns.answer(value)
    except KeyError:
        return f"{columns.completion} has a value that no label names: “{printable(str(value), 40)}”"
    if isinstance(answer, int | float) and not columns.labels:
        return f'{columns.completion} is a number, not text: say what each means, such as [data] labels = {{0 = "no"}}'
    return _checked(columns.texts, (value_at(record, columns.prompt), answer))


def _checked(names: tuple[str, str], values: tuple[Any, Any]) -> tuple[str, str] | str:
    for name, value in zip(names, values, strict=True):
        if wrong := no_words(name, value):
            return wrong
    return values


def _names_of(record: Mapping[str, Any]) -> str:
    names = [str(name) for name, value in record.items() if value is not None]
    return f": it has {printable(', '.join(names), _SHOWN)}" if names else ""
