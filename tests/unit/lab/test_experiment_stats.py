"""Tables of an experiment against figures worked out by hand."""

from __future__ import annotations

import pytest
from fedlab.experiment.definition import Experiment
from fedlab.experiment.results import as_list
from fedlab.experiment.stats import Figure, accuracy, best_by_seed, by_seed, differences, figure, loss, ratios
from fedlab.experiment.tables import goals_table, task_table
from support.cell_results import result

EXPERIMENT = Experiment.model_validate(
    {
        "name": "x",
        "rows": {
            "initial": {"kind": "initial"},
            "single": {"kind": "single"},
            "central": {"kind": "central"},
            "fedavg": {},
        },
        "tasks": [{"name": "t", "data": "wordnet", "rows": ["initial", "single", "central", "fedavg"]}],
    }
)


RESULTS = [
    result("initial", 1, 4.0, 0.25),
    result("single:a", 1, 2.0, 0.50),
    result("single:b", 1, 3.0, 0.60),
    result("single:a", 2, 2.0, 0.60),
    result("single:b", 2, 3.0, 0.66),
    result("central", 1, 0.5, 0.80),
    result("central", 2, 0.7, 0.90),
    result("fedavg", 1, 1.0, 0.78),
    result("fedavg", 2, 1.0, 0.88),
]


def test_sites_are_averaged_within_a_seed_before_seeds_are_compared() -> None:
    single = [r for r in RESULTS if r.row.startswith("single")]
    assert by_seed(single, accuracy) == pytest.approx({1: 0.55, 2: 0.63})
    found = figure(single, accuracy)
    assert found is not None
    assert (found.mean, found.deviation, found.count) == (pytest.approx(0.59), pytest.approx(0.04 * 2**0.5), 2)
    assert figure(single, loss) == Figure(2.5, 0.0, 2)
    assert best_by_seed(single) == {1: 0.60, 2: 0.66}


def test_differences_and_ratios_pair_the_seeds() -> None:
    assert differences({1: 0.78, 2: 0.88, 3: 1.0}, {1: 0.55, 2: 0.63}).mean == pytest.approx((0.23 + 0.25) / 2)
    assert ratios({1: 0.78, 2: 0.88}, {1: 0.80, 2: 0.90}).mean == pytest.approx((0.78 / 0.8 + 0.88 / 0.9) / 2)
    assert differences({1: 0.5}, {2: 0.5}) is None
    assert Figure.of([]) is None
    assert Figure.of([0.123]).text(1, 100) == "12.3"
    assert Figure.of([0.1, 0.2]).text(1, 100) == "15.0 ± 7.1"


def test_the_tables_say_what_was_met_and_missed() -> None:
    goals = goals_table(EXPERIMENT, RESULTS)
    assert "| t fedavg | 97.6 ± 0.2 %: **missed** | 24.0 ± 1.4 points: met | 20.0 ± 2.8 points: met |" in goals
    worse = [*RESULTS[:-2], result("fedavg", 1, 1.0, 0.58), result("fedavg", 2, 1.0, 0.60)]
    assert goals_table(EXPERIMENT, worse).count("**missed**") == 3
    table = task_table(EXPERIMENT, EXPERIMENT.tasks[0], RESULTS).splitlines()
    assert table[2].startswith("| initial | 1 | 4.000 | 0 % | 25.0 |")
    assert table[3].startswith("| single, mean of sites | 2 | 2.500 ± 0.000 | 38 ± 0 % | 59.0 ± 5.7 |")
    assert [line.partition("|")[2].partition("|")[0].strip() for line in table[4:6]] == [
        "&nbsp; single:a",
        "&nbsp; single:b",
    ]
    assert table[-1].startswith("| fedavg | 2 | 1.000 ± 0.000 | 75 ± 0 % | 83.0 ± 7.1 | 97.6 ± 0.2 | 120 | 3.0 ± 0.0 |")


def test_the_list_holds_every_cell_beside_its_initial_model() -> None:
    rows = as_list(RESULTS)
    assert len(rows) == len(RESULTS)
    assert {row["initial_loss"] for row in rows} == {4.0}
    assert rows[-1]["row"] == "fedavg"
    assert [rows[-1][name] for name in ("seed", "loss", "accuracy", "steps_total")] == [2, 1.0, 0.88, 120]
