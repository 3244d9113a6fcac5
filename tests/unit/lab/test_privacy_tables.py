"""The tables of docs/privacy.md say what the cells say, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from fedlab.experiment.definition import Experiment, load_experiment
from fedlab.experiment.privacy.tables import tables
from fedlab.experiment.results import CellResult, read_all
from fedlab.experiment.rules.page import filled
from pydantic import ValidationError
from support.cell_results import result
from support.documents import ROOT

EXPERIMENT = Experiment.model_validate(
    {
        "name": "privacy",
        "seeds": [1, 2],
        "rows": {"initial": {"kind": "initial"}, "fedavg": {}, "fedavg-2": {"epsilon": 2.0}},
        "tasks": [
            {"name": "who", "data": "wordnet", "rows": ["initial", "fedavg", "fedavg-2"]}
            | {"held_back": 0.5, "readers": "membership"},
            {"name": "which", "data": "wordnet", "rows": ["fedavg"], "held_back": 0.5, "readers": "which-row"},
        ],
    }
)


def guessed(row: str, seed: int, area: float, noise: float | None = None) -> CellResult:
    attack = {"area": area, "error": 0.03, "found": area / 10, "members": 40, "others": 40}
    privacy = {
        "noise": {} if noise is None else {"a": noise, "b": noise + 0.2},
        "epsilon": {},
        "membership": {"loss": attack, "ratio": {**attack, "area": 0.5}},
        "which_row": {},
    }
    settings = {"epsilon": None if noise is None else 2.0, "delta": 1e-5}
    return result(row, seed, 1.0, 0.5 + seed / 10, task="who", privacy=privacy, settings=settings)


def picked(seed: int, right: int) -> CellResult:
    views = {"update": right, "masked": 1, "globals": 0}
    of = {view: {"right": count, "tries": 10, "candidates": 16} for view, count in views.items()}
    privacy = {"noise": {}, "epsilon": {}, "membership": {}, "which_row": of}
    return result("fedavg", seed, 1.0, 0.5, task="which", privacy=privacy)


CELLS = [
    result("initial", 1, 3.0, 0.25, task="who", settings={"epsilon": None}),
    guessed("fedavg", 1, 0.6),
    guessed("fedavg", 2, 0.8),
    guessed("fedavg-2", 1, 0.55, noise=1.0),
    picked(1, 9),
    picked(2, 6),
]


def test_every_table_says_what_the_cells_say() -> None:
    found = tables(EXPERIMENT, CELLS)
    assert {name: text.splitlines()[2:] for name, text in found.items()} == {
        "who accuracy": [
            "| initial | none |  | 1 of 1 | 25.0 | 3.000 |",
            "| fedavg | none |  | 2 of 2 | 65.0 ± 7.1 | 1.000 ± 0.000 |",
            "| fedavg-2 | 2 | 1.10 | 1 of 2 | 60.0 | 1.000 |",
        ],
        "who membership": [
            "| fedavg | none |  | 2 of 2 | 0.700 (0.658 to 0.742) | 7.0 % | 0.500 (0.458 to 0.542) | 7.0 % |  |",
            "| fedavg-2 | 2 | 1.10 | 1 of 2 | 0.550 (0.491 to 0.609) | 5.5 % "
            "| 0.500 (0.441 to 0.559) | 5.5 % | 0.881 |",
        ],
        "which candidates": ["| fedavg | none |  | 2 of 2 | 75 % (53 to 89) | 10 % (3 to 30) | 0 % (0 to 16) |"],
    }
    assert tables(EXPERIMENT, []) == {}


@pytest.mark.parametrize(
    ("row", "task", "says"),
    [
        ({"kind": "central", "epsilon": 2.0}, {}, "epsilon belongs to federated rows"),
        ({"epsilon": 2.0, "arithmetic": "floats"}, {}, "noise and readers are measured with arithmetic"),
        ({"epsilon": 2.0, "stragglers": 1}, {}, "without attacks and without stragglers"),
        ({}, {"readers": "membership"}, "give held_back"),
        ({}, {"readers": "which-row", "held_back": 0.5, "sites": 2}, "masks need at least 3 sites"),
    ],
)
def test_what_cannot_be_measured_is_refused(row: dict[str, Any], task: dict[str, Any], says: str) -> None:
    tasks = [{"name": "t", "data": "wordnet", "rows": ["r"], **task}]
    with pytest.raises(ValidationError, match=f"task t, row r: .*{says}"):
        Experiment.model_validate({"name": "x", "rows": {"r": row}, "tasks": tasks})


def test_the_page_is_filled_from_the_cells_that_are_there() -> None:
    """`python -m fedlab.experiment.privacy lab/experiments/privacy.toml docs/privacy.md` writes it."""
    page = (ROOT / "docs/privacy.md").read_text()
    experiment = load_experiment(ROOT / "lab/experiments/privacy.toml")
    assert filled(page, tables(experiment, read_all(ROOT / "all_losses/experiments/privacy"))) == page
