"""Encoders for tests."""

from __future__ import annotations

from typing import Any

from fednode.data.encode import Encoder
from fedprotocol.spec import Prompt


def encoder_of(tokenizer: Any, template: str, length: int, join: str | None = None) -> Encoder:
    """Of a spec with this prompt template and, if it is given, this `join`."""
    return Encoder(tokenizer, Prompt(template=template, **({} if join is None else {"join": join})), length)


def chat_encoder(tokenizer: Any, length: int, digest: str | None = None) -> Encoder:
    """Of a spec with the tokenizer's own chat template."""
    pinned = {} if digest is None else {"chat_template": digest}
    return Encoder(tokenizer, Prompt(template="chat", turns="last", **pinned), length)
