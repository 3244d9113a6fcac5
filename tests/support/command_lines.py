"""Command lines as documents show them, held against the programs they call."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import typer
from support.documents import ROOT

PROGRAMS = ("fednode", "fedaggregator", "fedexplorer", "fedlab")


@cache
def program(name: str) -> Any:
    """The command that `name` runs, of typer's own click."""
    import fedaggregator.cli.app
    import fedexplorer.cli.app
    import fedlab.cli.app
    import fednode.cli.app

    apps = {
        "fednode": fednode.cli.app,
        "fedaggregator": fedaggregator.cli.app,
        "fedexplorer": fedexplorer.cli.app,
        "fedlab": fedlab.cli.app,
    }
    return typer.main.get_command(apps[name].app)


def every(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """`command`, and each below it, by the words that call it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from every(below, (*path, name))


def every_leaf(command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that has no others below it."""
    return ((path, one) for path, one in every(command) if not hasattr(one, "commands"))


@cache
def make_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def resolve(words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command that the first words name, and the words that are left. LookupError if there is no such command."""
    command, rest, path = program(words[0]), list(words[1:]), [words[0]]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        path.append(rest.pop(0))
        if path[-1] not in command.commands:
            raise LookupError(f"there is no `{' '.join(path)}`")
        command = command.commands[path[-1]]
    return command, rest


def wrong(words: Sequence[str]) -> str:
    """What is wrong with a command line of ours; empty if nothing is."""
    if words[0] == "make":
        named = [word for word in words[1:] if re.fullmatch("[a-z-]+", word)]
        return ", ".join(f"there is no `make {word}`" for word in named if word not in make_targets())
    try:
        command, rest = resolve(words)
    except LookupError as error:
        return str(error)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = [word.split("=")[0] for word in rest if word.startswith("-")]
    unknown = [option for option in given if option not in known | {"--help"}]
    return ", ".join(f"`{' '.join(words[: len(words) - len(rest)])}` has no {option}" for option in unknown)


def shown_in_block(block: str) -> Iterator[list[str]]:
    """Commands of ours in a fenced block: lines that begin with one, after a prompt, a path or variables set for it."""
    for line in re.sub(r"\\\n", " ", block).splitlines():
        yield from _ours(line.strip().removeprefix("$ "))


def shown_in_span(span: str) -> Iterator[list[str]]:
    """The command of ours that a code span is, if it is one."""
    if " " in span.strip():
        yield from _ours(span.strip())


def _ours(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a quote that does not end: a line of output
        return
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if words and (name := words[0].rsplit("/", 1)[-1]) in (*PROGRAMS, "make"):
        yield [name, *words[1:]]
