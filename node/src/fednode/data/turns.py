"""A conversation as text, which a table holds as a prompt: the JSON of its turns before the answer that is learned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

Turn = tuple[str, str]
"""A role and what it says."""

Learned = Literal["last", "every"]
"""Which answers of a conversation are learned; as a spec's `prompt.turns`."""


def messages_of(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """The turns as messages with role and content."""
    return [{"role": role, "content": content} for role, content in turns]


def as_text(turns: Sequence[Turn]) -> str:
    """The turns as a JSON list of messages with role and content."""
    return json.dumps(messages_of(turns), ensure_ascii=False)


def turns_in(text: str) -> list[Turn]:
    """The turns that `as_text` wrote."""
    return [(message["role"], message["content"]) for message in json.loads(text)]
