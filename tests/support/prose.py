"""The sentences that stand in Python sources: docstrings and comments, and the phrases that no text should have."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RIDDLES = {
    r"\bmend(s|ed|ing)?\b": "repair, fix",
    r"\bheld (to|against)\b": "compared with",
    r"\bown merges?\b": "own result",
    r"\bown recomputation\b": "own result",
    r"\bunder enough blocks\b": "deep enough",
    r"\b(is|are|was|be) told of\b": "named, reported",
    r"\b(what|whatever|nothing) (else )?(came|comes|becomes|became|has come) of\b": "the outcome of, the result of",
    r"\blet(s|ting)? go of\b": "unpin, delete, release",
    r"\bat hand\b": "ready, available, known",
    r"\b(to|can|could|cannot|may|not) be had\b": "available, cannot be read",
    r"\bof one's own\b|\bone's own\b": "your own, the program's own",
    r"\b(it|they|that|one) gets? on\b": "makes progress",
    r"\bas nodes are\b": "like nodes",
    r"\bwhat it was, who\b|\bwho/what\b": "whoever, whatever",
    r"(?:^|[.;:(] )[Ww]ho (copies|lies|can|minds|uses|holds|has|asks|proves|comes|cannot|wants|only) ": "anybody who",
    r"\b(for|by|from|of) who (?!is\b)": "whoever, those who",
    r"\bfor whom (it|the file) is\b": "with the same permissions",
}
"""A phrase that only its author can read at once, and what to write in its place."""

FRAGMENTS = ("Of ", "Whose ", "By ", "Those ", "Likewise", "Before ", "To the end ", "About how ", "Without ")
"""Beginnings of texts without a subject: what such a text is about must be guessed from the name above it."""


@dataclass(frozen=True)
class Text:
    """A docstring or comment: where it begins, and its words in one line."""

    path: Path
    line: int
    words: str
    is_docstring: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.words[:80]}"


def riddles_in(text: str) -> list[str]:
    """Each riddle with what could stand in its place. Code is left out."""
    prose = re.sub(r"```.*?```|`[^`]*`", "`…`", text, flags=re.DOTALL)
    return [
        f"{found[0]!r}: say {better}"
        for riddle, better in RIDDLES.items()
        for found in re.finditer(riddle, prose, re.MULTILINE | re.IGNORECASE)
    ]


def texts_of(path: Path) -> Iterator[Text]:
    """Every docstring, of attributes too, and every comment in a Python file."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield Text(path, node.lineno, " ".join(node.value.value.split()), is_docstring=True)
    block: list[tokenize.TokenInfo] = []
    for token in [*tokenize.generate_tokens(io.StringIO(source).readline)]:
        if token.type == tokenize.COMMENT:
            block.append(token)
        elif token.type not in (tokenize.NL, tokenize.NEWLINE) and block:
            yield _comment(path, block)
            block = []
    if block:
        yield _comment(path, block)


def is_fragment(text: str) -> bool:
    """Whether a docstring leaves out what it is about."""
    return text.startswith(FRAGMENTS)


def _comment(path: Path, block: list[tokenize.TokenInfo]) -> Text:
    words = " ".join(token.string.lstrip("# ") for token in block)
    return Text(path, block[0].start[0], words, is_docstring=False)
