"""Rules compared: the tables say what the cells say, and the page is filled from them and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fedlab.experiment.definition import Experiment, load_experiment
from fedlab.experiment.plots import draw
from fedlab.experiment.report import report
from fedlab.experiment.results import CellResult, RoundScore, read_all, write_result
from fedlab.experiment.rules.page import PageError, filled
from fedlab.experiment.rules.tables import tables
from fedlab.results.records import Score
from support.cell_results import result
from support.documents import ROOT

BACKDOOR = {"attack": "backdoor", "attackers": 2, "bounds": "off"}
EXPERIMENT = Experiment.model_validate(
    {
        "name": "poison",
        "seeds": [1, 2],
        "rows": {"fedavg": {}, "again": {"server_lr": 0.5}},
        "tasks": [
            {"name": "apart", "data": "wordnet", "rows": ["fedavg", "again"]},
            {"name": "none", "data": "wordnet", "rows": ["fedavg"], "sites": 5, "attack": "backdoor"},
            {"name": "one", "data": "wordnet", "rows": ["fedavg"], "sites": 5, "attack": "noise", "attackers": 1},
            {"name": "two", "data": "wordnet", "rows": ["fedavg", "again"], "sites": 8, **BACKDOOR},
        ],
    }
)


def cell(task: str, row: str, seed: int, right: float, success: float | None = None) -> CellResult:
    domains = {name: Score(loss=1.0, accuracy=right + add, items=10) for name, add in (("law", 0.1), ("money", -0.1))}
    last = RoundScore(round=1, score=Score(loss=1.0, accuracy=right, items=20), bytes_sent=9)
    changes: dict[str, Any] = {"rounds": (last,), "task": task, "attack_success": success, "by_domain": domains}
    return result(row, seed, 1.0, right, **changes)


CELLS = [
    *(cell("apart", row, seed, right) for row, right in (("fedavg", 0.8), ("again", 0.6)) for seed in (1, 2)),
    *(cell("none", "fedavg", seed, 0.7, 0.05) for seed in (1, 2)),
    *(cell("one", "fedavg", seed, 0.2 * seed) for seed in (1, 2)),
    cell("two", "fedavg", 1, 0.7, 0.9),
]


def test_every_table_says_what_the_cells_say() -> None:
    found = tables(EXPERIMENT, CELLS)
    assert {name: text.splitlines()[2:] for name, text in found.items()} == {
        "honest": ["| apart | 80.0 ± 0.0 | 60.0 ± 0.0 |"],
        "honest worst domain": ["| apart | 70.0 ± 0.0 | 50.0 ± 0.0 |"],
        "accuracy 5": ["| nobody attacks | 70.0 ± 0.0 |", "| one member sends noise | 30.0 ± 14.1 |"],
        "success 5": ["| nobody plants a backdoor | 5.0 ± 0.0 |"],
        "accuracy 8": ["| each of 2 members plants a backdoor, without bounds | 70.0 (1 of 2 seeds) |  |"],
        "success 8": ["| each of 2 members plants a backdoor, without bounds | 90.0 (1 of 2 seeds) |  |"],
    }
    assert found["honest"].startswith("| % | fedavg | again |")
    assert tables(EXPERIMENT, []) == {}


def test_a_page_keeps_its_prose_and_gets_its_tables() -> None:
    page = "before\n<!-- table: a b -->\nold\n<!-- end -->\nbetween\n<!-- table: c -->\n<!-- end -->\nafter\n"
    once = filled(page, {"a b": "| new |\n"})
    assert once == (
        "before\n<!-- table: a b -->\n\n| new |\n\n<!-- end -->\nbetween\n"
        "<!-- table: c -->\n\nNot measured yet.\n\n<!-- end -->\nafter\n"
    )
    assert filled(once, {"a b": "| new |\n"}) == once
    with pytest.raises(PageError, match="no place for d: write"):
        filled(page, {"d": "| new |\n"})


def test_an_experiment_with_attacks_shows_them_together_and_draws_the_others(tmp_path: Path) -> None:
    for made in CELLS:
        write_result(made, tmp_path / "cells" / made.task / made.row / f"{made.seed}.json")
    page = report(EXPERIMENT, tmp_path)[0].read_text()
    assert "### Accuracy 5 sites\n\n" in page
    assert "| one member sends noise | 30.0 ± 14.1 |" in page
    assert {path.name.partition("-")[0] for path in draw(EXPERIMENT, CELLS, tmp_path / "plots")} == {"apart"}


def test_the_page_about_rules_is_filled_from_the_cells_that_are_there() -> None:
    """`python -m fedlab.experiment.rules lab/experiments/poison.toml docs/choosing-a-rule.md` writes it."""
    page = (ROOT / "docs/choosing-a-rule.md").read_text()
    experiment = load_experiment(ROOT / "lab/experiments/poison.toml")
    assert filled(page, tables(experiment, read_all(ROOT / "all_losses/experiments/poison"))) == page
