"""The result of a cell, written the moment it is done, and the list of all results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fedprotocol.files.whole import write_whole
from pydantic import ValidationError

from fedlab.experiment.cells import Cell
from fedlab.experiment.privacy.records import Privacy
from fedlab.experiment.settings import Device
from fedlab.results.records import Count, Loss, Record, ResultsError, Score, Share

RESULTS = "results.json"


class RoundScore(Record):
    """The score of the model after a round, on the curve's items. `bytes_sent`: what all sites have sent until then."""

    round: Count
    score: Score
    bytes_sent: Count


class CellResult(Record):
    """The result of one cell. `key` names everything that the result depends on: settings, data and program. With
    another key the result no longer counts.

    `rounds`: the curve, scored on the first `curve_items` test items. Without a curve it has only the last round,
    scored on all test items. `attack_success`: the share of test rows that get the answer an attacker wants; None if
    none is wanted. `privacy`: None if it was not measured. `step_seconds`: median. `weights_bytes`: the frozen model in
    memory. `peak_memory_bytes`: the most memory of the process, or on a GPU the most memory of the device.
    """

    task: str
    row: str
    seed: Count
    loss: Loss
    accuracy: Share | None
    by_domain: dict[str, Score]
    attack_success: Share | None = None
    test_items: Count
    rounds: tuple[RoundScore, ...]
    steps_total: Count
    bytes_sent: Count
    peak_memory_bytes: Count
    weights_bytes: Count
    step_seconds: Loss
    seconds: Loss
    root: str | None
    key: str
    settings: dict[str, Any]
    site_rows: dict[str, Count]
    machine: str
    device: Device = "cpu"
    privacy: Privacy | None = None


def write_result(result: CellResult, path: Path) -> None:
    """Write the result, whole or not at all. Raises OSError."""
    write_whole(path, json.dumps(result.model_dump(mode="json"), indent=1) + "\n")


def read_result(path: Path) -> CellResult:
    """Raises ResultsError."""
    try:
        return CellResult.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ResultsError(f"{path} is no result of a cell: {error}; remove it to run the cell again") from error


def read_all(folder: Path) -> list[CellResult]:
    """All results, in the order of tasks, rows and seeds. Raises ResultsError."""
    return [read_result(path) for path in sorted((folder / "cells").glob("*/*/*.json"))]


def is_done(cell: Cell, key: str, folder: Path) -> bool:
    """Whether the cell has a result with the same key. Raises ResultsError."""
    path = cell.path(folder)
    return path.is_file() and read_result(path).key == key


def as_list(results: Iterable[CellResult]) -> list[dict[str, Any]]:
    """The rows of results.json: every cell, compared with its task's initial model."""
    found = list(results)
    initial = {result.task: result for result in found if result.row == "initial"}
    rows = []
    for result in found:
        start = initial.get(result.task)
        rows.append(
            {
                "task": result.task,
                "row": result.row,
                "seed": result.seed,
                "loss": result.loss,
                "accuracy": result.accuracy,
                "initial_loss": start.loss if start else None,
                "initial_accuracy": start.accuracy if start else None,
                "test_items": result.test_items,
                "steps_total": result.steps_total,
                "bytes_sent": result.bytes_sent,
                "peak_memory_bytes": result.peak_memory_bytes,
                "seconds": result.seconds,
                "device": result.device,
                "by_domain": {name: score.model_dump() for name, score in result.by_domain.items()},
            }
        )
    return rows


def write_list(folder: Path) -> Path:
    """Write results.json from the cells. Raises ResultsError."""
    return write_whole(folder / RESULTS, json.dumps(as_list(read_all(folder)), indent=1) + "\n")
