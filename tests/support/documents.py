"""The repository's Markdown documents, parsed: links, headings, blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
SOURCES = ("*.md", "docs/**/*.md", "*/README.md", "tests/**/README.md")

OTHERS = {"node_modules", "build", "runs", ".venv"}
_PARSER = MarkdownIt("commonmark").enable("table")
_HTML_LINK = re.compile(r"""<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)=["']([^"'\s]+)""")


@dataclass
class Section:
    """`tables`: rows of cells, the heading first. `fences`: their lines, runs of spaces made one. `prose`: the rest."""

    tables: list[list[list[str]]] = field(default_factory=list)
    fences: list[list[str]] = field(default_factory=list)
    prose: str = ""


def documents() -> list[Path]:
    """What people read, wherever it lies."""
    return sorted(
        {path for pattern in SOURCES for path in ROOT.glob(pattern) if path.parts[len(ROOT.parts)] not in OTHERS}
    )


def links(text: str) -> Iterator[str]:
    """Targets of all links and pictures."""
    for token in _flat(_PARSER.parse(text)):
        if token.type in ("html_block", "html_inline"):
            yield from _HTML_LINK.findall(token.content)
        for name in ("href", "src"):
            if name in token.attrs:
                yield str(token.attrs[name])


def pictures(text: str) -> Iterator[tuple[str, str]]:
    """Target and alternative text of each picture that is written as Markdown."""
    for token in _flat(_PARSER.parse(text)):
        if token.type == "image":
            yield str(token.attrs["src"]), token.content


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings, for links to `#…`."""
    tokens = _PARSER.parse(text)
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def fences(text: str) -> Iterator[str]:
    """The content of each fenced block."""
    return (token.content for token in _flat(_PARSER.parse(text)) if token.type == "fence")


def spans(text: str) -> Iterator[str]:
    """The content of each `code span`."""
    return (token.content for token in _flat(_PARSER.parse(text)) if token.type == "code_inline")


def section(text: str, title: str) -> Section:
    """What stands under `## title`, up to the next heading of that level. ValueError if there is no such heading."""
    tokens = _PARSER.parse(text)
    titles = [token.content if before.tag == "h2" else None for before, token in pairwise(tokens)]
    found = Section()
    for token in tokens[titles.index(title) + 3 :]:
        if token.tag == "h2":
            break
        if token.type == "table_open":
            found.tables.append([])
        elif token.type == "tr_open":
            found.tables[-1].append([])
        elif token.type == "fence":
            found.fences.append([" ".join(line.split()) for line in token.content.splitlines()])
        elif token.type == "inline" and token.level >= 4:  # in a cell
            found.tables[-1][-1].append(token.content)
        elif token.type == "inline":
            found.prose += token.content + "\n"
    return found


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])
