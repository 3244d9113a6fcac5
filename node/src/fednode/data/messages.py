"""Chat messages to prompt and answer.

The names are those of OpenAI's, TRL's and axolotl's data: `messages`, each with `role` and `content`. No chat template
of the base model is used, for it need not have one: what all sites share is the spec's template around the prompt.
"""

from fednode.data.text import no_words

_NEXT = {None: ("system", "user"), "system": ("user",), "user": ("assistant",), "assistant": ("user",)}
"""The roles that may follow a role, or begin (None)."""


def prompt_and_answer(messages: object) -> tuple[str, str] | str:
    """The last answer of the assistant and the prompt that all before it makes, or what is wrong.

    A user's question alone is the prompt, exactly as it is. Where a system message or earlier turns stand before it,
    the prompt is all of them in their order, each as `System: …`, `User: …` or `Assistant: …`, with an empty line
    between two.
    """
    if not isinstance(messages, list):
        return f"messages is not a list but {type(messages).__name__}"
    if not messages:
        return "messages is empty"
    turns: list[tuple[str, str]] = []
    last = None
    for number, message in enumerate(messages, start=1):
        if not isinstance(message, dict):
            return f"message {number} is not an object with role and content"
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "user", "assistant"):
            said = f"the role {role[:20]!r}" if isinstance(role, str) else "no role"
            return f"message {number} has {said}; it must be system, user or assistant"
        if role not in _NEXT[last]:
            place = "first" if last is None else f"after {last}"
            return f"message {number} has the role {role}; {place} comes {' or '.join(_NEXT[last])}"
        if wrong := no_words(f"content of message {number}", content):
            return wrong
        turns.append((role, str(content)))
        last = role
    *before, (role, answer) = turns
    if role != "assistant":
        return f"messages end with the role {role}, not with an answer of the assistant"
    if len(before) == 1:
        return before[0][1], answer
    return "\n\n".join(f"{role.capitalize()}: {content}" for role, content in before), answer
