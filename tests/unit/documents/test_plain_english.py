"""What a machine can check of plain English: whole phrases in help texts, no words that read as riddles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_lines import PROGRAMS, program
from support.documents import ROOT, documents

RIDDLES = {
    r"\bmend(s|ed|ing)?\b": "repair, fix",
    r"\bheld (to|against)\b": "compared with",
    r"\bown merges?\b": "own result",
    r"\bown recomputation\b": "own result",
    r"\bunder enough blocks\b": "enough blocks lie on top of it",
    r"\b(is|are|was) told of\b": "named, reported",
    r"(?:^|[.;:(] )[Ww]ho (copies|lies|can|minds|uses|holds|has|asks|proves|comes|cannot|wants) ": "anybody who",
    r"\b(for|by|from|of) who (?!is\b)": "whoever, those who",
}
WRITTEN_BY_TOOLS = {  # from what runs reported
    "docs/attacks.md",
    "docs/chaos.md",
    "docs/load.md",
}
STARTS_OF_FRAGMENTS = ("Of ", "Whose ", "By ", "Where ", "What ", "For ")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command of every program, by the words that call it."""

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for part, inner in getattr(command, "commands", {}).items():
            yield from below(f"{name} {part}", inner)

    for name in PROGRAMS:
        yield from below(name, program(name))


ALL = dict(commands())
DOCUMENTS = [
    path
    for path in documents()
    if not path.is_relative_to(ROOT / "all_losses") and str(path.relative_to(ROOT)) not in WRITTEN_BY_TOOLS
]


def is_whole(text: str) -> bool:
    """A phrase that begins with a capital, ends with a full stop, and does not lean on the name of its option."""
    return bool(re.match(r"[A-Z]", text)) and text.endswith(".") and not text.startswith(STARTS_OF_FRAGMENTS)


def riddles_in(text: str) -> list[str]:
    """Each riddle with what could stand in its place. Code is left out."""
    prose = re.sub(r"```.*?```|`[^`]*`", "`…`", text, flags=re.DOTALL)
    return [
        f"{found[0]!r}: say {better}"
        for riddle, better in RIDDLES.items()
        for found in re.finditer(riddle, prose, re.MULTILINE)
    ]


@pytest.mark.parametrize("name", ALL)
def test_a_command_says_in_whole_phrases_what_it_does(name: str) -> None:
    command = ALL[name]
    first = (command.help or "").split("\n\n")[0].replace("\n", " ").strip()
    assert is_whole(first) and len(first) > 20, first
    assert not riddles_in(command.help)


@pytest.mark.parametrize("name", ALL)
def test_every_option_has_a_whole_phrase(name: str) -> None:
    for option in ALL[name].params:
        text = option.help or ""
        assert option.name == "help" or is_whole(text), f"{option.opts}: {text!r}"
        assert not riddles_in(text), option.opts


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_speaks_in_riddles(document: Path) -> None:
    assert not riddles_in(document.read_text())


@pytest.mark.parametrize(
    "text",
    ["Of the adapter.", "the config", "Rows a step", "Whose global; 0 is the genesis."],
)
def test_a_fragment_is_seen(text: str) -> None:
    assert not is_whole(text)
    assert is_whole("Rank of the LoRA adapter.")


def test_a_riddle_is_seen() -> None:
    assert len(riddles_in("Doctor mends it. Who copies it pays, and the own merge is held to `held to`.")) == 4
