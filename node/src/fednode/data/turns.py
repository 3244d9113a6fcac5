"""A conversation as text, which a table holds as a prompt: the JSON of its turns before the answer that is learned."""

from __future__ import annotations

import json
from collections.abc import Sequence

Turn = tuple[str, str]
"""A role and what it says."""


def as_text(turns: Sequence[Turn]) -> str:
    """The turns as a JSON list of messages with role and content."""
    return json.dumps([{"role": role, "content": content} for role, content in turns], ensure_ascii=False)


def turns_in(text: str) -> list[Turn]:
    """The turns that `as_text` wrote."""
    return [(message["role"], message["content"]) for message in json.loads(text)]
