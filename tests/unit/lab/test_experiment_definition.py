"""The experiment file: what a task or a row gives replaces the settings before it, and nothing else does."""

from __future__ import annotations

from pathlib import Path

from fedlab.experiment.definition import load_experiment

FILE = """
name = "x"
[training]
rounds = 7
quantization = "nf4"
learning_rate = 0.5
[rows.plain]
[rows.precise]
quantization = "bf16"
learning_rate = 0.25
[[tasks]]
name = "as-it-is"
data = "wordnet"
rows = ["plain", "precise"]
[[tasks]]
name = "long"
data = "wordnet"
rows = ["plain", "precise"]
rounds = 5
rounds_times = 4
[[tasks]]
name = "short"
data = "wordnet"
rows = ["plain", "precise"]
rounds = 5
learning_rate = 0.125
"""


def test_a_row_changes_a_task_and_a_task_the_experiment_also_back_to_a_default(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(FILE)
    experiment = load_experiment(path)

    def found(task: str, row: str) -> tuple[int, str, float, int]:
        settings = experiment.settings(experiment.task(task), experiment.rows[row])
        return settings.rounds, settings.quantization, settings.learning_rate, settings.rank

    assert found("as-it-is", "plain") == (7, "nf4", 0.5, 8)
    assert found("as-it-is", "precise") == (7, "bf16", 0.25, 8)
    assert found("long", "plain")[0] == 20
    assert found("short", "plain") == (5, "nf4", 0.125, 8)
    assert found("short", "precise") == (5, "bf16", 0.25, 8)
    assert type(experiment.settings(experiment.tasks[0], experiment.rows["plain"])) is type(experiment.training)
