"""What a machine can check about plain English: whole phrases in help texts, and no riddles in any text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_lines import PROGRAMS, program
from support.documents import ROOT, documents
from support.prose import is_fragment, riddles_in, texts_of

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
SOURCES = ("protocol/src", "aggregator/src", "node/src", "explorer/src", "lab/src", "scripts", "tools", "examples")


def is_whole(text: str) -> bool:
    """A phrase that begins with a capital, ends with a full stop, and does not lean on the name of its option."""
    return bool(re.match(r"[A-Z]", text)) and text.endswith(".") and not text.startswith(STARTS_OF_FRAGMENTS)


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


@pytest.mark.parametrize("document", list(documents()), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_speaks_in_riddles(document: Path) -> None:
    assert not riddles_in(document.read_text())


@pytest.mark.parametrize(
    "text",
    ["Of the adapter.", "the config", "Rows a step", "Whose global; 0 is the genesis."],
)
def test_a_fragment_is_seen(text: str) -> None:
    assert not is_whole(text)
    assert is_whole("Rank of the LoRA adapter.")


@pytest.mark.parametrize("folder", SOURCES)
def test_docstrings_and_comments_say_what_they_are_about_and_do_not_speak_in_riddles(folder: str) -> None:
    """The usage of the brownie scripts is in their docstrings."""
    texts = [text for path in sorted((ROOT / folder).rglob("*.py")) for text in texts_of(path)]
    assert sum(text.is_docstring for text in texts) > 5 and not all(text.is_docstring for text in texts)
    assert [f"{text}: {riddle}" for text in texts for riddle in riddles_in(text.words)] == []
    assert [str(text) for text in texts if text.is_docstring and is_fragment(text.words)] == []


def test_a_riddle_is_seen() -> None:
    assert len(riddles_in("Doctor mends it. Who copies it pays, and the own merge is held to `held to`.")) == 4


def test_a_riddle_in_a_source_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "riddles.py"
    source.write_text(
        '''"""Of a round."""

ROOT = 1
"""What came of
it."""


def judge() -> None:
    """Compares what lies under
    enough blocks."""
    # the text is held
    # against the other
    print("held to")  # mends it
'''
    )
    texts = list(texts_of(source))
    assert sorted(text.line for text in texts if riddles_in(text.words)) == [4, 9, 11, 13]
    assert [text.line for text in texts if text.is_docstring and is_fragment(text.words)] == [1]
