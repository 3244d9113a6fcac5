"""Every command and option that a document shows exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_lines import shown_in_block, shown_in_span, wrong
from support.documents import ROOT, documents, fences, spans

ALL = documents()


@pytest.mark.parametrize("document", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands(document: Path) -> None:
    text = document.read_text()
    shown = [words for block in fences(text) for words in shown_in_block(block)]
    shown += [words for span in spans(text) for words in shown_in_span(span)]
    assert not [problem for words in shown if (problem := wrong(words))]


def test_the_readme_shows_some() -> None:
    shown = [words for block in fences((ROOT / "README.md").read_text()) for words in shown_in_block(block)]
    assert {words[0] for words in shown} == {"fednode", "fedaggregator", "fedexplorer", "make"}
    assert len(shown) > 20


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("fednode run --dry-run", ""),
        ("$ fednode spec new --name 'Ward notes'", ""),
        ("fednode nonsense", "there is no `fednode nonsense`"),
        ("FED_LOG_FORMAT=json .venv/bin/fednode run --wet", "`fednode run` has no --wet"),
        ("make nonsense", "there is no `make nonsense`"),
    ],
)
def test_a_wrong_one_is_seen(line: str, problem: str) -> None:
    (words,) = shown_in_block(line)
    assert wrong(words) == problem
