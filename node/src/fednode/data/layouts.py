"""Rows as other programs' data sets have them: Alpaca's instruction, input and output; ShareGPT's conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INSTRUCTION = ("instruction", "input", "output")
CONVERSATIONS = "conversations"
TURN = ("from", "value")

_ROLES = {"system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}


def from_instruction(record: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Prompt and completion of a record with `instruction` and `output`; None: it has not both. The prompt is the
    instruction, and below an empty line the input, if there is any."""
    instruction, given, output = (record.get(name) for name in INSTRUCTION)
    if instruction is None or output is None:
        return None
    if isinstance(instruction, str) and isinstance(given, str) and given.strip():
        return f"{instruction}\n\n{given}", output
    return instruction, output


def as_messages(conversations: object) -> object:
    """ShareGPT's turns as chat messages; what is not as it should be is left for them to name."""
    if not isinstance(conversations, list):
        return conversations
    return [_message(turn) if isinstance(turn, Mapping) else turn for turn in conversations]


def _message(turn: Mapping[str, Any]) -> Mapping[str, Any]:
    if "from" not in turn:
        return turn
    role = turn["from"]
    return {"role": _ROLES.get(role, role) if isinstance(role, str) else role, "content": turn.get("value")}
