"""Chat messages to prompt and answer.

The names are those of OpenAI's, TRL's and axolotl's data: `messages`, each with `role` and `content`, and perhaps
`weight`, by which OpenAI's data say whether an answer is learned (1) or not (0). No chat template of the base model is
used, for it need not have one: what all sites share is the spec's template around the prompt.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fednode.data.learnable import no_words

_NEXT = {None: ("system", "user"), "system": ("user",), "user": ("assistant",), "assistant": ("user",)}
"""The roles that may follow a role, or begin (None)."""


Turn = tuple[str, str]
"""A role and what it says."""


def prompt_and_answer(messages: object) -> tuple[str, str] | str:
    """The last answer of the assistant and the prompt that all before it makes (`as_prompt`), or what is wrong."""
    turns = turns_of(messages)
    if isinstance(turns, str):
        return turns
    *before, (role, answer) = turns
    if role != "assistant":
        return f"messages end with the role {role}, not with an answer of the assistant"
    if isinstance(messages, list) and messages[-1].get("weight") == 0:
        return "the last answer has weight 0: it is not to be learned, and no other is; take the row out"
    return as_prompt(before), answer


def as_prompt(turns: Sequence[Turn]) -> str:
    """A user's question alone is the prompt, exactly as it is. Where a system message or earlier turns stand before it,
    the prompt is all of them in their order, each as `System: …`, `User: …` or `Assistant: …`, with an empty line
    between two."""
    if len(turns) == 1:
        return turns[0][1]
    return "\n\n".join(f"{role.capitalize()}: {content}" for role, content in turns)


def turns_of(messages: object) -> list[Turn] | str:
    """The turns of a conversation, at least one, or what is wrong. A content is text, or a list of parts of the type
    `text`, which are put together as they are."""
    if not isinstance(messages, list):
        return f"messages is not a list but {type(messages).__name__}"
    if not messages:
        return "messages is empty"
    turns: list[Turn] = []
    last = None
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            return f"message {number} is not an object with role and content"
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "user", "assistant"):
            found = f"the role {role[:20]!r}" if isinstance(role, str) else "no role"
            return f"message {number} has {found}; it must be system, user or assistant"
        if role not in _NEXT[last]:
            place = "first" if last is None else f"after {last}"
            return f"message {number} has the role {role}; {place} comes {' or '.join(_NEXT[last])}"
        if isinstance(content, list):
            if wrong := _no_text(content):
                return f"content of message {number} has {wrong}; only text can be learned from"
            content = "".join(part["text"] for part in content)
        if wrong := no_words(f"content of message {number}", content):
            return wrong
        if wrong := _wrong_weight(message):
            return f"message {number} has {wrong}"
        turns.append((role, str(content)))
        last = role
    return turns


def _no_text(parts: Sequence[Any]) -> str | None:
    """Which of the parts of a content is no text."""
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(kind, str):
            return "a part without a type"
        if kind != "text":
            return f"a part of the type {kind[:20]!r}"
        if not isinstance(part.get("text"), str):
            return "a part of the type 'text' without one"
    return None


def _wrong_weight(message: Mapping[str, Any]) -> str | None:
    weight = message.get("weight")
    if weight is None or (weight in (0, 1) and not isinstance(weight, str)):
        return None
    return f"the weight {weight!r:.20}; it must be 0 (not learned) or 1"
