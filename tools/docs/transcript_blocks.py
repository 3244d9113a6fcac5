"""The transcripts in a document: blocks of commands with what they print, and steps that are run and not shown.

A comment above a block says where it is run: `<!-- transcript clinic lines=9+1 -->`, in the folder clinic; of the
output of the last command the first 9 lines and the last one are kept. `background` starts the last command, and fills
in what it has printed when the whole run is over. `at=NAME` runs a block when a hidden step says `@block NAME`, and not
where it stands. A comment `<!-- transcript-run clinic … -->` holds lines of bash and directives, such as `@start bank`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MARK = re.compile(
    r"<!-- transcript (?P<folder>\S+)(?P<options>[^>]*) -->\n```\n(?P<shown>.*?)```\n"
    r"|<!-- transcript-run (?P<where>\S+)\n(?P<steps>.*?)-->\n",
    re.DOTALL,
)
LEFT_OUT = "…"


@dataclass(frozen=True)
class Shown:
    """A block. `number`: from 0, in the document; `commands`: as they are printed, with the prompt."""

    number: int
    folder: str
    commands: tuple[str, ...]
    lines: tuple[int, int] | None
    background: bool
    at: str


@dataclass(frozen=True)
class Hidden:
    """Steps that are not shown."""

    folder: str
    steps: tuple[str, ...]


def blocks(text: str) -> list[Shown | Hidden]:
    """In the order of the document. Raises ValueError for an option that does not exist."""
    found: list[Shown | Hidden] = []
    number = 0
    for match in MARK.finditer(text):
        if match["where"]:
            found.append(Hidden(match["where"], tuple(match["steps"].splitlines())))
            continue
        options = dict(word.partition("=")[::2] for word in match["options"].split())
        if unknown := options.keys() - {"lines", "background", "at"}:
            raise ValueError(f"transcript {match['folder']}: unknown {', '.join(unknown)}")
        first, _, last = options.get("lines", "").partition("+")
        lines = (int(first), int(last or 0)) if first else None
        background, at = "background" in options, options.get("at", "")
        found.append(Shown(number, match["folder"], commands(match["shown"]), lines, background, at))
        number += 1
    return found


def commands(block: str) -> tuple[str, ...]:
    """The command lines of a block; one that is broken by backslashes is one."""
    found: list[str] = []
    is_open = False
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(line)
            is_open = line.endswith("\\")
        elif is_open:
            found[-1] += f"\n{line}"
            is_open = line.endswith("\\")
    return tuple(found)


def printed(text: str) -> list[str]:
    """What stands in the shown blocks now."""
    return [match["shown"] for match in MARK.finditer(text) if match["folder"]]


def kept(output: str, lines: tuple[int, int] | None) -> str:
    """The first and the last lines that a block keeps."""
    every = output.splitlines()
    if lines is None or len(every) <= sum(lines):
        return "".join(f"{line}\n" for line in every)
    first, last = lines
    chosen = [*every[:first], LEFT_OUT, *(every[-last:] if last else [])]
    return "".join(f"{line}\n" for line in chosen)


def filled(text: str, outputs: Mapping[int, str]) -> str:
    """The document with the blocks of these numbers replaced."""
    number = -1

    def replaced(match: re.Match[str]) -> str:
        nonlocal number
        if not match["folder"]:
            return match[0]
        number += 1
        if number not in outputs:
            return match[0]
        start, end = match.start("shown") - match.start(), match.end("shown") - match.start()
        return match[0][:start] + outputs[number] + match[0][end:]

    return MARK.sub(replaced, text)
