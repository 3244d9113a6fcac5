"""The sites of the demo, and the rows of each: the shipped data, divided among any number of nodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fedprotocol.files.whole import write_whole

DATA = Path(__file__).with_name("data")
DOMAINS = {"clinic": "medicine", "bank": "finance", "law": "law", "computing": "computing"}
CLASSES = (
    *(" disease", " symptom", " drug", " money", " payment", " asset"),
    *(" crime", " document", " trial", " software", " hardware", " data"),
)
TEMPLATE = "Definition: {prompt}\nClass:"


@dataclass(frozen=True)
class Site:
    """One node's rows, as lines of JSON. `test` is the part of the common test set on which it scores every global."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]


def common_test() -> tuple[str, ...]:
    """All rows of the common test set."""
    return _lines("test")


def deal(nodes: int) -> tuple[Site, ...]:
    """`nodes` sites that share no training row, and whose tests together are the common test set, each row once.

    The fifth node is a second clinic with half of the clinic's rows, and so on. A domain without a site of its own
    (fewer than four nodes) is tested by a site of another domain.
    """
    kinds = list(DOMAINS)
    names = [kinds[i % 4] if i < 4 else f"{kinds[i % 4]}-{i // 4 + 1}" for i in range(nodes)]
    tests: list[list[str]] = [[] for _ in names]
    for position, domain in enumerate(DOMAINS.values()):
        owners = range(position, nodes, 4) or range(position % nodes, position % nodes + 1)
        rows = [line for line in common_test() if json.loads(line)["domain"] == domain]
        for turn, owner in enumerate(owners):
            tests[owner] += rows[turn :: len(owners)]
    sites = []
    for i, name in enumerate(names):
        shares = len(range(i % 4, nodes, 4))
        sites.append(Site(name, _lines(kinds[i % 4])[i // 4 :: shares], tuple(tests[i])))
    return tuple(sites)


def write_lines(path: Path, lines: Sequence[str]) -> None:
    write_whole(path, "".join(line + "\n" for line in lines))


@cache
def _lines(name: str) -> tuple[str, ...]:
    return tuple((DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
