"""The figures that a node keeps under `metrics/`: JSONL files with one line for each round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text

SCORES = "rounds.jsonl"  # how each global scored on the site's test data
SETTLED = "settled.jsonl"  # how each round ended for the account, in whole tokens


def record(path: Path, entry: Mapping[str, Any]) -> None:
    """Put `entry` into a JSONL file, in the place of one with the same `round`; the file stays sorted by it."""
    entries = {old["round"]: old for old in records(path)}
    entries[entry["round"]] = dict(entry)
    lines = [json_text(entries[number]) + "\n" for number in sorted(entries)]
    write_whole(path, "".join(lines))


def records(path: Path) -> list[dict[str, Any]]:
    """The entries of a JSONL file; none if there is no such file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def scores(metrics: Path) -> dict[int, dict[str, Any]]:
    """Round -> loss and accuracy of its global on this site's test data. `metrics`: the node's folder of them."""
    return {
        entry["round"]: {"loss": entry["loss"], "accuracy": entry["accuracy"]} for entry in records(metrics / SCORES)
    }
