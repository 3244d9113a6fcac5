"""Help shows what was written. Typer takes a word in square brackets for a style, and leaves it out."""

from __future__ import annotations

import re

import pytest
from support.command_lines import PROGRAMS, every, program
from typer.testing import CliRunner

STYLE = re.compile(r"(?<!\\)\[[a-z@/#][^]]*]")  # rich's markup; a backslash before it keeps it


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_word_is_taken_for_a_style(name: str) -> None:
    texts = {
        (*path, *parameter): text
        for path, command in every(program(name), (name,))
        for parameter, text in [((), command.help), *(((p.name,), getattr(p, "help", None)) for p in command.params)]
        if text
    }
    assert len(texts) > 3
    assert {where: text for where, text in texts.items() if STYLE.search(text)} == {}


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), "the trackers of `[track]`"),
        (("track",), "the trackers of `[track]`"),
        (("privacy",), "It needs [privacy] in the config"),
        (("evaluate",), "'fednode[benchmarks]'"),
    ],
)
def test_brackets_are_shown(words: tuple[str, ...], shown: str) -> None:
    from fednode.cli.app import app

    output = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*words, "--help"]).output
    assert shown in " ".join(output.replace("│", " ").split())
