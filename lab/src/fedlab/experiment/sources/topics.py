"""Domains for rows that have none: by the words in a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def topic(question: str, words: Mapping[str, Sequence[str]], other: str) -> str:
    """The first topic of which `question` contains a word, in lower case; `other` if it contains none."""
    low = question.lower()
    return next((name for name, known in words.items() if any(word in low for word in known)), other)
