"""The node's own scores under `metrics/`: a line of JSON for each evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedprotocol.files.whole import write_whole
from fedprotocol.printable import json_text

if TYPE_CHECKING:
    from fednode.evaluation import Evaluation


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
        entry["round"]: {"loss": entry["loss"], "accuracy": entry["accuracy"]}
        for entry in records(metrics / "rounds.jsonl")
    }


def describe_score(score: Evaluation) -> str:
    """An evaluation as the log says it."""
    accuracy = "" if score.accuracy is None else f", accuracy {100 * score.accuracy:.1f} %"
    return f"loss {score.loss:.3f}{accuracy} on {score.items} items"
