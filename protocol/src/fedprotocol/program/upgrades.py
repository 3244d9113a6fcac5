"""Which versions of a program have worked with a folder, and what changed from one version to the next.

`versions.txt` in the folder has a line for each change of version: the version, and when it first ran (ISO 8601, UTC).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from fedprotocol.errors import FedError
from fedprotocol.files.whole import write_whole

NAME = "versions.txt"
log = logging.getLogger(__name__)
_LINE = re.compile(r"\d+(?:\.\d+)* \S+")
_HEAD = re.compile(r"^## (\d+(?:\.\d+)*)\b.*$", re.MULTILINE)


class UnknownVersion(FedError):
    """The list of changes does not go back to this version."""


@dataclass(frozen=True)
class Release:
    """A version and what it changed: Markdown, with a heading of its own."""

    version: str
    text: str


def note(home: Path, version: str) -> str | None:
    """Remember that `version` runs with the folder `home`. Returns the version that ran before it, where that was
    another. To be called by the one process that works there."""
    lines = _lines(home)
    before = lines[-1].split()[0] if lines else None
    if before == version:
        return None
    lines.append(f"{version} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    write_whole(home / NAME, "".join(f"{line}\n" for line in lines))
    return before


def tell_upgrade(home: Path, program: str, version: str) -> None:
    """`note`, with a line in the log where another version ran before."""
    if before := note(home, version):
        log.warning(
            "this is version %s; %s ran here before: `%s upgrade-notes` says what changed", version, before, program
        )


def versions(home: Path) -> list[str]:
    """The versions that ran with `home`, the newest last; none if nothing has run there."""
    return [line.split()[0] for line in _lines(home)]


def _lines(home: Path) -> list[str]:
    """What a disk has spoiled, or a person written, is passed over: no program fails to start for it."""
    try:
        text = (home / NAME).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if _LINE.fullmatch(line)]


def releases(text: str | None = None) -> list[Release]:
    """All releases, the newest first, out of `text`: by default the list of changes that comes with the programs."""
    whole = files("fedprotocol").joinpath("CHANGELOG.md").read_text(encoding="utf-8") if text is None else text
    heads = list(_HEAD.finditer(whole))
    ends = [head.start() for head in heads[1:]] + [len(whole)]
    return [Release(head[1], whole[head.start() : end].strip()) for head, end in zip(heads, ends, strict=True)]


def newer(version: str, among: Sequence[Release]) -> list[Release]:
    """The releases after `version`, the newest first. Raises UnknownVersion."""
    known = [release.version for release in among]
    if version not in known:
        raise UnknownVersion(f"version {version} is not in the list of changes, which has {', '.join(known)}")
    return list(among[: known.index(version)])
