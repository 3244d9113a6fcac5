"""Chat messages to prompt and answer.

The names are those of OpenAI's, TRL's and axolotl's data: `messages`, each with `role` and `content`, and perhaps
`weight`, by which OpenAI's data say whether an answer is learned (1) or not (0). Unless the spec has the base model's
chat template, what all sites share is the spec's template around one prompt, which then holds all turns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from fednode.data.learnable import no_words
from fednode.data.turns import Learned, Turn, as_text

_NEXT = {None: ("system", "user"), "system": ("user",), "user": ("assistant",), "assistant": ("user",)}
"""The roles that may follow a role, or begin (None)."""


def answers_in(messages: object, learned: Learned | None = None) -> list[tuple[str, str]] | str:
    """The answers of the assistant that are learned, each behind its prompt; or what is wrong. `learned`: the prompt is
    the turns before the answer (`fednode.data.turns`), and either the last answer is learned or every one; None: the
    prompt is text (`as_prompt`), and the last answer is learned. An answer of weight 0 is not."""
    turns = turns_of(messages)
    if isinstance(turns, str):
        return turns
    role = turns[-1][0]
    if role != "assistant":
        return f"messages end with the role {role}, not with an answer of the assistant"
    weights = [message.get("weight") for message in messages] if isinstance(messages, list) else []
    if learned == "every":
        answers = [at for at, (role, _) in enumerate(turns) if role == "assistant" and weights[at] != 0]
        if not answers:
            return "every answer has weight 0: none is to be learned; take the row out"
        return [(as_text(turns[:at]), turns[at][1]) for at in answers]
    if weights[-1] == 0:
        return "the last answer has weight 0: it is not to be learned, and no other is; take the row out"
    before = turns[:-1]
    return [(as_prompt(before) if learned is None else as_text(before), turns[-1][1])]


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
